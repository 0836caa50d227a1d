/** Containers of Rackspace that are or were published. */
import { createHash } from 'node:crypto'

/** One published container. */
export interface CdnContainer {
  readonly account: string
  readonly name: string
  enabled: boolean
  /** Seconds. */
  ttl: number
  logRetention: boolean
}

/** All published containers. */
export class CdnList {
  readonly #list = new Map<string, CdnContainer>()
  /** `account/container/object` of each purge. */
  readonly purges: string[] = []

  /** The name of a container in public URLs. */
  hash(account: string, name: string): string {
    return createHash('sha1').update(`${account}/${name}`).digest('hex')
  }

  find(account: string, name: string): CdnContainer | undefined {
    return this.#list.get(this.hash(account, name))
  }

  byHash(hash: string): CdnContainer | undefined {
    return this.#list.get(hash)
  }

  /** Publishes a container. */
  add(account: string, name: string): CdnContainer {
    const one = { account, name, enabled: true, ttl: 259_200, logRetention: false }
    this.#list.set(this.hash(account, name), one)
    return one
  }

  remove(account: string, name: string): boolean {
    return this.#list.delete(this.hash(account, name))
  }

  /** Those of an account, by name. */
  of(account: string): CdnContainer[] {
    return [...this.#list.values()].filter(one => one.account === account).sort((a, b) => (a.name < b.name ? -1 : 1))
  }
}
