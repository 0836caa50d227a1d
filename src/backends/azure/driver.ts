import { drain } from '../../core/body.ts'
import type { CallContext } from '../../core/call.ts'
import type { ContainerDriver } from '../../core/container-driver.ts'
import type { Content } from '../../core/content.ts'
import type { DirectUpload, DirectUploadLimits } from '../../core/direct-uploads.ts'
import type {
  DeleteOptions,
  DeleteResult,
  Driver,
  Features,
  Page,
  PageRequest,
  ReadOptions,
  ReadResult,
  RequestOptions,
  SignUrlOptions,
  Stat,
  StatOptions,
  WriteOptions,
} from '../../core/driver.ts'
import { type ErrorCode, StorageError } from '../../core/errors.ts'
import type { HttpClient, HttpResponse } from '../../http/request.ts'
import { Batches } from '../../remote/batches.ts'
import { Conditions, deleted, FULL_CONDITIONS } from '../../remote/conditions.ts'
import { containersOf } from '../../remote/containers.ts'
import { refuseMaxSize } from '../../remote/direct-upload.ts'
import { OpenUploads } from '../../remote/open-uploads.ts'
import type { PartOptions } from '../../remote/options.ts'
import { sizedPage } from '../../remote/page-range.ts'
import { partPlan } from '../../remote/part-plan.ts'
import { writeObject } from '../../remote/part-upload.ts'
import { readObject } from '../../remote/reading.ts'
import { resumableUploads } from '../../remote/resumable.ts'
import { BATCH_LIMIT, deleteBatch, deletion } from './batch.ts'
import { AzureClient, type AzureClientOptions } from './client.ts'
import { AzureContainers } from './containers.ts'
import { checkVersion, copyBlob, statBlob, versionQuery } from './copying.ts'
import { classifyAzure, createFailed, isWithoutBatches } from './errors.ts'
import { headerStatOf, otherHeaders, writeHeaders } from './headers.ts'
import { listQuery, pageOf } from './listing.ts'
import { checkKey } from './names.ts'
import { AzureParts, type AzureTarget, type ChecksumMode } from './parts.ts'
import { signedUrl } from './url.ts'

/** The options of an `AzureDriver`; `AzureStorage` makes them from its own options. */
export interface AzureDriverOptions extends AzureClientOptions, PartOptions {
  /** The client that sends the requests; it is closed with the driver. */
  readonly httpClient: HttpClient
  readonly checksum: ChecksumMode
  readonly deleteSnapshots: boolean
}

/** The Blob protocol for one container. (https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api) */
export class AzureDriver implements Driver {
  readonly name = 'azure'
  readonly features: Features = {
    ranges: true,
    exclusiveCreate: true,
    ifMatch: true,
    deleteIfMatch: true,
    metadata: true,
    versions: true,
  }
  readonly client: AzureClient
  readonly containers: ContainerDriver
  readonly #options: AzureDriverOptions
  readonly #parts: AzureParts
  readonly #uploads: OpenUploads = new OpenUploads()
  readonly #conditions: Conditions = new Conditions(FULL_CONDITIONS)
  readonly #batches: Batches<RequestOptions>
  readonly resumable: NonNullable<Driver['resumable']>

  constructor(options: AzureDriverOptions) {
    this.#options = options
    this.client = new AzureClient(options, options.httpClient)
    this.containers = containersOf(new AzureContainers(this.client))
    this.#parts = new AzureParts(this.client, options.checksum)
    this.resumable = resumableUploads({
      plan: async (key, write) => ({ ...this.#plan(key, write), failed: error => createFailed(error, write) }),
      place: key => this.address(key),
    })
    this.#batches = new Batches({
      limit: BATCH_LIMIT,
      holds: () => true,
      send: (keys, ctx, request) => deleteBatch(this.client, keys, key => this.#deletion(key, request), ctx),
      delete: (key, ctx, request) => this.delete(key, ctx, request),
      isUnsupported: isWithoutBatches,
    })
  }

  stat(key: string, ctx: CallContext, options: StatOptions = {}): Promise<Stat> {
    return statBlob(this.client, key, options, ctx)
  }

  async read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    const query = versionQuery(options)
    const get = (headers: Record<string, string>): Promise<HttpResponse> =>
      this.client.send({ method: 'GET', key, query, headers }, ctx)
    const matchHeader = (etag: string): string => this.#conditions.matchHeader(etag)
    const result = await readObject({ get, statOf: headerStatOf, matchHeader, classify: classifyAzure }, options)
    try {
      if (result.stat?.isDirectory === true) throw new StorageError('is_directory', `'${key}' is a directory.`)
      checkVersion(options, result.stat ?? {})
    } catch (error) {
      await drain(result)
      throw error
    }
    return this.#options.checksum === 'off' ? { ...result, isUnchecked: true } : result
  }

  async write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    ctx.signal.throwIfAborted()
    const { protocol, target, plan } = this.#plan(key, options)
    try {
      return await writeObject(protocol, target, content, plan, ctx)
    } catch (error) {
      throw createFailed(error, options)
    }
  }

  async delete(key: string, ctx: CallContext, options: DeleteOptions = {}): Promise<void> {
    const request = this.#deletion(key, options)
    const headers = { ...request.headers, ...this.#conditions.deleteHeadersOf(options) }
    await deleted(this.client.done({ ...request, headers }, ctx), options, classifyAzure)
  }

  /** Blob Batch, 256 keys at a time. */
  deleteMany(
    keys: readonly string[],
    ctx: CallContext,
    options: RequestOptions = {},
  ): Promise<readonly DeleteResult[]> {
    return this.#batches.deleteMany(keys, ctx, options)
  }

  async list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    const { root } = await this.client.xml({ method: 'GET', query: listQuery(prefix, page) }, ctx)
    return sizedPage(pageOf(root, prefix, page), key => this.stat(key, ctx), classifyAzure)
  }

  async copy(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    checkKey(to)
    const { objectParameters: parameters = {}, ...changes } = options
    if (from === to && Object.values(changes).every(value => value === undefined)) return this.stat(from, ctx)
    const conditions = this.#conditions.headersOf(options)
    const plan = partPlan(this.#uploads, this.#options, { put: conditions, finish: conditions })
    try {
      await copyBlob(this.client, this.#parts, plan, { from, to, options, parameters, conditions }, ctx)
    } catch (error) {
      throw createFailed(error, options)
    }
    return undefined
  }

  /** Set Blob Tier. (https://learn.microsoft.com/rest/api/storageservices/set-blob-tier) */
  async setTier(key: string, tier: string, ctx: CallContext, { objectParameters }: RequestOptions = {}): Promise<void> {
    const headers = { ...otherHeaders('delete', objectParameters), ...otherHeaders('copy', { accessTier: tier }) }
    await this.client.done({ method: 'PUT', key, query: [['comp', 'tier']], headers, body: Buffer.alloc(0) }, ctx)
  }

  publicUrl(key: string): string {
    return this.client.url(key)
  }

  /** The blob's URL at the service. */
  async address(key: string): Promise<string> {
    return this.client.url(key)
  }

  async signUrl(key: string, options: SignUrlOptions & RequestOptions, ctx: CallContext): Promise<string> {
    if (options.method === 'PUT') checkKey(key)
    const { objectParameters: _, ...rest } = options
    return signedUrl(this.client, this.client.url(key), key, rest, ctx)
  }

  /** A signed PUT. The service stores the content type of the request. */
  async uploadTarget(
    key: string,
    options: WriteOptions,
    limits: DirectUploadLimits,
    ctx: CallContext,
  ): Promise<DirectUpload> {
    refuseMaxSize(limits, 'Azure')
    const { objectParameters = {} } = options
    const { expiresInSecs } = limits
    const url = await this.signUrl(key, { method: 'PUT', expiresInSecs }, ctx)
    return {
      method: 'PUT',
      url,
      headers: { 'x-ms-blob-type': 'BlockBlob', ...writeHeaders(objectParameters, options) },
    }
  }

  /** Creates the container, which is not readable without credentials. A container that exists is no error. */
  async createContainer(ctx: CallContext): Promise<void> {
    try {
      await this.client.done({ method: 'PUT', query: [['restype', 'container']], body: Buffer.alloc(0) }, ctx)
    } catch (error) {
      if (classifyAzure(error) !== 'exists') throw error
    }
  }

  classify(error: unknown): ErrorCode | undefined {
    return classifyAzure(error)
  }

  /** Ends the uploads in progress and closes its own connections. */
  async close(): Promise<void> {
    await this.#uploads.close()
    await this.#options.httpClient.close()
  }

  #plan(key: string, options: WriteOptions) {
    checkKey(key)
    const target = this.#targetOf(key, options)
    const { conditions } = target
    const plan = partPlan(this.#uploads, this.#options, { put: conditions, finish: conditions })
    return { protocol: this.#parts, target, plan }
  }

  #targetOf(key: string, options: WriteOptions): AzureTarget {
    const { objectParameters = {}, extra } = options
    return {
      key,
      options,
      headers: writeHeaders(objectParameters, options),
      blockHeaders: otherHeaders('block', objectParameters, extra),
      conditions: this.#conditions.headersOf(options),
    }
  }

  #deletion(key: string, { objectParameters }: RequestOptions) {
    return deletion(key, this.#options.deleteSnapshots, objectParameters)
  }
}
