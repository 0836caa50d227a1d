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

/** The access to a storage's account: its layers, which are made again after `close`. */
export interface HasCalls {
  readonly calls: CallRunner
}

/**
 * The account that a storage's credentials belong to, as `storage.driver`: its containers (S3: buckets), not only the one that the storage
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
   * Makes a container. A name that is taken, by this account or another one, is `exists`; a name that the service never accepts is
   * `invalid_argument`. Without a name it makes the storage's own container, which may already exist: see `Storage#createContainer`.
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

  /** Returns the containers of the account, in the service's order. */
  async listContainers(options: CallOptions = {}): Promise<ContainerStat[]> {
    checkCallOptions('listContainers', options)
    const containers: ContainerStat[] = []
    for await (const container of this.iterateContainers(options)) containers.push(container)
    return containers
  }

  /** Returns the containers of the account, one page per request. */
  iterateContainers(options: CallOptions = {}): AsyncGenerator<ContainerStat, void, undefined> {
    return iterateContainers(this.#storage.calls, options)
  }

  /** Returns the attributes of a container. Missing: `not_found`. */
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
