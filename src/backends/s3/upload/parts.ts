import type { IncomingHttpHeaders } from 'node:http'
import type { CallContext } from '../../../core/call.ts'
import type { Stat, SweepRequest } from '../../../core/driver.ts'
import { isStorageError, StorageError } from '../../../core/errors.ts'
import { bodySize } from '../../../http/request.ts'
import { detached } from '../../../remote/aftermath.ts'
import {
  type Bytes,
  type ChecksumMode,
  checksumHeaders,
  checksumOfHeaders,
  isAlgorithm,
  verifyStored,
} from '../../../remote/checksums.ts'
import { etagOf } from '../../../remote/headers.ts'
import { OpenUploads } from '../../../remote/open-uploads.ts'
import { Orphans, type UploadRequests } from '../../../remote/orphans.ts'
import { completionDocument, type S3Part, sizeOf, wholeEtagOf } from '../../../remote/part-documents.ts'
import type {
  Creation,
  FailedFinish,
  PartProtocol,
  ResumedUpload,
  UploadTarget,
} from '../../../remote/part-protocol.ts'
import type { PartLimits, Piece, PieceRange } from '../../../remote/pieces.ts'
import { notAnId } from '../../../remote/resumable.ts'
import { fieldText } from '../../../remote/xml.ts'
import type { S3Client } from '../client.ts'
import { S3Error } from '../errors.ts'
import { uploadPage, uploadQuery } from '../listing.ts'
import type { S3Request } from '../operations.ts'
import { MIN_PART } from '../settings/settings.ts'
import { storedParts } from './part-list.ts'

/** An upload's key, with the headers of requests that do not read or write its content. */
interface S3Key {
  readonly key: string
  readonly baseHeaders: Readonly<Record<string, string>>
}

/** An object to write, with the headers of its requests. */
export interface S3Target extends UploadTarget, S3Key {
  readonly checksum: ChecksumMode
  /** Headers of the object. */
  readonly headers: Readonly<Record<string, string>>
  /** Headers of parts and completion: the customer's encryption key. */
  readonly partHeaders: Readonly<Record<string, string>>
  /** Conditions of the request that makes the object visible: of a PUT, and of a completion. */
  readonly conditions: Readonly<Record<'put' | 'complete', Readonly<Record<string, string>>>>
  /** Whether only PUT honours the conditions, and there is no other way to honour them. */
  readonly putOnly?: boolean | undefined
}

/** A multipart upload in progress. */
export interface S3Upload {
  readonly target: S3Target
  readonly uploadId: string
}

/** The properties of the service for `S3Parts`. */
export interface S3PartsOptions {
  /** Minimum size in bytes of every part but the last. */
  readonly minPart?: number | undefined
  readonly uniform: boolean
  /** Milliseconds for `Orphans`. */
  readonly orphanWaitMs?: number | undefined
}

/** Maximum size of a part in bytes. */
const MAX_PART = 5 * 1024 ** 3
/** Maximum number of attempts to end an upload with late parts. */
const ROUNDS = 3

/** Objects in parts (S3 user guide, "Multipart upload limits"; API reference, `CreateMultipartUpload` and related requests). */
export class S3Parts implements PartProtocol<S3Upload, S3Part, S3Target> {
  readonly limits: PartLimits
  /** The uploads in progress. */
  readonly uploads: OpenUploads = new OpenUploads()
  readonly #client: S3Client
  readonly #orphans: Orphans<S3Key>

  constructor(client: S3Client, { minPart = MIN_PART, uniform, orphanWaitMs }: S3PartsOptions) {
    this.#client = client
    this.limits = { minPart, maxPart: MAX_PART, maxParts: 10_000, uniform }
    const requests: UploadRequests<S3Key> = {
      ids: this.uploads.ids,
      list: (prefix, page, { baseHeaders }, ctx) =>
        ctx.step('listUploads', true, async step => {
          const query = uploadQuery(prefix, page)
          const { root, headers } = await client.xml({ method: 'GET', query, headers: { ...baseHeaders } }, step)
          return uploadPage(root, headers)
        }),
      partCount: (upload, uploadId, ctx) => this.#partCount(upload, uploadId, ctx),
      end: (upload, uploadId, ctx) => this.#end(upload, uploadId, ctx),
    }
    this.#orphans = new Orphans(requests, orphanWaitMs)
  }

  /** PutObject. */
  async put({ key, headers, checksum, conditions }: S3Target, body: Bytes, ctx: CallContext): Promise<Stat> {
    const sums = checksumHeaders(checksum, body)
    const request = { method: 'PUT', key, headers: { ...headers, ...sums, ...conditions.put }, body } as const
    const answer = await this.#client.done(request, ctx)
    verifyStored(sums, answer, 'unknown')
    return statOfAnswer(answer.etag, answer, bodySize(body))
  }

  /** CreateMultipartUpload. */
  async begin(target: S3Target, ctx: CallContext): Promise<S3Upload> {
    if (target.putOnly === true) {
      throw new StorageError('unsupported', 'This service honours ifMatch only for uploads whose size is known.')
    }
    const headers: Record<string, string> = { ...target.headers }
    if (isAlgorithm(target.checksum)) headers['x-amz-checksum-algorithm'] = target.checksum
    const request = { method: 'POST', key: target.key, query: [['uploads']], headers } as const
    const { root } = await this.#client.xml(request, ctx)
    return { target, uploadId: fieldText(root, 'UploadId') }
  }

  /** UploadPart. */
  async part({ target, uploadId }: S3Upload, { number, chunks, size }: Piece, ctx: CallContext): Promise<S3Part> {
    const sums = checksumHeaders(target.checksum, chunks)
    const headers = { ...target.partHeaders, ...sums }
    const query = partQuery(uploadId, number)
    const request = { method: 'PUT', key: target.key, query, headers, body: chunks } as const
    const answer = await this.#client.done(request, ctx)
    verifyStored(sums, answer, 'not_applied')
    return { number, etag: answer.etag!, size, checksum: checksumOfHeaders(target.checksum, sums) }
  }

  /** UploadPartCopy; `source` holds the headers that identify the source. */
  async copyPart(
    { target: { key, partHeaders }, uploadId }: S3Upload,
    { number, offset, size }: PieceRange,
    source: Readonly<Record<string, string>>,
    ctx: CallContext,
  ): Promise<S3Part> {
    const range = { 'x-amz-copy-source-range': `bytes=${offset}-${offset + size - 1}` }
    const query = partQuery(uploadId, number)
    const headers = { ...partHeaders, ...source, ...range }
    const { root } = await this.#client.xml({ method: 'PUT', key, query, headers, body: '' }, ctx)
    return { number, etag: fieldText(root, 'ETag'), size }
  }

  /** CompleteMultipartUpload. An answer that is truncated or contains an error is a failure with any status. */
  async finish({ target, uploadId }: S3Upload, parts: readonly S3Part[], ctx: CallContext): Promise<Stat> {
    const { key, checksum, partHeaders, conditions } = target
    const headers = { 'content-type': 'application/xml', ...partHeaders, ...conditions.complete }
    const query: Array<[string, string]> = [['uploadId', uploadId]]
    const request = { method: 'POST', key, query, headers, body: completionDocument(parts, checksum) } as const
    const { root, headers: answer } = await this.#client.xml(request, ctx)
    return statOfAnswer(root.child('ETag')?.text, answer, sizeOf(parts))
  }

  /** AbortMultipartUpload, and again if a part came late. */
  end({ target, uploadId }: S3Upload, _state: unknown, ctx: CallContext): Promise<boolean> {
    return this.#end(target, uploadId, ctx)
  }

  idOf({ uploadId }: S3Upload): string {
    return uploadId
  }

  async save({ uploadId }: S3Upload): Promise<string> {
    return uploadId
  }

  /** ListParts, page by page. Parts after a gap are sent again. */
  async resume(
    target: S3Target,
    uploadId: string,
    ctx: CallContext,
  ): Promise<ResumedUpload<S3Upload, S3Part> | undefined> {
    if (!/^[\x21-\x7e]{1,2048}$/.test(uploadId)) throw notAnId()
    const parts = await storedParts(this.#client, target, uploadId, ctx)
    if (parts === undefined) return undefined
    return { upload: { target, uploadId }, parts, offset: sizeOf(parts) }
  }

  isGone(error: unknown): boolean {
    const native = error instanceof StorageError ? error.cause : error
    if (!(native instanceof S3Error)) return false
    const { status, serviceCode } = native
    return serviceCode === 'NoSuchUpload' || (status === 404 && serviceCode === undefined)
  }

  /** If the service cannot be asked, the upload counts as open. */
  async fate(
    { target, uploadId }: S3Upload,
    parts: readonly S3Part[],
    { error, lost }: FailedFinish,
    ctx: CallContext,
  ): Promise<'open' | 'done' | 'gone'> {
    const clean = detached(ctx)
    if (!this.isGone(error)) {
      if (!lost && !error.retryable) return 'open'
      const count = await this.#partCount(target, uploadId, clean).catch(() => Number.NaN)
      if (count !== undefined) return 'open'
    }
    return (await this.#isMadeOf(target, parts, lost, clean)) ? 'done' : 'gone'
  }

  begun({ key, baseHeaders }: S3Target, creation: Creation, ended: Promise<void>, ctx: CallContext): Promise<void> {
    return this.#orphans.after({ key, baseHeaders }, creation, ended, ctx)
  }

  sweep(request: SweepRequest, ctx: CallContext): Promise<number> {
    return this.#orphans.endOld(request, { key: '', baseHeaders: {} }, ctx)
  }

  /** Ends the uploads in progress and waits until they are removed. */
  async close(): Promise<void> {
    await this.uploads.close()
    await this.#orphans.sweep()
  }

  /** Number of parts that the service has of an upload (1,000 at most); undefined if the upload does not exist. */
  async #partCount(upload: S3Key, uploadId: string, ctx: CallContext): Promise<number | undefined> {
    try {
      return await ctx.step('listParts', true, async step => {
        const { root } = await this.#client.xml(requestOn('GET', upload, uploadId), step)
        return root.children('Part').length
      })
    } catch (error) {
      if (isStorageError(error, 'not_found')) return undefined
      throw error
    }
  }

  async #end(upload: S3Key, uploadId: string, ctx: CallContext): Promise<boolean> {
    for (let round = 0; round < ROUNDS; round++) {
      try {
        await ctx.step('abortUpload', true, step => this.#client.done(requestOn('DELETE', upload, uploadId), step))
      } catch (error) {
        if (isStorageError(error, 'not_found')) return true
        if (!isStorageError(error) || !error.retryable) return false
        continue
      }
      // If the service cannot be asked, it has at least accepted the abort.
      if ((await this.#partCount(upload, uploadId, ctx).catch(() => undefined)) === undefined) return true
    }
    return false
  }

  /**
   * Whether the object consists of the parts. If its etag is not an MD5 of MD5s, size and number of parts are compared. That is enough only
   * if our own request may have been carried out (`lost`).
   */
  async #isMadeOf(target: S3Target, parts: readonly S3Part[], lost: boolean, ctx: CallContext): Promise<boolean> {
    const request = { method: 'HEAD', key: target.key, headers: { ...target.partHeaders } } as const
    try {
      const headers = await ctx.step('stat', true, step => this.#client.done(request, step))
      const etag = headers.etag?.replaceAll('"', '') ?? ''
      if (etag === wholeEtagOf(parts)) return true
      const count = /-(\d+)$/.exec(etag)?.[1] ?? `${parts.length}`
      return lost && headers['content-length'] === String(sizeOf(parts)) && count === `${parts.length}`
    } catch {
      return false
    }
  }
}

/** A request about an upload as a whole. */
function requestOn(method: 'GET' | 'DELETE', { key, baseHeaders }: S3Key, uploadId: string): S3Request {
  return { method, key, query: [['uploadId', uploadId]], headers: { ...baseHeaders } }
}

function partQuery(uploadId: string, number: number): Array<[string, string]> {
  return [
    ['partNumber', String(number)],
    ['uploadId', uploadId],
  ]
}

function statOfAnswer(etag: string | undefined, headers: IncomingHttpHeaders, size: number): Stat {
  const version = headers['x-amz-version-id']
  return {
    size,
    etag: etagOf(etag),
    versionId: typeof version === 'string' ? version : undefined,
  }
}
