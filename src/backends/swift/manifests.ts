import type { IncomingHttpHeaders } from 'node:http'
import type { CallContext } from '../../core/call.ts'
import type { Stat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { hashOf } from '../../remote/checksums.ts'
import { etagOf, sizeOf } from '../../remote/headers.ts'
import { polled } from '../../remote/polling.ts'
import { encodedPath, type Headers, STORED } from './api.ts'
import { EMPTY, type SwiftClient } from './client.ts'
import { headerStatOf } from './headers.ts'
import { manifestPrefix } from './manifest.ts'
import type { Segments } from './segments.ts'
import { unlike } from './verification.ts'

/** A segment that Swift has stored. */
export interface SwiftSegment {
  readonly name: string
  /** The MD5 of its bytes. */
  readonly etag: string
  readonly size: number
}

/** The target of a manifest. */
export interface ManifestTarget {
  readonly target: { readonly key: string }
  /** The common prefix of the names of its segments. */
  readonly prefix: string
  readonly headers: Headers
}

/** Options of manifests. */
export interface ManifestOptions {
  readonly container: string
  readonly kind: 'slo' | 'dlo'
  /** Milliseconds without progress after which a dynamic large object with a wrong size fails. */
  readonly settleMs: number
}

/** Manifests of large objects: a list of the segments with sizes and ETags, which Swift verifies, or the prefix of their names. */
export class Manifests {
  readonly #client: SwiftClient
  readonly #segments: Segments
  readonly #options: ManifestOptions

  constructor(client: SwiftClient, segments: Segments, options: ManifestOptions) {
    this.#client = client
    this.#segments = segments
    this.#options = options
  }

  /** Makes the object from its segments. For a dynamic one, waits until it has its full size. */
  write(upload: ManifestTarget, segments: readonly SwiftSegment[], ctx: CallContext): Promise<Stat | undefined> {
    return this.#options.kind === 'slo' ? this.#static(upload, segments, ctx) : this.#dynamic(upload, segments, ctx)
  }

  async #static(upload: ManifestTarget, segments: readonly SwiftSegment[], ctx: CallContext): Promise<Stat> {
    const { headers, target } = upload
    const place = { container: this.#options.container, key: target.key }
    const body = Buffer.from(
      JSON.stringify(segments.map(({ name, etag, size }) => ({ path: this.#path(name), etag, size_bytes: size }))),
    )
    const query = [['multipart-manifest', 'put']] as const
    const answer = await this.#client.done({ method: 'PUT', place, query, headers, body, expected: STORED }, ctx)
    const etag = hashOf('md5', segments.map(segment => segment.etag).join(''), 'hex')
    if (etagOf(answer.etag) !== etag && !(await this.isMade(upload, segments, ctx))) throw unlike('unknown')
    return { ...headerStatOf(answer), size: sizeIn(segments), etag }
  }

  async #dynamic(upload: ManifestTarget, segments: readonly SwiftSegment[], ctx: CallContext): Promise<undefined> {
    const { headers, target, prefix } = upload
    const place = { container: this.#options.container, key: target.key }
    const manifest = { 'x-object-manifest': encodedPath(this.#segments.container, prefix) }
    await this.#client.done(
      { method: 'PUT', place, headers: { ...headers, ...manifest }, body: EMPTY, expected: STORED },
      ctx,
    )
    if (await this.isMade(upload, segments, ctx)) return undefined
    // Listings of the segments may be delayed.
    const ask = async (step: CallContext) => {
      const found = await this.#segments.head(target.key, step)
      if (!this.#isOurs(upload, found)) throw endedElsewhere(target.key)
      const size = sizeOf(found!)
      return size === sizeIn(segments) ? { result: undefined } : { progress: size }
    }
    return await polled('largeObject', ask, ctx, { stallMs: this.#options.settleMs })
  }

  /** Whether the object consists of the segments. */
  async isMade(upload: ManifestTarget, segments: readonly SwiftSegment[], ctx: CallContext): Promise<boolean> {
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
    const headers = await this.#segments.head(key, ctx)
    return this.#isOurs(upload, headers) && sizeOf(headers!) === sizeIn(segments)
  }

  /** Whether the object refers to segments of the upload. */
  async refers(upload: ManifestTarget, ctx: CallContext): Promise<boolean> {
    const { key } = upload.target
    return ctx.step('refers', true, async step => {
      if (this.#options.kind === 'dlo') return this.#isOurs(upload, await this.#segments.head(key, step))
      const entries = await this.#segments.manifest(key, step)
      return entries?.some(({ path }) => path.startsWith(this.#path(upload.prefix))) === true
    })
  }

  #isOurs({ prefix }: ManifestTarget, headers: IncomingHttpHeaders | undefined): boolean {
    return headers !== undefined && manifestPrefix(headers)?.prefix === prefix
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
