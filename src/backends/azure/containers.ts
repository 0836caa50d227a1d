import type { CallContext } from '../../core/call.ts'
import type { ContainerPage, ContainerStat } from '../../core/container-driver.ts'
import { type ErrorCode, StorageError } from '../../core/errors.ts'
import {
  type ContainerMethod,
  type ContainerProtocol,
  checkIsEmpty,
  containerLimit,
  containerPage,
} from '../../remote/containers.ts'
import type { HttpStatusError } from '../../remote/http-error.ts'
import type { AzureClient } from './client.ts'
import type { AzureRequest } from './operations.ts'

/** Maximum number of containers per page. */
const MAX_CONTAINERS = 5000
/** The first protocol version in which blobs have versions. */
const VERSIONS_SINCE = '2019-12-12'

const CODES: ReadonlyMap<string | undefined, ErrorCode> = new Map([
  ['ContainerNotFound', 'not_found'],
  ['ResourceNotFound', 'not_found'],
  ['InvalidResourceName', 'invalid_argument'],
  ['InvalidUri', 'invalid_argument'],
  ['OutOfRangeInput', 'invalid_argument'],
])

/** The containers of an account. (https://learn.microsoft.com/rest/api/storageservices/operations-on-containers) */
export class AzureContainers implements ContainerProtocol {
  readonly #client: AzureClient

  constructor(client: AzureClient) {
    this.#client = client
  }

  codeOf({ serviceCode }: HttpStatusError, method: ContainerMethod): ErrorCode | undefined {
    // A container that is being deleted does not exist, but was not deleted by this call.
    if (serviceCode === 'ContainerBeingDeleted' && method !== 'create') return 'not_found'
    return CODES.get(serviceCode)
  }

  /** Create Container. Code `unavailable` for a container that is being deleted: its name stays taken for half a minute or longer. */
  async create(name: string, ctx: CallContext): Promise<void> {
    const request = { ...this.#request('PUT', name), body: Buffer.alloc(0), conflicts: [409] }
    await this.#client.done(request, ctx)
  }

  /** Get Container Properties. The service does not report when a container was created. */
  async stat(name: string, ctx: CallContext): Promise<ContainerStat> {
    await this.#client.done(this.#request('GET', name), ctx)
    return { name }
  }

  /** List Containers. */
  async list(page: { readonly token?: string; readonly limit?: number }, ctx: CallContext): Promise<ContainerPage> {
    const query: Array<[string, string]> = [
      ['comp', 'list'],
      ['maxresults', String(containerLimit(page, MAX_CONTAINERS))],
    ]
    if (page.token !== undefined) query.push(['marker', page.token])
    const { root } = await this.#client.xml({ method: 'GET', ofService: true, query }, ctx)
    const nodes = root.child('Containers')
    if (nodes === undefined) throw noListing('containers')
    const rows = nodes.children('Container').map(node => ({ name: node.child('Name')?.text }))
    return containerPage(rows, root.child('NextMarker')?.text)
  }

  /**
   * Delete Container. The service also deletes the blobs in it, so this first checks for a single blob, including snapshots, versions and
   * uncommitted ones.
   */
  async delete(name: string, ctx: CallContext): Promise<void> {
    await checkIsEmpty(name, token => this.#firstBlobs(name, token, ctx))
    await this.#client.done({ ...this.#request('DELETE', name), conflicts: [404] }, ctx)
  }

  async #firstBlobs(container: string, token: string | undefined, ctx: CallContext) {
    const versions = this.#client.apiVersion >= VERSIONS_SINCE ? ',versions' : ''
    const query: Array<[string, string]> = [
      ['restype', 'container'],
      ['comp', 'list'],
      ['include', `snapshots,uncommittedblobs${versions}`],
      ['maxresults', '1'],
    ]
    if (token !== undefined) query.push(['marker', token])
    const { root } = await this.#client.xml({ method: 'GET', container, query }, ctx)
    const blobs = root.child('Blobs')
    if (blobs === undefined) throw noListing('blobs')
    return { count: blobs.children().length, next: root.child('NextMarker')?.text || undefined }
  }

  #request<M extends AzureRequest['method']>(method: M, container: string) {
    return { method, container, query: [['restype', 'container']] } as const
  }
}

function noListing(what: string): StorageError {
  return new StorageError('unavailable', `The answer is not a listing of ${what}.`, { outcome: 'not_applied' })
}
