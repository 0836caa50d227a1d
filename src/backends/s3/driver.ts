import type { Content } from '../../core/content.ts'
import type {
  CallContext,
  CopyOptions,
  DeleteResult,
  Driver,
  Features,
  Page,
  PageRequest,
  ReadOptions,
  ReadResult,
  SignUrlOptions,
  Stat,
  StatOptions,
  WriteOptions,
} from '../../core/driver.ts'
import { type ErrorCode, StorageError } from '../../core/errors.ts'
import { drain } from '../../http/body.ts'
import { Transport, type TransportOptions } from '../../http/transport.ts'
import { Bucket } from './bucket.ts'
import { type ChecksumAlgorithm, checksumOf, headerOf } from './checksums.ts'
import { md5Base64, S3Client, type S3ClientOptions } from './client.ts'
import { type CopySettings, copyObject, copyParts, statSource, versionQuery } from './copying.ts'
import { classifyS3, S3Error } from './errors.ts'
import { otherHeaders, statOf, writeHeaders } from './headers.ts'
import { deleteDocument, deleteErrors, isXmlText, listQuery, pageOf, unquoted } from './listing.ts'
import { type MultipartOptions, partSizeFor, piecesOf, uploadPieces, wrongLength } from './multipart.ts'
import type { Preset } from './presets.ts'
import { type Conditions, FULL_CONDITIONS, NO_CONDITIONS, probeConditions } from './probe.ts'
import { signedUrl } from './url.ts'

/** What an `S3Driver` needs; `S3Storage` makes it of its options. */
export interface S3DriverOptions extends S3ClientOptions {
  readonly preset: Preset
  readonly transport?: TransportOptions | undefined
  /** Upload parameters of a key. */
  parametersOf(key: string): Readonly<Record<string, unknown>>
  readonly conditionalWrites: 'auto' | 'on' | 'off'
  readonly checksum: ChecksumAlgorithm | 'MD5' | 'none'
  /** Largest upload in one request, in bytes. */
  readonly multipartThreshold: number
  /** Bytes. */
  readonly partSize: number
  readonly uploadConcurrency: number
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
  #conditions: Conditions | undefined
  #probe: Promise<Conditions> | undefined

  constructor(options: S3DriverOptions) {
    this.#options = options
    this.#transport = new Transport(options.transport)
    this.client = new S3Client(options, this.#transport)
    this.#bucket = new Bucket(this.client, options)
    this.#conditions = knownConditions(options)
  }

  get features(): Features {
    const { create, match } = this.#conditions ?? NO_CONDITIONS
    return { ranges: true, exclusiveCreate: create, ifMatch: match, metadata: true, versions: true }
  }

  /** Tries out conditions unless they are known; without the right to write they count as not kept. */
  async discover(ctx: CallContext): Promise<Features> {
    if (this.#conditions === undefined) {
      await this.#bucket.ready(ctx)
      const { readOnly = false, probePrefix = '' } = this.#options
      const headersOf = (key: string) => writeHeaders(this.#options.parametersOf(key), {})
      this.#probe ??= readOnly
        ? Promise.resolve(NO_CONDITIONS)
        : probeConditions(this.client, probePrefix, headersOf, ctx).finally(() => {
            this.#probe = undefined
          })
      this.#conditions = await this.#probe
    }
    return this.features
  }

  async stat(key: string, ctx: CallContext, options: StatOptions = {}): Promise<Stat> {
    await this.#bucket.ready(ctx)
    const headers = otherHeaders('read', this.#options.parametersOf(key))
    return statOf((await this.#bucket.head({ key, query: versionQuery(options), headers }, ctx)).headers)
  }

  async read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    await this.#bucket.ready(ctx)
    const { range, ifMatch, versionId } = options
    if (range?.end !== undefined && range.end <= range.start) return this.#readNothing(key, options, ctx)
    const headers = otherHeaders('read', this.#options.parametersOf(key))
    if (range !== undefined) headers['range'] = `bytes=${range.start}-${range.end === undefined ? '' : range.end - 1}`
    if (ifMatch !== undefined) headers['if-match'] = this.#matchHeader(ifMatch)
    const query = versionQuery(options)
    try {
      const response = await this.client.send({ method: 'GET', key, query, headers }, ctx)
      return { body: response.body, stat: statOf(response.headers) }
    } catch (error) {
      if (range?.start !== 0 || classifyS3(error) !== 'invalid_range') throw error
      return this.read(key, { ifMatch, versionId }, ctx)
    }
  }

  /** An empty range cannot be said in HTTP; that it lies within the file is asked. */
  async #readNothing(key: string, { range, ...rest }: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    const result = await this.read(key, { ...rest, range: { start: range!.start, end: range!.start + 1 } }, ctx)
    await drain(result)
    const { Readable } = await import('node:stream')
    return { body: Readable.from([], { objectMode: false }), stat: result.stat }
  }

  async write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    ctx.signal.throwIfAborted()
    await this.#bucket.ready(ctx)
    const { multipartThreshold } = this.#options
    const { bytes, size } = content
    const parameters = this.#options.parametersOf(key)
    const headers = writeHeaders(parameters, options)
    const conditions = this.#conditionHeaders(options)
    if (bytes !== undefined && bytes.byteLength <= multipartThreshold) {
      return this.#put(key, bytes, headers, conditions, options, ctx)
    }
    const matchesOnlyPut = options.ifMatch !== undefined && !this.#options.preset.conditionalComplete
    if (matchesOnlyPut && size !== undefined && size > multipartThreshold) {
      return this.#putStream(key, content, size, headers, conditions, options, ctx)
    }
    const single = size !== undefined && size <= multipartThreshold
    const wanted = single ? multipartThreshold : partSizeFor(size, this.#options.partSize)
    const pieces = piecesOf(content, Math.max(1, wanted), ctx.signal, this.#options.preset.uniformParts)
    const first = await pieces.next()
    const start = first.done ? Buffer.alloc(0) : first.value.bytes
    const second = first.done ? first : await pieces.next()
    if (second.done) {
      if (size !== undefined && start.byteLength !== size) throw wrongLength(start.byteLength, size)
      return this.#put(key, start, headers, conditions, options, ctx)
    }
    if (single || matchesOnlyPut) {
      await pieces.return(undefined)
      if (single)
        throw new StorageError('invalid_argument', `The content has more than the ${size} bytes that it said.`)
      throw new StorageError('unsupported', 'This service keeps ifMatch only for uploads whose size is known.')
    }
    const all = followed([first.value!, second.value], pieces)
    await this.#putParts(key, all, size, headers, conditions, parameters, options, ctx)
    return undefined
  }

  async #put(
    key: string,
    bytes: Uint8Array,
    headers: Record<string, string>,
    conditions: Record<string, string>,
    options: WriteOptions,
    ctx: CallContext,
  ): Promise<Stat> {
    const { checksum } = this.#options
    if (checksum === 'MD5') headers['content-md5'] = md5Base64(bytes)
    else if (checksum !== 'none') headers[headerOf(checksum)] = checksumOf(checksum, bytes)
    Object.assign(headers, conditions)
    const response = await this.client
      .call({ method: 'PUT', key, headers, body: bytes }, ctx)
      .catch(error => conditionFailed(error, options))
    options.onProgress?.(bytes.byteLength)
    const { etag } = response.headers
    const version = response.headers['x-amz-version-id']
    return {
      size: bytes.byteLength,
      etag: etag === undefined ? undefined : unquoted(etag),
      versionId: typeof version === 'string' ? version : undefined,
    }
  }

  /** A conditional write that cannot go in parts, because their completion would ignore the condition. */
  async #putStream(
    key: string,
    content: Content,
    size: number,
    headers: Record<string, string>,
    conditions: Record<string, string>,
    options: WriteOptions,
    ctx: CallContext,
  ): Promise<undefined> {
    if (size > 5 * GIB) {
      throw new StorageError('unsupported', 'This service keeps ifMatch only for uploads of at most 5 GiB.')
    }
    const all = { ...headers, ...conditions, 'content-length': String(size) }
    await this.client
      .call({ method: 'PUT', key, headers: all, body: content.open() }, ctx)
      .catch(error => conditionFailed(error, options))
    options.onProgress?.(size)
  }

  async #putParts(
    key: string,
    pieces: AsyncGenerator<{ number: number; bytes: Buffer }>,
    size: number | undefined,
    headers: Record<string, string>,
    conditions: Record<string, string>,
    parameters: Readonly<Record<string, unknown>>,
    options: WriteOptions,
    ctx: CallContext,
  ): Promise<void> {
    const claims = options.ifAbsent === true && !this.#options.preset.conditionalComplete
    let claimed: string | undefined
    const claim = async () => {
      claimed = await this.#claim(key, headers, conditions, ctx)
    }
    const upload: MultipartOptions = {
      partSize: this.#options.partSize,
      concurrency: this.#options.uploadConcurrency,
      checksum: this.#options.checksum,
      headers,
      partHeaders: otherHeaders('part', parameters, options.extra),
      conditions: claims ? {} : conditions,
      onProgress: options.onProgress,
    }
    try {
      await uploadPieces(this.client, key, claims ? ended(pieces, claim) : pieces, size, upload, ctx)
    } catch (error) {
      if (claimed !== undefined) await this.#unclaim(key, claimed)
      conditionFailed(error, options)
    } finally {
      await pieces.return(undefined)
    }
  }

  /** Stores an empty object where there is none, so that what replaces it needs no condition; gives its etag. */
  async #claim(
    key: string,
    headers: Record<string, string>,
    conditions: Record<string, string>,
    ctx: CallContext,
  ): Promise<string> {
    return (await this.#put(key, Buffer.alloc(0), { ...headers }, conditions, { ifAbsent: true }, ctx)).etag ?? ''
  }

  /** Takes back the empty object that stood for an upload which then failed; another's object stays. */
  async #unclaim(key: string, etag: string): Promise<void> {
    const signal = AbortSignal.timeout(30_000)
    const ctx: CallContext = { signal, attempt: 1, progress() {}, step: (_name, _replayable, run) => run(ctx) }
    try {
      const stat = await this.stat(key, ctx)
      if (stat.size === 0 && stat.etag === etag) await this.delete(key, ctx)
    } catch {
      // The failure of the upload is what counts.
    }
  }

  async delete(key: string, ctx: CallContext): Promise<void> {
    await this.#bucket.ready(ctx)
    const headers = otherHeaders('base', this.#options.parametersOf(key))
    try {
      await this.client.call({ method: 'DELETE', key, headers }, ctx)
    } catch (error) {
      if (classifyS3(error) !== 'not_found') throw error
    }
  }

  /** DeleteObjects, 1000 keys at a time; keys that XML cannot hold, and services without it, one by one. */
  async deleteMany(keys: readonly string[], ctx: CallContext): Promise<readonly DeleteResult[]> {
    ctx.signal.throwIfAborted()
    const errors = new Map<string, unknown>()
    const batchable = keys.filter(isXmlText)
    const single = keys.filter(key => !isXmlText(key))
    for (let at = 0; at < batchable.length; at += DELETE_BATCH) {
      const batch = batchable.slice(at, at + DELETE_BATCH)
      try {
        for (const [key, error] of await this.#deleteBatch(batch, ctx)) errors.set(key, error)
      } catch (error) {
        if (classifyS3(error) !== 'unsupported') throw error
        single.push(...batch)
      }
    }
    for (const key of single) await this.delete(key, ctx).catch(error => errors.set(key, error))
    return keys.map(key => (errors.has(key) ? { key, error: errors.get(key) } : { key }))
  }

  async #deleteBatch(keys: readonly string[], ctx: CallContext): Promise<Map<string, unknown>> {
    await this.#bucket.ready(ctx)
    const body = deleteDocument(keys)
    const headers = { 'content-md5': md5Base64(body), 'content-type': 'application/xml' }
    return ctx.step('deleteObjects', true, async step => {
      const { root } = await this.client.document({ method: 'POST', query: [['delete']], headers, body }, step)
      return deleteErrors(root)
    })
  }

  async list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    await this.#bucket.ready(ctx)
    const headers = otherHeaders('base', this.#options.parametersOf(prefix))
    const { root } = await this.client.document({ method: 'GET', query: listQuery(prefix, page), headers }, ctx)
    return pageOf(root)
  }

  /** A condition on the target goes with the copy, or a large file claims its key first; others are `unsupported`. */
  async copy(from: string, to: string, options: CopyOptions, ctx: CallContext): Promise<Stat | undefined> {
    if (options.ifMatch !== undefined) throw new StorageError('unsupported', 'A copy within S3 takes no ifMatch.')
    if (from === to && Object.values(options).every(value => value === undefined)) return this.stat(from, ctx)
    await this.#bucket.ready(ctx)
    const conditions = this.#conditionHeaders(options)
    if (options.ifAbsent !== true || this.#options.preset.conditionalCopy) {
      await this.#copy(from, to, options, conditions, ctx).catch(error => conditionFailed(error, options))
      return undefined
    }
    const { size } = await this.stat(from, ctx)
    if (size <= this.#options.multipartThreshold) {
      throw new StorageError(
        'unsupported',
        'This service copies without conditions; a small file is better sent again.',
      )
    }
    const claimed = await this.#claim(to, writeHeaders(this.#options.parametersOf(to), {}), conditions, ctx)
    try {
      await this.#copy(from, to, options, {}, ctx)
    } catch (error) {
      await this.#unclaim(to, claimed)
      throw error
    }
    return undefined
  }

  async #copy(
    from: string,
    to: string,
    options: CopyOptions,
    conditions: Record<string, string>,
    ctx: CallContext,
  ): Promise<void> {
    const { partSize, uploadConcurrency: concurrency, maxCopySize = 5 * GIB } = this.#options
    const parameters = this.#options.parametersOf(to)
    const settings: CopySettings = { parameters, partSize, concurrency, conditions }
    try {
      await copyObject(this.client, from, to, options, settings, ctx)
    } catch (error) {
      if (!(error instanceof S3Error) || !/^(InvalidRequest|EntityTooLarge)$/.test(error.serviceCode ?? '')) throw error
      const source = await statSource(this.client, from, parameters, ctx)
      if (source.size <= maxCopySize) throw error
      await copyParts(this.client, from, to, source, options, settings, ctx)
    }
  }

  async move(from: string, to: string, options: CopyOptions, ctx: CallContext): Promise<Stat | undefined> {
    const stat = await this.copy(from, to, options, ctx)
    if (from !== to) await this.delete(from, ctx)
    return stat
  }

  publicUrl(key: string): string {
    return this.client.url(key)
  }

  signUrl(key: string, options: SignUrlOptions, _ctx: CallContext): Promise<string> {
    return signedUrl(this.client, key, options, this.#options)
  }

  /** Creates the bucket; one that is ours already is fine. */
  async createContainer(ctx: CallContext): Promise<void> {
    await this.#bucket.create(ctx)
  }

  classify(error: unknown): ErrorCode | undefined {
    return classifyS3(error)
  }

  async close(): Promise<void> {
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

/** Turns the refusal of `ifAbsent` into `exists`; anything else is thrown as it is. */
function conditionFailed(error: unknown, { ifAbsent }: WriteOptions): never {
  const code = error instanceof StorageError ? error.code : classifyS3(error)
  if (ifAbsent === true && code === 'precondition_failed') {
    throw new StorageError('exists', 'The key is taken.', { cause: error, status: 412 })
  }
  throw error
}

async function* followed<T>(first: readonly T[], rest: AsyncGenerator<T>): AsyncGenerator<T> {
  yield* first
  yield* rest
}

/** The pieces, then `last` before their end is told. */
async function* ended<T>(pieces: AsyncGenerator<T>, last: () => Promise<void>): AsyncGenerator<T> {
  yield* pieces
  await last()
}
