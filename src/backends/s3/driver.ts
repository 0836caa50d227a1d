import { BytesBody, drain } from '../../core/body.ts'
import type { CallContext } from '../../core/call.ts'
import type { Content } from '../../core/content.ts'
import type {
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
import { type ErrorCode, StorageError, withOutcome, wrapError } from '../../core/errors.ts'
import { Transport, type TransportOptions } from '../../http/transport.ts'
import { checksumHeaders } from '../../remote/checksums.ts'
import { Bucket } from './bucket.ts'
import { S3Client, type S3ClientOptions } from './client.ts'
import { classifyS3 } from './errors.ts'
import { otherHeaders, readingOf, statOf, writeHeaders } from './headers.ts'
import { deleteDocument, deleteErrors, isEmptyRange, isXmlText, listQuery, pageOf, sizedPage } from './listing.ts'
import { type Conditions, FULL_CONDITIONS, NO_CONDITIONS, probeConditions } from './probe.ts'
import { copyObject, versionQuery } from './upload/copying.ts'
import { S3Parts } from './upload/parts.ts'
import { conditionFailed, Writer, type WriterOptions } from './upload/writer.ts'
import { signedUrl } from './url.ts'

/** What an `S3Driver` needs; `S3Storage` makes it of its options. */
export interface S3DriverOptions extends S3ClientOptions, WriterOptions {
  readonly transport?: TransportOptions | undefined
  readonly conditionalWrites: 'auto' | 'on' | 'off'
  /** Largest copy in one request, in bytes. Default: 5 GiB. */
  readonly maxCopySize?: number | undefined
  /** Where the object that tries out conditions may stand. */
  readonly probePrefix?: string | undefined
  readonly autoCreateBucket?: boolean | undefined
  readonly bucketAcl?: string | null | undefined
  /** Whether nothing may be written, not even to try out conditions. */
  readonly readOnly?: boolean | undefined
}

const GIB = 1024 ** 3
const DELETE_BATCH = 1000

/** The S3 protocol for one bucket (https://docs.aws.amazon.com/AmazonS3/latest/API/). */
export class S3Driver implements Driver {
  readonly name = 's3'
  readonly client: S3Client
  readonly #options: S3DriverOptions
  readonly #transport: Transport
  readonly #bucket: Bucket
  readonly #parts: S3Parts
  readonly #writer: Writer
  #conditions: Conditions | undefined
  #probe: Promise<Conditions> | undefined

  constructor(options: S3DriverOptions) {
    this.#options = options
    this.#transport = new Transport(options.transport)
    this.client = new S3Client(options, this.#transport)
    this.#bucket = new Bucket(this.client, options)
    const { minPartSize, preset } = options
    this.#parts = new S3Parts(this.client, { minPart: minPartSize, uniform: preset.uniformParts })
    this.#writer = new Writer(this.client, this.#parts, options)
    this.#conditions = knownConditions(options)
  }

  get features(): Features {
    const { create, match } = this.#conditions ?? NO_CONDITIONS
    return { ranges: true, exclusiveCreate: create, ifMatch: match, metadata: true, versions: true, listRange: true }
  }

  /** Tries out conditions unless they are known; without the right to write they count as not kept. */
  async discover(ctx: CallContext, options: RequestOptions = {}): Promise<Features> {
    if (this.#conditions === undefined) {
      await this.#bucket.ready(ctx)
      const { readOnly = false, probePrefix = '' } = this.#options
      const headers = writeHeaders(options.objectParameters ?? {}, {})
      // A try that was given up may still be taking its object away: the next one waits for that.
      this.#probe ??= readOnly
        ? Promise.resolve(NO_CONDITIONS)
        : probeConditions(this.client, probePrefix, headers, ctx).finally(() => {
            this.#probe = undefined
          })
      this.#conditions = await this.#probe
    }
    return this.features
  }

  async stat(key: string, ctx: CallContext, options: StatOptions = {}): Promise<Stat> {
    await this.#bucket.ready(ctx)
    const headers = otherHeaders('read', options.objectParameters)
    return statOf((await this.#bucket.head({ key, query: versionQuery(options), headers }, ctx)).headers)
  }

  async read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    await this.#bucket.ready(ctx)
    const { range, ifMatch } = options
    if (range?.end !== undefined && range.end <= range.start) return this.#readNothing(key, options, ctx)
    const headers = otherHeaders('read', options.objectParameters)
    if (range !== undefined) headers['range'] = `bytes=${range.start}-${range.end === undefined ? '' : range.end - 1}`
    if (ifMatch !== undefined) headers['if-match'] = this.#matchHeader(ifMatch)
    const query = versionQuery(options)
    try {
      return readingOf(await this.client.send({ method: 'GET', key, query, headers }, ctx), range)
    } catch (error) {
      if (range?.start !== 0 || classifyS3(error) !== 'invalid_range') throw error
      return this.read(key, { ...options, range: undefined }, ctx)
    }
  }

  /** An empty range cannot be said in HTTP; that it lies within the file is asked. */
  async #readNothing(key: string, { range, ...rest }: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    const result = await this.read(key, { ...rest, range: { start: range!.start, end: range!.start + 1 } }, ctx)
    await drain(result)
    return { body: new BytesBody(Buffer.alloc(0)), stat: result.stat }
  }

  async write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    ctx.signal.throwIfAborted()
    await this.#bucket.ready(ctx)
    return this.#writer.write(key, content, options, this.#conditionHeaders(options), ctx)
  }

  async delete(key: string, ctx: CallContext, { objectParameters }: RequestOptions = {}): Promise<void> {
    await this.#bucket.ready(ctx)
    const headers = otherHeaders('base', objectParameters)
    try {
      await this.client.call({ method: 'DELETE', key, headers }, ctx)
    } catch (error) {
      if (classifyS3(error) !== 'not_found') throw error
    }
  }

  /** DeleteObjects, 1000 keys at a time; keys that XML cannot hold, and services without it, one by one. */
  async deleteMany(
    keys: readonly string[],
    ctx: CallContext,
    options: RequestOptions = {},
  ): Promise<readonly DeleteResult[]> {
    ctx.signal.throwIfAborted()
    const errors = new Map<string, unknown>()
    const batchable = keys.filter(isXmlText)
    const single = keys.filter(key => !isXmlText(key))
    for (let at = 0; at < batchable.length; at += DELETE_BATCH) {
      const batch = batchable.slice(at, at + DELETE_BATCH)
      try {
        for (const [key, error] of await this.#deleteBatch(batch, ctx, options)) errors.set(key, error)
      } catch (error) {
        if (classifyS3(error) !== 'unsupported') throw error
        single.push(...batch)
      }
    }
    for (const key of single) await this.delete(key, ctx, options).catch(error => errors.set(key, error))
    return keys.map(key => (errors.has(key) ? { key, error: errors.get(key) } : { key }))
  }

  async #deleteBatch(
    keys: readonly string[],
    ctx: CallContext,
    { objectParameters }: RequestOptions,
  ): Promise<Map<string, unknown>> {
    await this.#bucket.ready(ctx)
    const body = Buffer.from(deleteDocument(keys))
    const headers = {
      ...otherHeaders('base', objectParameters),
      ...checksumHeaders('MD5', body),
      'content-type': 'application/xml',
    }
    return ctx.step('deleteObjects', true, async step => {
      const request = { method: 'POST', query: [['delete']], headers, body } as const
      const { root, hide } = await this.client.document(request, step)
      return deleteErrors(root, hide)
    })
  }

  async list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    if (isEmptyRange(prefix, page)) return { files: [], directories: [] }
    await this.#bucket.ready(ctx)
    const headers = otherHeaders('base', page.objectParameters)
    const { root } = await this.client.document({ method: 'GET', query: listQuery(prefix, page), headers }, ctx)
    const size = async (key: string): Promise<number | undefined> => {
      try {
        return (await this.stat(key, ctx)).size
      } catch (error) {
        if (this.classify(error) === 'not_found') return undefined
        throw error
      }
    }
    return sizedPage(pageOf(root, prefix, page), size)
  }

  /** A condition on the target goes with the copy, or a large file claims its key first; others are `unsupported`. */
  async copy(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    if (options.ifMatch !== undefined) throw new StorageError('unsupported', 'A copy within S3 takes no ifMatch.')
    const { objectParameters, ...changes } = options
    if (from === to && Object.values(changes).every(value => value === undefined)) {
      return this.stat(from, ctx, { objectParameters })
    }
    await this.#bucket.ready(ctx)
    const conditions = this.#conditionHeaders(options)
    const { multipartThreshold, maxCopySize: maxSize = 5 * GIB, preset } = this.#options
    const copy = { from, to, options, parameters: objectParameters ?? {}, conditions, maxSize }
    const needsClaim = options.ifAbsent === true && !preset.conditionalCopy
    const source = needsClaim ? await this.stat(from, ctx, { objectParameters }) : undefined
    if (source !== undefined && source.size <= multipartThreshold) {
      throw new StorageError(
        'unsupported',
        'This service copies without conditions; a small file is better sent again.',
      )
    }
    const claim = needsClaim ? this.#writer.claim(to, { extra: options.extra, objectParameters }) : undefined
    const under = claim === undefined ? conditions : {}
    const plan = this.#writer.plan({ put: under, finish: under })
    try {
      await claim?.take(ctx)
      await copyObject(this.client, this.#parts, plan, { ...copy, conditions: under, source }, ctx)
    } catch (error) {
      await claim?.release(ctx)
      throw conditionFailed(error, options)
    }
    return undefined
  }

  async move(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    const stat = await this.copy(from, to, options, ctx)
    if (from === to) return stat
    await this.delete(from, ctx, options).catch(error => {
      const details = { operation: 'move', fileName: from, backend: this.name }
      throw withOutcome(wrapError(error, details, classifyS3), 'unknown')
    })
    return stat
  }

  publicUrl(key: string): string {
    return this.client.url(key)
  }

  /** The object's URL in the service. */
  async address(key: string): Promise<string> {
    return this.client.url(key)
  }

  signUrl(key: string, options: SignUrlOptions & RequestOptions, ctx: CallContext): Promise<string> {
    return signedUrl(this.client, key, options, ctx)
  }

  /** Creates the bucket; one that is ours already is fine. */
  async createContainer(ctx: CallContext): Promise<void> {
    await this.#bucket.create(ctx)
  }

  classify(error: unknown): ErrorCode | undefined {
    return classifyS3(error)
  }

  /** Ends the uploads under way, waits until they are undone, and closes the connections. */
  async close(): Promise<void> {
    await this.#parts.close()
    await this.#transport.close()
  }

  #conditionHeaders({ ifAbsent, ifMatch }: WriteOptions): Record<string, string> {
    const headers: Record<string, string> = {}
    if (ifAbsent === true) {
      if (!this.features.exclusiveCreate) throw new StorageError('unsupported', 'This service ignores If-None-Match.')
      headers['if-none-match'] = '*'
    }
    if (ifMatch !== undefined) headers['if-match'] = this.#matchHeader(ifMatch)
    return headers
  }

  #matchHeader(etag: string): string {
    if (!this.features.ifMatch) throw new StorageError('unsupported', 'This service ignores If-Match.')
    return this.#conditions?.bareEtags === true ? etag : `"${etag}"`
  }
}

function knownConditions({ conditionalWrites, preset }: S3DriverOptions): Conditions | undefined {
  if (conditionalWrites === 'on') return FULL_CONDITIONS
  if (conditionalWrites === 'off') return NO_CONDITIONS
  if (preset.conditions === undefined) return undefined
  return preset.conditions ? FULL_CONDITIONS : NO_CONDITIONS
}
