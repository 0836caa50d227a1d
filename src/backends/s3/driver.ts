import { attributesOf, givenAttributes } from '../../core/attributes.ts'
import type { CallContext } from '../../core/call.ts'
import type { ContainerDriver } from '../../core/container-driver.ts'
import { bytesContent, type Content } from '../../core/content.ts'
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
  SweepRequest,
  Visibility,
  WriteOptions,
} from '../../core/driver.ts'
import { type ErrorCode, StorageError } from '../../core/errors.ts'
import { NodeClient, type NodeClientOptions } from '../../http/node-client.ts'
import type { HttpClient, HttpResponse } from '../../http/request.ts'
import { type BatchAnswer, Batches } from '../../remote/batches.ts'
import { CHECKSUM_MODE, checksumHeaders, isAlgorithm } from '../../remote/checksums.ts'
import {
  type ConditionSupport,
  Conditions,
  conditionFailed,
  deleted,
  FULL_CONDITIONS,
  NO_CONDITIONS,
  trialOf,
} from '../../remote/conditions.ts'
import { containersOf } from '../../remote/containers.ts'
import { objectsPage, objectsQuery } from '../../remote/object-listing.ts'
import { isEmptyRange, sizedPage } from '../../remote/page-range.ts'
import { partPlan } from '../../remote/part-plan.ts'
import { readObject } from '../../remote/reading.ts'
import { resumableUploads } from '../../remote/resumable.ts'
import { smallFile } from '../../remote/small-file.ts'
import { isXmlText } from '../../remote/xml.ts'
import { setVisibility, visibilityOf } from './acl.ts'
import { Buckets } from './buckets.ts'
import { S3Client, type S3ClientOptions } from './client.ts'
import { DELETE_LIMIT, deleteAnswer, deleteDocument } from './deletion.ts'
import { classifyS3, isOfKeys } from './errors.ts'
import { headerStatOf, otherHeaders, writeHeaders } from './headers.ts'
import { copyObject, statObject, versionQuery } from './upload/copying.ts'
import { S3Parts } from './upload/parts.ts'
import { Writer, type WriterOptions } from './upload/writer.ts'
import { directUpload, signedUrl } from './url.ts'

/** The options of an `S3Driver`; `S3Storage` makes them from its own options. */
export interface S3DriverOptions extends S3ClientOptions, WriterOptions {
  /** The client that sends the requests; it is closed with the driver. Default: a `NodeClient` with `transport`. */
  readonly httpClient?: HttpClient | undefined
  readonly transport?: NodeClientOptions | undefined
  readonly conditionalWrites: 'auto' | 'on' | 'off'
  /** Largest copy in one request, in bytes. Default: 5 GiB. */
  readonly maxCopySize?: number | undefined
  /** Milliseconds in which an unknown upload must show a part before it is ended. Default: 2000. */
  readonly orphanWaitMs?: number | undefined
  /** Key prefix of the object that tests conditions. */
  readonly probePrefix?: string | undefined
}

const GIB = 1024 ** 3

/** The S3 protocol for one bucket (https://docs.aws.amazon.com/AmazonS3/latest/API/). */
export class S3Driver implements Driver {
  readonly name = 's3'
  readonly client: S3Client
  readonly containers: ContainerDriver
  readonly resumable: NonNullable<Driver['resumable']>
  readonly #options: S3DriverOptions
  readonly #http: HttpClient
  readonly #parts: S3Parts
  readonly #writer: Writer
  readonly #conditions: Conditions
  readonly #batches: Batches<RequestOptions>
  /** Requests checksums if the service is known to have them. */
  readonly #asked: Readonly<Record<string, string>>

  constructor(options: S3DriverOptions) {
    this.#options = options
    this.#asked = isAlgorithm(options.checksum) ? CHECKSUM_MODE : {}
    this.#http = options.httpClient ?? new NodeClient(options.transport)
    this.client = new S3Client(options, this.#http)
    this.containers = containersOf(new Buckets(options, this.#http))
    const { minPartSize, preset, orphanWaitMs } = options
    this.#parts = new S3Parts(this.client, { minPart: minPartSize, uniform: preset.uniformParts, orphanWaitMs })
    this.#writer = new Writer(this.client, this.#parts, options)
    this.#conditions = new Conditions(knownConditions(options))
    this.resumable = resumableUploads({
      plan: async (key, write) => this.#writer.plan(key, write, this.#conditions.headersOf(write)),
      place: key => this.address(key),
    })
    this.#batches = new Batches({
      limit: DELETE_LIMIT,
      holds: isXmlText,
      send: (keys, ctx, request) => this.#deleteBatch(keys, ctx, request),
      delete: (key, ctx, request) => this.delete(key, ctx, request),
      isUnsupported: error => classifyS3(error) === 'unsupported',
    })
  }

  get features(): Features {
    const { create, match, remove } = this.#conditions.support
    return {
      ranges: true,
      exclusiveCreate: create,
      ifMatch: match,
      deleteIfMatch: remove,
      metadata: true,
      versions: true,
      listRange: true,
      rereads: this.#options.preset.conditionalCopy ? undefined : 'small',
    }
  }

  /** Tests conditions unless they are known. Without the permission to write, they count as unsupported. */
  async discover(ctx: CallContext, options: RequestOptions = {}): Promise<Features> {
    const { probePrefix = '' } = this.#options
    await this.#conditions.discover(ctx, shared => {
      const headers = writeHeaders(options.objectParameters ?? {}, {})
      const put = async (key: string, conditions: Readonly<Record<string, string>>): Promise<string | undefined> =>
        (await this.client.done({ method: 'PUT', key, headers: { ...headers, ...conditions }, body: '' }, shared)).etag
      const remove = (
        key: string,
        conditions: Readonly<Record<string, string>>,
        ctx: CallContext,
      ): Promise<unknown> => {
        const headers = { ...otherHeaders('base', options.objectParameters), ...conditions }
        return this.client.done({ method: 'DELETE', key, headers }, ctx)
      }
      return trialOf({ put, remove, classify: classifyS3, isOfKeys }, probePrefix, shared)
    })
    return this.features
  }

  stat(key: string, ctx: CallContext, options: StatOptions = {}): Promise<Stat> {
    return statObject(this.client, key, options, ctx, this.#asked)
  }

  read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    const own = { ...otherHeaders('read', options.objectParameters), ...this.#asked }
    const query = versionQuery(options)
    const get = (headers: Record<string, string>): Promise<HttpResponse> =>
      this.client.send({ method: 'GET', key, query, headers: { ...own, ...headers } }, ctx)
    const matchHeader = (etag: string): string => this.#conditions.matchHeader(etag)
    return readObject({ get, statOf: headerStatOf, matchHeader, classify: classifyS3 }, options)
  }

  async write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    ctx.signal.throwIfAborted()
    return await this.#writer.write(key, content, options, this.#conditions.headersOf(options), ctx)
  }

  async delete(key: string, ctx: CallContext, options: DeleteOptions = {}): Promise<void> {
    const headers = { ...otherHeaders('base', options.objectParameters), ...this.#conditions.deleteHeadersOf(options) }
    await deleted(this.client.done({ method: 'DELETE', key, headers }, ctx), options, classifyS3)
  }

  /** DeleteObjects, 1000 keys per request. Deletes keys one by one if XML cannot contain them or the service lacks DeleteObjects. */
  deleteMany(
    keys: readonly string[],
    ctx: CallContext,
    options: RequestOptions = {},
  ): Promise<readonly DeleteResult[]> {
    return this.#batches.deleteMany(keys, ctx, options)
  }

  async #deleteBatch(
    keys: readonly string[],
    ctx: CallContext,
    { objectParameters }: RequestOptions,
  ): Promise<BatchAnswer> {
    const body = Buffer.from(deleteDocument(keys))
    const headers = {
      ...otherHeaders('base', objectParameters),
      ...checksumHeaders('MD5', body),
      'content-type': 'application/xml',
    }
    const { root, hide } = await this.client.xml({ method: 'POST', query: [['delete']], headers, body }, ctx)
    return deleteAnswer(root, hide)
  }

  async list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    if (isEmptyRange(prefix, page)) return { files: [], directories: [] }
    const headers = otherHeaders('base', page.objectParameters)
    const query = [['encoding-type', 'url'] as const, ...objectsQuery(prefix, page)]
    const { root } = await this.client.xml({ method: 'GET', query, headers }, ctx)
    return sizedPage(objectsPage(root, prefix, page), key => this.stat(key, ctx), classifyS3)
  }

  /**
   * A condition on the target is sent with the copy. If CopyObject supports none, a small file is read and sent again, with two requests,
   * and a large file claims its key first. Any other condition is `unsupported`.
   */
  async copy(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    if (options.ifMatch !== undefined) throw new StorageError('unsupported', 'S3 copies do not support ifMatch.')
    const { objectParameters, ...changes } = options
    if (from === to && Object.values(changes).every(value => value === undefined)) {
      return this.stat(from, ctx, { objectParameters })
    }
    const conditions = this.#conditions.headersOf(options)
    const { multipartThreshold, maxCopySize: maxSize = 5 * GIB, preset } = this.#options
    const copy = { from, to, options, parameters: objectParameters ?? {}, conditions, maxSize }
    const needsClaim = options.ifAbsent === true && !preset.conditionalCopy
    const found = needsClaim ? await smallFile(this, from, { objectParameters }, multipartThreshold, ctx) : undefined
    if (found?.bytes !== undefined) {
      const attributes = { ...attributesOf(found.stat), ...givenAttributes(options) }
      return await this.write(to, bytesContent(found.bytes), { ...options, ...attributes }, ctx)
    }
    const source = found?.stat
    const claim = needsClaim ? this.#writer.claim(to, { extra: options.extra, objectParameters }) : undefined
    const under = claim === undefined ? conditions : {}
    const plan = partPlan(this.#parts.uploads, this.#options, { put: under, finish: under })
    try {
      await claim?.take(ctx)
      await copyObject(this.client, this.#parts, plan, { ...copy, conditions: under, source }, ctx)
    } catch (error) {
      if (claim !== undefined) await this.#parts.uploads.keep(claim.release(ctx))
      throw conditionFailed(error, options, classifyS3)
    }
    return undefined
  }

  publicUrl(key: string): string {
    return this.client.url(key)
  }

  /** The object's URL at the service. */
  async address(key: string): Promise<string> {
    return this.client.url(key)
  }

  signUrl(key: string, options: SignUrlOptions & RequestOptions, ctx: CallContext): Promise<string> {
    return signedUrl(this.client, key, options, ctx)
  }

  /** A form, or a signed PUT if the service does not support forms. */
  uploadTarget(
    key: string,
    options: WriteOptions,
    limits: DirectUploadLimits,
    ctx: CallContext,
  ): Promise<DirectUpload> {
    return directUpload(this.client, this.#options.preset, { key, options, limits }, ctx)
  }

  visibility(key: string, ctx: CallContext, options: RequestOptions = {}): Promise<Visibility> {
    return visibilityOf(this.client, key, options, ctx)
  }

  setVisibility(key: string, visibility: Visibility, ctx: CallContext, options: RequestOptions = {}): Promise<void> {
    return setVisibility(this.client, key, visibility, options, ctx)
  }

  /** Creates the bucket. A bucket of this account that exists is no error. */
  async createContainer(ctx: CallContext): Promise<void> {
    await this.client.createBucket(ctx)
  }

  sweep(request: SweepRequest, ctx: CallContext): Promise<number> {
    return this.#parts.sweep(request, ctx)
  }

  classify(error: unknown): ErrorCode | undefined {
    return classifyS3(error)
  }

  /** Ends the uploads in progress, waits until they are removed, and closes its own connections. */
  async close(): Promise<void> {
    await this.#parts.close()
    await this.#http.close()
  }
}

function knownConditions({ conditionalWrites, preset, readOnly }: S3DriverOptions): ConditionSupport | undefined {
  if (conditionalWrites === 'off') return NO_CONDITIONS
  const known = { ...FULL_CONDITIONS, remove: preset.conditionalDelete }
  if (conditionalWrites === 'on') return known
  if (preset.conditions === undefined) return readOnly === true ? NO_CONDITIONS : undefined
  return preset.conditions ? known : NO_CONDITIONS
}
