import type { IncomingHttpHeaders } from 'node:http'
import type { CallContext } from '../../core/call.ts'
import type { Stat } from '../../core/driver.ts'
import { bodySize } from '../../http/request.ts'
import { detached } from '../../remote/aftermath.ts'
import { type Bytes, hashOf } from '../../remote/checksums.ts'
import { repeatUnder } from '../../remote/conditions.ts'
import { etagOf } from '../../remote/headers.ts'
import type { FailedFinish, PartProtocol, ResumedUpload, UploadTarget } from '../../remote/part-protocol.ts'
import type { PartLimits, Piece, PieceRange } from '../../remote/pieces.ts'
import { notAnId } from '../../remote/resumable.ts'
import { type Headers, STORED } from './api.ts'
import { EMPTY, type SwiftClient } from './client.ts'
import { SwiftError, swiftErrorOf } from './errors.ts'
import { headerStatOf, withAbsoluteEnd } from './headers.ts'
import type { SwiftInfo } from './info.ts'
import { type ManifestOptions, Manifests, type ManifestTarget, type SwiftSegment } from './manifests.ts'
import type { Replaced } from './replaced.ts'
import type { Segments } from './segments.ts'
import { EMPTY_MD5, settled, unlike } from './verification.ts'

/** An object to write, with the headers of its requests. */
export interface SwiftTarget extends UploadTarget {
  readonly headers: Headers
  /** Conditions of the request that makes a plain object. */
  readonly conditions: Headers
  /** The object that it replaces. */
  readonly replaced: Replaced
}

/** A large object in progress: only the prefix of its segments' names. */
export interface SwiftUpload extends ManifestTarget {
  readonly target: SwiftTarget
  readonly prefix: string
  /** Headers of the manifest. An expiry time is absolute, like that of the segments. */
  readonly headers: Headers
  /** Numbers of the segments that were sent, with any result. */
  readonly sent: Set<number>
  /** Numbers of segments whose request may still arrive, although the client has given it up. */
  readonly late: Set<number>
  /** Whether an empty segment 0 marks the upload as open, for `resume`. */
  isSaved: boolean
  /** Whether the manifest was sent. */
  isFinishing: boolean
}

/** Options for large objects. */
export interface SwiftPartsOptions extends ManifestOptions {
  readonly info: SwiftInfo
  /** Milliseconds in which a request that the client has given up may arrive. */
  readonly lateMs: number
  /** Runs work after its call has ended; closing the storage waits for it. */
  later(work: Promise<unknown>): void
}

/** Maximum number of segments of a dynamic large object: Swift has no limit, names have eight digits. */
const MAX_DLO_SEGMENTS = 100_000
/** Number of the empty segment that marks an upload as open. */
const OPEN = 0

/** Objects in one PUT, or as segments and a manifest. (https://docs.openstack.org/swift/latest/overview_large_objects.html) */
export class SwiftParts implements PartProtocol<SwiftUpload, SwiftSegment, SwiftTarget> {
  readonly limits: PartLimits
  readonly #client: SwiftClient
  readonly #segments: Segments
  readonly #options: SwiftPartsOptions
  readonly #manifests: Manifests

  constructor(client: SwiftClient, segments: Segments, options: SwiftPartsOptions) {
    this.#client = client
    this.#segments = segments
    this.#options = options
    this.#manifests = new Manifests(client, segments, options)
    const { info, kind } = options
    const { maxSegments = MAX_DLO_SEGMENTS, minSegmentSize = 1 } = (kind === 'slo' ? info.slo : undefined) ?? {}
    const maxParts = kind === 'slo' && info.slo === undefined ? 1000 : maxSegments
    this.limits = { minPart: minSegmentSize, maxPart: info.maxFileSize, maxParts }
  }

  /** One PUT; Swift compares the bytes with the ETag of the request. */
  async put(target: SwiftTarget, body: Bytes, ctx: CallContext): Promise<Stat> {
    const { key, headers, conditions, replaced } = target
    await replaced.look(ctx, { underCondition: conditions['if-none-match'] !== undefined })
    const etag = hashOf('md5', body, 'hex')
    const place = { container: this.#options.container, key }
    const own = { ...headers, ...conditions, etag }
    // Repeated here, so that the state before the first try is not forgotten.
    const answer = await ctx.step('putObject', repeatUnder(conditions), step =>
      this.#client.done({ method: 'PUT', place, headers: own, body, expected: STORED }, step),
    )
    await settled(this.#client, place, etag, answer, ctx)
    return { ...headerStatOf(answer), size: bodySize(body), etag }
  }

  /** Sends no request: an upload begins with its first segment. */
  async begin(target: SwiftTarget): Promise<SwiftUpload> {
    const prefix = this.#segments.newPrefix(target.key)
    return {
      target,
      prefix,
      headers: withAbsoluteEnd(target.headers),
      sent: new Set(),
      late: new Set(),
      isSaved: false,
      isFinishing: false,
    }
  }

  async part(upload: SwiftUpload, { number, chunks, size }: Piece, ctx: CallContext): Promise<SwiftSegment> {
    const etag = hashOf('md5', chunks, 'hex')
    const answer = await this.#segment(upload, number, { etag }, chunks, ctx)
    if (etagOf(answer.etag) !== etag) throw unlike('not_applied')
    return { name: this.#segments.nameOf(upload.prefix, number), etag, size }
  }

  /** A segment that Swift copies from a range of an object; `source` holds the headers that identify that object and fix its version. */
  async copyPart(
    upload: SwiftUpload,
    { number, offset, size }: PieceRange,
    source: Headers,
    ctx: CallContext,
  ): Promise<SwiftSegment> {
    const range = { range: `bytes=${offset}-${offset + size - 1}`, 'x-fresh-metadata': 'true' }
    const answer = await this.#segment(upload, number, { ...source, ...range }, EMPTY, ctx)
    const etag = etagOf(answer.etag)
    if (etag === undefined || etag === EMPTY_MD5) throw unlike('not_applied')
    return { name: this.#segments.nameOf(upload.prefix, number), etag, size }
  }

  /** Writes the manifest: a list of the segments with sizes and ETags, which Swift verifies, or the prefix of their names. */
  async finish(upload: SwiftUpload, segments: readonly SwiftSegment[], ctx: CallContext): Promise<Stat | undefined> {
    if (upload.isSaved) {
      await this.#remove(upload, [OPEN], ctx)
      upload.sent.delete(OPEN)
      upload.isSaved = false
    }
    upload.isFinishing = true
    return this.#manifests.write(upload, segments, ctx)
  }

  /**
   * Deletes the segments, unless the object exists and consists of them. Segments that may still arrive are deleted a little later. All
   * segments are deleted later if the manifest may still arrive, or is a dynamic one, which Swift accepts without checking the segments.
   */
  async end(upload: SwiftUpload, { mayBeDone }: { readonly mayBeDone: boolean }, ctx: CallContext): Promise<boolean> {
    if (upload.isFinishing) {
      if (await this.#manifests.refers(upload, ctx)) return true
      if (mayBeDone || this.#options.kind === 'dlo') {
        this.#options.later(this.#endLater(upload, upload.sent, ctx))
        return true
      }
    }
    const left = await this.#remove(upload, upload.sent, ctx)
    if (upload.late.size > 0) this.#options.later(this.#endLater(upload, upload.late, ctx))
    return left === 0
  }

  /** The end of the segments' prefix. An empty segment 0 marks the upload as open until it has other segments. */
  async save(upload: SwiftUpload, ctx: CallContext): Promise<string> {
    upload.isSaved = true
    await ctx.step('markUpload', true, step => this.#segment(upload, OPEN, {}, EMPTY, step))
    return upload.prefix.split('/').at(-2)!
  }

  /** The segments that the cluster lists, in order. A listing may be delayed; segments that it lacks are sent again. */
  async resume(
    target: SwiftTarget,
    saved: string,
    ctx: CallContext,
  ): Promise<ResumedUpload<SwiftUpload, SwiftSegment> | undefined> {
    const prefix = this.#segments.prefixFor(target.key, saved)
    if (prefix === undefined) throw notAnId()
    const rows = await ctx.step('listSegments', true, step => this.#segments.rows(prefix, step))
    const upload = { ...(await this.begin(target)), prefix, isSaved: true }
    if (rows.length === 0 || (await this.#manifests.refers(upload, ctx))) return undefined
    const parts: SwiftSegment[] = []
    for (const { name, bytes, hash } of rows) {
      upload.sent.add(Number(name.slice(prefix.length)))
      const isNext = name === this.#segments.nameOf(prefix, parts.length + 1)
      if (isNext && typeof bytes === 'number' && typeof hash === 'string') parts.push({ name, etag: hash, size: bytes })
    }
    return { upload, parts, offset: parts.reduce((sum, { size }) => sum + size, 0) }
  }

  idOf({ prefix }: SwiftUpload): string {
    return `${this.#segments.container}/${prefix}`
  }

  /** Whether a manifest was refused because its segments do not exist (any more). */
  isGone(error: unknown): boolean {
    const native = swiftErrorOf(error)
    return native?.status === 400 && native.method === 'PUT' && /404 Not Found/.test(native.bodyText)
  }

  /**
   * After an answer that was lost, or that may deny a request that was carried out, the object's own manifest decides. The segments exist
   * until `end`.
   */
  async fate(
    upload: SwiftUpload,
    segments: readonly SwiftSegment[],
    { lost, error }: FailedFinish,
    ctx: CallContext,
  ): Promise<'open' | 'done' | 'gone'> {
    if (!lost && !error.retryable) return 'open'
    const inner = detached(ctx)
    return (await inner.step('fate', true, step => this.#manifests.isMade(upload, segments, step))) ? 'done' : 'open'
  }

  async #segment(
    upload: SwiftUpload,
    number: number,
    headers: Headers,
    body: Bytes,
    ctx: CallContext,
  ): Promise<IncomingHttpHeaders> {
    upload.sent.add(number)
    const place = { container: this.#segments.container, key: this.#segments.nameOf(upload.prefix, number) }
    const end = upload.headers['x-delete-at']
    const life = end === undefined ? undefined : { 'x-delete-at': end }
    const own = { 'content-type': 'application/octet-stream', ...life, ...headers }
    try {
      return await this.#client.done({ method: 'PUT', place, headers: own, body, expected: STORED }, ctx)
    } catch (error) {
      // An aborted request fails with the abort reason, which may be the refusal of another request.
      const isRefused = error instanceof SwiftError && error.status < 500
      if (!isRefused) upload.late.add(number)
      throw error
    }
  }

  async #endLater(upload: SwiftUpload, numbers: Iterable<number>, ctx: CallContext): Promise<void> {
    await new Promise(resolve => setTimeout(resolve, this.#options.lateMs))
    const inner = detached(ctx)
    if (upload.isFinishing && (await this.#manifests.refers(upload, inner))) return
    await this.#remove(upload, numbers, inner)
  }

  #remove({ prefix }: SwiftUpload, numbers: Iterable<number>, ctx: CallContext): Promise<number> {
    return this.#segments.remove(
      Array.from(numbers, number => this.#segments.nameOf(prefix, number)),
      ctx,
    )
  }
}
