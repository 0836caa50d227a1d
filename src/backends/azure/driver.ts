import { drain } from '../../core/body.ts'
import type { CallContext } from '../../core/call.ts'
import type { ContainerDriver } from '../../core/container-driver.ts'
import type { Content } from '../../core/content.ts'
import type {
  DeleteOptions,
  DeleteResult,
  Driver,
  ExpectedHash,
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
import { expectedHash } from '../../remote/checksums.ts'
import { Conditions, deleted, FULL_CONDITIONS } from '../../remote/conditions.ts'
import { containersOf } from '../../remote/containers.ts'
import { headerTextOf } from '../../remote/headers.ts'
import { OpenUploads } from '../../remote/open-uploads.ts'
import type { PartOptions } from '../../remote/options.ts'
import { sizedPage } from '../../remote/page-range.ts'
import { partPlan } from '../../remote/part-plan.ts'
import { writeObject } from '../../remote/part-upload.ts'
import { readObject } from '../../remote/reading.ts'
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

/** What an `AzureDriver` needs; `AzureStorage` makes it of its options. */
export interface AzureDriverOptions extends AzureClientOptions, PartOptions {
  /** Sends the requests, and is closed with the driver. */
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

  constructor(options: AzureDriverOptions) {
    this.#options = options
    this.client = new AzureClient(options, options.httpClient)
    this.containers = containersOf(new AzureContainers(this.client))
    this.#parts = new AzureParts(this.client, options.checksum)
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
    let stored: string | undefined
    let whole: string | undefined
    const get = async (headers: Record<string, string>): Promise<HttpResponse> => {
      const answer = await this.client.send({ method: 'GET', key, query, headers }, ctx)
      // The answer to a range has the MD5 of the range, where that was asked for, and that of the whole file beside it.
      stored = answer.status === 200 ? headerTextOf(answer.headers['content-md5']) : undefined
      whole = headerTextOf(answer.headers['x-ms-blob-content-md5'])
      return answer
    }
    const matchHeader = (etag: string): string => this.#conditions.matchHeader(etag)
    const result = await readObject({ get, statOf: headerStatOf, matchHeader, classify: classifyAzure }, options)
    try {
      if (result.stat?.isDirectory === true) throw new StorageError('is_directory', `'${key}' is a directory.`)
      checkVersion(options, result.stat ?? {})
    } catch (error) {
      await drain(result)
      throw error
    }
    const { checksum } = this.#options
    if (checksum === 'off') return result
    if (options.range !== undefined) return { ...result, whole: expectedMd5(whole) }
    return { ...result, expected: expectedMd5(stored) }
  }

  async write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    ctx.signal.throwIfAborted()
    checkKey(key)
    const target = this.#targetOf(key, options)
    const { conditions } = target
    const plan = partPlan(this.#uploads, this.#options, { put: conditions, finish: conditions })
    try {
      return await writeObject(this.#parts, target, content, plan, ctx)
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

  /** The blob's URL in the service. */
  async address(key: string): Promise<string> {
    return this.client.url(key)
  }

  async signUrl(key: string, options: SignUrlOptions & RequestOptions, ctx: CallContext): Promise<string> {
    if (options.method === 'PUT') checkKey(key)
    const { objectParameters: _, ...rest } = options
    return signedUrl(this.client, this.client.url(key), key, rest, ctx)
  }

  /** Creates the container, which nobody may read without credentials; one that is there already is fine. */
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

  /** Ends the uploads under way and closes its own connections. */
  async close(): Promise<void> {
    await this.#uploads.close()
    await this.#options.httpClient.close()
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

function expectedMd5(value: string | undefined): ExpectedHash | undefined {
  return value === undefined ? undefined : expectedHash('MD5', value, 'base64')
}
