import type { IncomingHttpHeaders } from 'node:http'
import type { CallContext } from '../../core/call.ts'
import type { Stat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { bodySize } from '../../http/request.ts'
import { detached } from '../../remote/aftermath.ts'
import { type Bytes, hashOf } from '../../remote/checksums.ts'
import { repeatUnder } from '../../remote/conditions.ts'
import { etagOf, sizeOf } from '../../remote/headers.ts'
import type { FailedFinish, PartProtocol, UploadTarget } from '../../remote/part-protocol.ts'
import type { PartLimits, Piece, PieceRange } from '../../remote/pieces.ts'
import { polled } from '../../remote/polling.ts'
import { encodedPath, type Headers, STORED } from './api.ts'
import { EMPTY, type SwiftClient } from './client.ts'
import { swiftErrorOf } from './errors.ts'
import { headerStatOf, withAbsoluteEnd } from './headers.ts'
import type { SwiftInfo } from './info.ts'
import type { Replaced } from './replaced.ts'
import { manifestPrefix, type Segments } from './segments.ts'
import { EMPTY_MD5, settled, unlike } from './verification.ts'

/** An object to be written, with the headers of its requests. */
export interface SwiftTarget extends UploadTarget {
  readonly headers: Headers
  /** Of the request that makes a plain object. */
  readonly conditions: Headers
  /** What it replaces. */
  readonly replaced: Replaced
}

/** A large object under way: nothing but the beginning of its segments' names. */
export interface SwiftUpload {
  readonly target: SwiftTarget
  readonly prefix: string
  /** Of the manifest; an end of life is absolute, as that of the segments. */
  readonly headers: Headers
  /** Numbers of the segments that were sent, whatever came of it. */
  readonly sent: Set<number>
}

/** A segment that Swift has. */
export interface SwiftSegment {
  readonly name: string
  /** The MD5 of its bytes. */
  readonly etag: string
  readonly size: number
}

/** How large objects are made. */
export interface SwiftPartsOptions {
  readonly container: string
  readonly kind: 'slo' | 'dlo'
  readonly info: SwiftInfo
  /** Milliseconds without progress after which a dynamic large object that does not have its size is given up. */
  readonly settleMs: number
}

/** Segments of a dynamic large object: Swift has no limit, names have eight digits. */
const MAX_DLO_SEGMENTS = 100_000

/** Objects by one PUT, or as segments and a manifest. (https://docs.openstack.org/swift/latest/overview_large_objects.html) */
export class SwiftParts implements PartProtocol<SwiftUpload, SwiftSegment, SwiftTarget> {
  readonly limits: PartLimits
  readonly #client: SwiftClient
  readonly #segments: Segments
  readonly #options: SwiftPartsOptions

  constructor(client: SwiftClient, segments: Segments, options: SwiftPartsOptions) {
    this.#client = client
    this.#segments = segments
    this.#options = options
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
    // Repeated here, so that what was there before the first try is not forgotten.
    const answer = await ctx.step('putObject', repeatUnder(conditions), step =>
      this.#client.done({ method: 'PUT', place, headers: own, body, expected: STORED }, step),
    )
    await settled(this.#client, place, etag, answer, ctx)
    return { ...headerStatOf(answer), size: bodySize(body), etag }
  }

  /** Nothing is asked: an upload begins with its first segment. */
  async begin(target: SwiftTarget): Promise<SwiftUpload> {
    const prefix = this.#segments.newPrefix(target.key)
    return { target, prefix, headers: withAbsoluteEnd(target.headers), sent: new Set() }
  }

  async part(upload: SwiftUpload, { number, chunks, size }: Piece, ctx: CallContext): Promise<SwiftSegment> {
    const etag = hashOf('md5', chunks, 'hex')
    const answer = await this.#segment(upload, number, { etag }, chunks, ctx)
    if (etagOf(answer.etag) !== etag) throw unlike('not_applied')
    return { name: this.#segments.nameOf(upload.prefix, number), etag, size }
  }

  /** A segment that Swift copies from a range of an object; `source` is the headers that name that and pin its version. */
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

  /** The manifest: a list of the segments with sizes and ETags, which Swift compares; or the beginning of their names. */
  async finish(upload: SwiftUpload, segments: readonly SwiftSegment[], ctx: CallContext): Promise<Stat | undefined> {
    return this.#options.kind === 'slo'
      ? this.#finishStatic(upload, segments, ctx)
      : this.#finishDynamic(upload, segments, ctx)
  }

  /** Deletes the segments, unless the object stands and is made of them. A dynamic manifest may still come where its answer was lost: then they stay. */
  async end(upload: SwiftUpload, { mayBeDone }: { readonly mayBeDone: boolean }, ctx: CallContext): Promise<boolean> {
    if (mayBeDone) {
      if (await this.#refers(upload, ctx)) return true
      if (this.#options.kind === 'dlo') return false
    }
    const names = Array.from(upload.sent, number => this.#segments.nameOf(upload.prefix, number))
    return (await this.#segments.remove(names, ctx)) === 0
  }

  idOf({ prefix }: SwiftUpload): string {
    return `${this.#segments.container}/${prefix}`
  }

  /** A manifest that names segments which are not there (any more) is refused. */
  isGone(error: unknown): boolean {
    const native = swiftErrorOf(error)
    return native?.status === 400 && native.method === 'PUT' && /404 Not Found/.test(native.bodyText)
  }

  /** After a lost answer the object's own manifest tells. The segments are there until `end`. */
  async fate(
    upload: SwiftUpload,
    segments: readonly SwiftSegment[],
    { lost }: FailedFinish,
    ctx: CallContext,
  ): Promise<'open' | 'done' | 'gone'> {
    if (!lost) return 'open'
    const inner = detached(ctx)
    return (await inner.step('fate', true, step => this.#isMade(upload, segments, step))) ? 'done' : 'open'
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
    return await this.#client.done({ method: 'PUT', place, headers: own, body, expected: STORED }, ctx)
  }

  async #finishStatic(upload: SwiftUpload, segments: readonly SwiftSegment[], ctx: CallContext): Promise<Stat> {
    const { headers, target } = upload
    const place = { container: this.#options.container, key: target.key }
    const body = Buffer.from(
      JSON.stringify(segments.map(({ name, etag, size }) => ({ path: this.#path(name), etag, size_bytes: size }))),
    )
    const query = [['multipart-manifest', 'put']] as const
    const answer = await this.#client.done({ method: 'PUT', place, query, headers, body, expected: STORED }, ctx)
    const etag = hashOf('md5', segments.map(segment => segment.etag).join(''), 'hex')
    if (etagOf(answer.etag) !== etag && !(await this.#isMade(upload, segments, ctx))) throw unlike('unknown')
    return { ...headerStatOf(answer), size: sizeIn(segments), etag }
  }

  async #finishDynamic(upload: SwiftUpload, segments: readonly SwiftSegment[], ctx: CallContext): Promise<undefined> {
    const { headers, target, prefix } = upload
    const place = { container: this.#options.container, key: target.key }
    const manifest = { 'x-object-manifest': encodedPath(this.#segments.container, prefix) }
    await this.#client.done(
      { method: 'PUT', place, headers: { ...headers, ...manifest }, body: EMPTY, expected: STORED },
      ctx,
    )
    if (await this.#isMade(upload, segments, ctx)) return undefined
    // Listings of the segments may be late.
    const ask = async (step: CallContext) => {
      const found = await this.#segments.find(target.key, step)
      if (!this.#isOurs(upload, found?.headers)) throw endedElsewhere(target.key)
      const size = sizeOf(found!.headers)
      return size === sizeIn(segments) ? { result: undefined } : { progress: size }
    }
    return await polled('largeObject', ask, ctx, { stallMs: this.#options.settleMs })
  }

  /** Whether the object is what the segments make. */
  async #isMade(upload: SwiftUpload, segments: readonly SwiftSegment[], ctx: CallContext): Promise<boolean> {
    const { key } = upload.target
    if (this.#options.kind === 'slo') {
      const entries = await this.#segments.manifest(key, ctx)
      return (
        entries?.length === segments.length &&
        segments.every(({ name, etag, size }, at) => {
          const entry = entries[at]!
          return entry.path === this.#path(name) && entry.etag === etag && entry.size === size
        })
      )
    }
    const headers = await this.#headersOf(key, ctx)
    return this.#isOurs(upload, headers) && sizeOf(headers!) === sizeIn(segments)
  }

  /** Whether the object refers to segments of the upload. */
  async #refers(upload: SwiftUpload, ctx: CallContext): Promise<boolean> {
    const { key } = upload.target
    return ctx.step('refers', true, async step => {
      if (this.#options.kind === 'dlo') return this.#isOurs(upload, await this.#headersOf(key, step))
      const entries = await this.#segments.manifest(key, step)
      return entries?.some(({ path }) => path.startsWith(this.#path(upload.prefix))) === true
    })
  }

  #isOurs({ prefix }: SwiftUpload, headers: IncomingHttpHeaders | undefined): boolean {
    return headers !== undefined && manifestPrefix(headers)?.prefix === prefix
  }

  async #headersOf(key: string, ctx: CallContext): Promise<IncomingHttpHeaders | undefined> {
    return (await this.#segments.find(key, ctx))?.headers
  }

  #path(name: string): string {
    return `/${this.#segments.container}/${name}`
  }
}

function sizeIn(segments: readonly SwiftSegment[]): number {
  return segments.reduce((sum, { size }) => sum + size, 0)
}

function endedElsewhere(key: string): StorageError {
  return new StorageError('unavailable', `Another object took the place of '${key}' meanwhile.`, {
    outcome: 'unknown',
    retryable: false,
  })
}
