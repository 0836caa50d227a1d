import { Readable } from 'node:stream'
import type { CallContext } from '../../../core/call.ts'
import { type Content, contentChunks } from '../../../core/content.ts'
import type { Stat, WriteOptions } from '../../../core/driver.ts'
import { StorageError } from '../../../core/errors.ts'
import { bodySize } from '../../../http/request.ts'
import { type Bytes, type ChecksumMode, checksumHeaders } from '../../../remote/checksums.ts'
import type { Stop } from '../../../remote/open-uploads.ts'
import { followed, type Piece, piecesOf, takeFirst } from '../../../remote/pieces.ts'
import type { S3Client } from '../client.ts'
import { classifyS3 } from '../errors.ts'
import { otherHeaders, writeHeaders } from '../headers.ts'
import { unquoted } from '../listing.ts'
import { checksumOption } from '../settings/object-parameters.ts'
import type { Preset } from '../settings/presets.ts'
import { Claim } from './claim.ts'
import { type MultipartOptions, partSizeFor, uploadPieces } from './multipart.ts'

/** How objects are written. */
export interface WriterOptions {
  readonly preset: Preset
  readonly checksum: ChecksumMode
  /** Largest upload in one request, in bytes. */
  readonly multipartThreshold: number
  /** Bytes. */
  readonly partSize: number
  /** Bytes that every part but the last must have. Default: 5 MiB. */
  readonly minPartSize?: number | undefined
  readonly uploadConcurrency: number
}

/** What all requests of one write have in common. */
interface Write {
  readonly key: string
  readonly headers: Record<string, string>
  readonly conditions: Readonly<Record<string, string>>
  readonly checksum: ChecksumMode
  readonly options: WriteOptions
}

const GIB = 1024 ** 3

/** Writes objects: by one request when small, in parts when large or of unknown length. */
export class Writer {
  readonly #client: S3Client
  readonly #options: WriterOptions

  constructor(client: S3Client, options: WriterOptions) {
    this.#client = client
    this.#options = options
  }

  /** Writes all or nothing; `conditions` are those of the options as the service wants them. */
  async write(
    key: string,
    content: Content,
    options: WriteOptions,
    conditions: Readonly<Record<string, string>>,
    ctx: CallContext,
  ): Promise<Stat | undefined> {
    const { multipartThreshold, preset } = this.#options
    const { bytes, size } = content
    const parameters = options.objectParameters ?? {}
    const headers = writeHeaders(parameters, options)
    const checksum = checksumOption(options.extra) ?? checksumOption(parameters) ?? this.#options.checksum
    const write: Write = { key, headers, conditions, checksum, options }
    try {
      if (bytes !== undefined && bytes.byteLength <= multipartThreshold) return await this.#put(write, bytes, ctx)
      const matchesOnlyPut = options.ifMatch !== undefined && !preset.conditionalComplete
      if (matchesOnlyPut && size !== undefined && size > multipartThreshold) {
        return await this.#putStream(write, content, size, ctx)
      }
      return await this.#client.uploads.run(ctx, (inner, stop) =>
        this.#writePieces(write, content, matchesOnlyPut, inner, stop),
      )
    } catch (error) {
      throw conditionFailed(error, options)
    }
  }

  /** A claim of a key, under which an object is to be made by requests without a condition. */
  claim(key: string, options: WriteOptions): Claim {
    const parameters = options.objectParameters ?? {}
    const headers = writeHeaders(parameters, options)
    const readHeaders = otherHeaders('read', parameters, options.extra)
    return new Claim(this.#client, key, { headers, readHeaders, checksum: this.#options.checksum })
  }

  async #put(write: Write, body: Bytes, ctx: CallContext): Promise<Stat> {
    const { key, headers, conditions, checksum, options } = write
    const all = { ...headers, ...checksumHeaders(checksum, body), ...conditions }
    const response = await this.#client.call({ method: 'PUT', key, headers: all, body }, ctx)
    const size = bodySize(body)
    options.onProgress?.(size)
    const { etag } = response.headers
    const version = response.headers['x-amz-version-id']
    return {
      size,
      etag: etag === undefined ? undefined : unquoted(etag),
      versionId: typeof version === 'string' ? version : undefined,
    }
  }

  /** A conditional write that cannot go in parts, because their completion would ignore the condition. */
  async #putStream(write: Write, content: Content, size: number, ctx: CallContext): Promise<undefined> {
    if (size > 5 * GIB) {
      throw new StorageError('unsupported', 'This service keeps ifMatch only for uploads of at most 5 GiB.')
    }
    const headers = { ...write.headers, ...write.conditions, 'content-length': String(size) }
    const body = Readable.from(contentChunks(content, ctx, write.options.onProgress), { objectMode: false })
    await this.#client.call({ method: 'PUT', key: write.key, headers, body }, ctx)
  }

  async #writePieces(
    write: Write,
    content: Content,
    matchesOnlyPut: boolean,
    ctx: CallContext,
    stop: Stop,
  ): Promise<Stat | undefined> {
    const { multipartThreshold, partSize, minPartSize, preset } = this.#options
    const { size } = content
    const isSmall = size !== undefined && size <= multipartThreshold
    const wanted = isSmall ? Math.max(1, multipartThreshold) : partSizeFor(size, partSize, minPartSize)
    const pieces = piecesOf(content, wanted, ctx, preset.uniformParts)
    try {
      const taken = await takeFirst(pieces, 2)
      if (taken.length < 2) {
        const { chunks } = taken[0]!
        if (content.replayable) return await this.#put(write, chunks, ctx)
        // The content cannot be sent again from its beginning, but its bytes are here.
        const repeat = Object.keys(write.conditions).length === 0 || 'if_not_applied'
        return await ctx.step('putObject', repeat, step => this.#put(write, chunks, step))
      }
      if (matchesOnlyPut) {
        throw new StorageError('unsupported', 'This service keeps ifMatch only for uploads whose size is known.')
      }
      await this.#putParts(write, followed(taken, pieces), ctx, stop)
      return undefined
    } finally {
      await pieces.return(undefined)
    }
  }

  async #putParts(write: Write, pieces: AsyncIterator<Piece>, ctx: CallContext, stop: Stop): Promise<void> {
    const { key, headers, checksum, options } = write
    const { uploadConcurrency, preset } = this.#options
    const claim = options.ifAbsent === true && !preset.conditionalComplete ? this.claim(key, options) : undefined
    const upload: MultipartOptions = {
      concurrency: uploadConcurrency,
      checksum,
      headers,
      partHeaders: otherHeaders('part', options.objectParameters, options.extra),
      conditions: claim === undefined ? write.conditions : {},
      onProgress: options.onProgress,
      beforeCompletion: claim && (inner => claim.take(inner)),
    }
    try {
      await uploadPieces(this.#client, key, pieces, upload, ctx, stop)
    } catch (error) {
      await claim?.release(ctx)
      throw error
    }
  }
}

/** `exists` for the refusal of `ifAbsent`; anything else stays as it is. */
export function conditionFailed(error: unknown, { ifAbsent }: WriteOptions): unknown {
  const code = error instanceof StorageError ? error.code : classifyS3(error)
  if (ifAbsent !== true || code !== 'precondition_failed') return error
  return new StorageError('exists', 'The key is taken.', { cause: error, status: 412 })
}
