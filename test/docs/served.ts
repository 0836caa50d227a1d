/** Storages of the pages, with the address and the keys of a server of the tests. */

type Storages = abstract new (...parameters: never[]) => object

/** A class whose options are replaced by those that reach the server. */
export function served<C extends Storages>(base: C, options: object): C {
  const Base = base as unknown as new (options?: object, services?: object) => object
  class Served extends Base {
    constructor(given: object = {}, services: object = {}) {
      super({ ...given, ...options }, { settings: {}, env: {}, ...services })
    }
  }
  return Served as unknown as C
}
