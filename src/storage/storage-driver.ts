import type { CallOptions } from '../core/call.ts'
import type { ContainerStat } from '../core/container-driver.ts'
import { checkCallOptions } from '../core/known-options.ts'
import type { CallRunner } from './call-runner.ts'
import {
  createContainer,
  createOwnContainer,
  deleteContainer,
  iterateContainers,
  type NameOrContainer,
  statContainer,
} from './containers.ts'

/** What a storage's account is reached by: its layers, made again after `close`. */
export interface HasCalls {
  readonly calls: CallRunner
}

/**
 * The account that a storage's credentials belong to, as `storage.driver`: its containers (S3: buckets), whatever container the storage itself
 * is in. Every method is `unsupported` where `storage.supports('containers')` is false. Errors name the container in `containerName`.
 * @example
 * await storage.driver.createContainer('bucket-1')
 * for (const { name } of await storage.driver.listContainers()) console.log(name)
 */
export class StorageDriver {
  readonly #storage: HasCalls

  constructor(storage: HasCalls) {
    this.#storage = storage
  }

  /** Short name of the backend. */
  get name(): string {
    return this.#storage.calls.driver.name
  }

  /**
   * Makes a container. A name that is taken, by this account or another, is `exists`; one that the service never takes `invalid_argument`.
   * Without a name it makes the storage's own container, and that may exist: see `Storage#createContainer`.
   */
  createContainer(name: NameOrContainer, options?: CallOptions): Promise<ContainerStat>
  createContainer(name?: undefined, options?: CallOptions): Promise<undefined>
  async createContainer(name?: NameOrContainer, options: CallOptions = {}): Promise<ContainerStat | undefined> {
    checkCallOptions('createContainer', options)
    const { calls } = this.#storage
    if (name === undefined) {
      await createOwnContainer(calls, options)
      return undefined
    }
    await createContainer(calls, name, options)
    return { name: typeof name === 'string' ? name : name.name }
  }

  /** The containers of the account, in the service's order. */
  async listContainers(options: CallOptions = {}): Promise<ContainerStat[]> {
    checkCallOptions('listContainers', options)
    const containers: ContainerStat[] = []
    for await (const container of this.iterateContainers(options)) containers.push(container)
    return containers
  }

  /** The containers of the account, one page per request. */
  iterateContainers(options: CallOptions = {}): AsyncGenerator<ContainerStat, void, undefined> {
    return iterateContainers(this.#storage.calls, options)
  }

  /** What is known of a container; missing: `not_found`. */
  async getContainer(name: NameOrContainer, options: CallOptions = {}): Promise<ContainerStat> {
    checkCallOptions('getContainer', options)
    return await statContainer(this.#storage.calls, name, options)
  }

  /** Removes an empty container. Missing: `not_found`; with files in it: `not_empty`, and nothing is removed. */
  async deleteContainer(name: NameOrContainer, options: CallOptions = {}): Promise<void> {
    checkCallOptions('deleteContainer', options)
    await deleteContainer(this.#storage.calls, name, options)
  }
}
