import type { FileRef } from '../core/call.ts'
import type { ObjectParameters } from '../core/driver.ts'

/** The part of a storage that returns the parameters of a file. */
interface Parametrised {
  objectParametersOf(name: string): ObjectParameters | undefined
}

/** A name and its key. The parameters are determined once, at their first use. */
export class NamedFile implements FileRef {
  readonly name: string
  readonly key: string
  readonly #storage: Parametrised
  #parameters: ObjectParameters | undefined

  constructor(storage: Parametrised, name: string, key: string) {
    this.#storage = storage
    this.name = name
    this.key = key
  }

  get objectParameters(): ObjectParameters | undefined {
    this.#parameters ??= this.#storage.objectParametersOf(this.name)
    return this.#parameters
  }
}
