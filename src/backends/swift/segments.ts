import type { IncomingHttpHeaders } from 'node:http'
import { release } from '../../core/abort.ts'
import { nodeCrypto } from '../../core/builtin.ts'
import type { CallContext } from '../../core/call.ts'
import { forEachParallel } from '../../core/parallel.ts'
import { hashOf } from '../../remote/checksums.ts'
import { readDocument } from '../../remote/document.ts'
import { headerTextOf } from '../../remote/headers.ts'
import { CHANGED, CONTAINER, DELETED, OBJECT } from './api.ts'
import { EMPTY, type SwiftClient } from './client.ts'
import { classifySwift, swiftErrorOf } from './errors.ts'
import { isOn, kindOf, type LargeKind } from './headers.ts'
import { entriesIn, type ManifestEntry, manifestPrefix } from './manifest.ts'

/** The object that is stored under a key. */
export interface Found {
  readonly headers: IncomingHttpHeaders
  readonly kind: LargeKind
  /** Names of its segments that Holdall made for this object only. */
  readonly own: readonly string[]
}

/** A segment in a listing; the cluster's fields are not checked. */
export interface SegmentRow {
  readonly name: string
  readonly bytes?: unknown
  /** The MD5 of its bytes. */
  readonly hash?: unknown
}

/** Number of segments that are deleted in parallel. */
const AT_ONCE = 8
/** Milliseconds for which a missing container of segments is cached, unless this storage itself makes segments. */
const BELIEVED_MS = 10_000
const SOME = { none: false, untilMs: Number.POSITIVE_INFINITY } as const
/** Digits of a segment's number; names of equal length sort correctly. */
const DIGITS = 8
/** Rows per page of a listing of a dynamic large object's segments. */
const PAGE = 1000

/**
 * The segments of the large objects of one container. Each upload has its own folder, whose name identifies the object. So segments of
 * other programs, and segments that a copied manifest shares with its source, never count as the object's own.
 */
export class Segments {
  /** The container of the segments. */
  readonly container: string
  readonly #client: SwiftClient
  readonly #objects: string
  /** Whether there is no container of segments, and until when that is cached, by `performance.now()`. */
  #asked: { readonly none: boolean; readonly untilMs: number } = { none: true, untilMs: 0 }

  constructor(client: SwiftClient, { container, segments }: { readonly container: string; readonly segments: string }) {
    this.#client = client
    this.#objects = container
    this.container = segments
  }

  /** The prefix of the segments' names of a new upload. */
  newPrefix(key: string): string {
    this.#asked = SOME
    return `${this.#prefixOf(key)}${nodeCrypto().randomUUID()}/`
  }

  /** The prefix of the segments' names of an upload, from the id at its end; undefined for a text that is not an id. */
  prefixFor(key: string, id: string): string | undefined {
    return OF_UPLOAD.test(`${id}/`) ? `${this.#prefixOf(key)}${id}/` : undefined
  }

  nameOf(prefix: string, number: number): string {
    return prefix + String(number).padStart(DIGITS, '0')
  }

  /** The headers of an object; undefined if there is none. */
  async head(key: string, ctx: CallContext): Promise<IncomingHttpHeaders | undefined> {
    const place = { container: this.#objects, key }
    try {
      return await this.#client.done({ method: 'HEAD', place, expected: { ...OBJECT, statuses: [200, 204] } }, ctx)
    } catch (error) {
      if (classifySwift(error) === 'not_found') return undefined
      throw error
    }
  }

  /** The object under a key; undefined if there is none. */
  async find(key: string, ctx: CallContext): Promise<Found | undefined> {
    const headers = await this.head(key, ctx)
    if (headers === undefined) return undefined
    const kind = kindOf(headers)
    return { headers, kind, own: await this.#ownOf(key, kind, headers, ctx) }
  }

  /** Names of the segments that Holdall made for the object. Empty if the user has no permission to look, as with write-only access. */
  async ownSegments(key: string, ctx: CallContext): Promise<readonly string[]> {
    try {
      return (await this.areNone(ctx)) ? [] : ((await this.find(key, ctx))?.own ?? [])
    } catch (error) {
      if (swiftErrorOf(error)?.status === 403) return []
      throw error
    }
  }

  /** The segments of a static large object; undefined if the object does not exist. Code `unavailable` if its manifest cannot be parsed. */
  async manifest(key: string, ctx: CallContext): Promise<readonly ManifestEntry[] | undefined> {
    const place = { container: this.#objects, key }
    const query = [['multipart-manifest', 'get']] as const
    try {
      const answer = await this.#client.send({ method: 'GET', place, query, expected: OBJECT }, ctx)
      if (kindOf(answer.headers) !== 'slo') {
        // The bytes belong to another object.
        release(answer)
        return undefined
      }
      return entriesIn(await readDocument(answer), key)
    } catch (error) {
      if (classifySwift(error) === 'not_found') return undefined
      throw error
    }
  }

  /**
   * Whether no large object can have segments here: there is no container for them, or none that the user can see. Checked again after ten
   * seconds; an existing container is remembered.
   */
  async areNone(ctx: CallContext): Promise<boolean> {
    if (performance.now() < this.#asked.untilMs) return this.#asked.none
    const place = { container: this.container }
    try {
      await this.#client.done({ method: 'HEAD', place, expected: CONTAINER, seeks: true }, ctx)
      this.#asked = SOME
    } catch (error) {
      if (classifySwift(error) !== 'not_found' && swiftErrorOf(error)?.status !== 403) throw error
      this.#asked = { none: true, untilMs: performance.now() + BELIEVED_MS }
    }
    return this.#asked.none
  }

  /** Sets another expiry time for segments, in seconds since 1970. */
  async setEnd(names: readonly string[], end: string, ctx: CallContext): Promise<void> {
    const headers = { 'content-type': 'application/octet-stream', 'x-delete-at': end }
    await forEachParallel(names, { limit: AT_ONCE, signal: ctx.signal }, key => {
      const place = { container: this.container, key }
      const request = { method: 'POST', place, headers, body: EMPTY, expected: CHANGED } as const
      return ctx.step('setEnd', true, step => this.#client.done(request, step))
    })
  }

  /** Deletes segments; returns how many remain, or may remain. Each deletion has its own retries. */
  async remove(names: Iterable<string>, ctx: CallContext): Promise<number> {
    let left = 0
    await forEachParallel(names, { limit: AT_ONCE }, async key => {
      const place = { container: this.container, key }
      await ctx
        .step('deleteSegment', true, step => this.#client.done({ method: 'DELETE', place, expected: DELETED }, step))
        .catch(error => {
          if (classifySwift(error) !== 'not_found') left++
        })
    })
    return left
  }

  /**
   * Deletes the segments of an object that was replaced or deleted, unless a manifest still refers to them. Segments that cannot be deleted
   * are reported as a warning of the process, since the operation on the object itself has succeeded.
   */
  async discard(key: string, names: readonly string[], ctx: CallContext): Promise<void> {
    if (names.length === 0) return
    const left = await this.#unused(key, names, ctx).then(
      unused => this.remove(unused, ctx),
      () => names.length,
    )
    if (left === 0) return
    const text = `${left} old segments of ${JSON.stringify(key.slice(-200))} could not be deleted and stay in '${this.container}' below '${this.#prefixOf(key)}'.`
    process.emitWarning(text, { code: 'HOLDALL_SEGMENTS_LEFT' })
  }

  /**
   * The segments that no manifest refers to. None if the container keeps old versions of its objects; segments that another writer restored
   * are not included.
   */
  async #unused(key: string, names: readonly string[], ctx: CallContext): Promise<readonly string[]> {
    if (await ctx.step('versions', true, step => this.#keepsVersions(step))) return []
    const found = await ctx.step('lookAgain', true, step => this.find(key, step))
    const used = new Set(found?.own)
    return names.filter(name => !used.has(name))
  }

  /** (https://docs.openstack.org/swift/latest/api/object_versioning.html) */
  async #keepsVersions(ctx: CallContext): Promise<boolean> {
    const place = { container: this.#objects }
    const headers = await this.#client.done({ method: 'HEAD', place, expected: CONTAINER }, ctx)
    return isOn(headers['x-versions-enabled']) || PLACES_OF_VERSIONS.some(name => headerTextOf(headers[name]))
  }

  async #ownOf(key: string, kind: LargeKind, headers: IncomingHttpHeaders, ctx: CallContext): Promise<string[]> {
    if (kind === 'plain') return []
    const prefix = this.#prefixOf(key)
    if (kind === 'slo') {
      const start = `/${this.container}/`
      const paths = ((await this.manifest(key, ctx)) ?? []).map(({ path }) => path)
      return paths.filter(path => path.startsWith(start + prefix)).map(path => path.slice(start.length))
    }
    const of = manifestPrefix(headers)
    const isOwn =
      of?.container === this.container && of.prefix.startsWith(prefix) && OF_UPLOAD.test(of.prefix.slice(prefix.length))
    return isOwn ? await this.#below(of.prefix, ctx) : []
  }

  /** All names with this prefix. */
  async #below(prefix: string, ctx: CallContext): Promise<string[]> {
    return (await this.rows(prefix, ctx)).map(({ name }) => name)
  }

  /** All rows with this prefix, in the order of the names. */
  async rows(prefix: string, ctx: CallContext): Promise<readonly SegmentRow[]> {
    const all: SegmentRow[] = []
    for (let marker = ''; ; ) {
      const query = [...LISTED, ['prefix', prefix], ['marker', marker], ['limit', String(PAGE)]] as const
      const rows = await this.#client.rows({ place: { container: this.container }, query, seeks: true }, ctx)
      const found = rows.map(row => row as Partial<SegmentRow> | null)
      const fresh = found.filter(
        (row): row is SegmentRow => typeof row?.name === 'string' && row.name.startsWith(prefix),
      )
      const last = fresh.at(-1)?.name
      // A page without names, or one that does not advance, is the end.
      if (last === undefined || last <= marker) return all
      all.push(...fresh)
      marker = last
    }
  }

  /** The folder of an object's segments: a hash of container and key, since a key may have the maximum length of a name. */
  #prefixOf(key: string): string {
    return `.holdall/${hashOf('sha256', `${this.#objects}/${key}`, 'hex').slice(0, 32)}/`
  }
}

const PLACES_OF_VERSIONS = ['x-versions-location', 'x-history-location'] as const
const LISTED = [['format', 'json']] as const
const OF_UPLOAD = /^[0-9a-f-]{36}\/$/
