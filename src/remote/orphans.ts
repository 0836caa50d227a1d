import { setTimeout as sleep } from 'node:timers/promises'
import type { CallContext } from '../../../core/call.ts'
import { isStorageError } from '../../../core/errors.ts'
import { detached } from '../../../remote/aftermath.ts'
import type { Creation } from '../../../remote/part-protocol.ts'
import type { S3Client } from '../client.ts'
import { keyDecoder } from '../listing.ts'

/** Milliseconds that an upload of somebody else gets at least to show its first part. */
const GRACE_MS = 2000
/** Milliseconds that a request whose answer was lost gets to arrive late. */
const LATE_MS = 2000
/** Milliseconds by which the server's times may be off: they are whole seconds. */
const SLACK_MS = 2000
/** Creations that are remembered for `sweep`; of more, the oldest are forgotten. */
const MAX_REMEMBERED = 1000
/** Pages that `sweep` reads of a bucket where others have many uploads open. */
const MAX_PAGES = 10

/** An upload's key, and when it was created. */
export interface KeyCreation extends Creation {
  readonly key: string
}

/** What the search for orphans asks of the uploads under way. */
export interface UploadRequests {
  /** Ids of the uploads that this storage created and has not ended. */
  readonly ids: ReadonlySet<string>
  /** How many parts an upload has; undefined when there is no such upload. */
  partCount(key: string, uploadId: string, ctx: CallContext): Promise<number | undefined>
  end(key: string, uploadId: string, ctx: CallContext): Promise<boolean>
}

interface Found {
  readonly key: string
  readonly uploadId: string
  /** Milliseconds since its creation, by the server's clock. */
  readonly ageMs: number
}

/**
 * Ends uploads of which nobody knows the id. A request to create one leaves one behind when its answer was lost or denied what was done, and
 * when a proxy sent it twice. The first is looked for at once, the second once for all at `sweep`. Taken for such are uploads of the same key
 * from just that time that have no part even after our own work has ended. Where uploads cannot be listed, nothing is done.
 */
export class Orphans {
  readonly #client: S3Client
  readonly #requests: UploadRequests
  #listable = true
  #remembered: KeyCreation[] = []
  #context: CallContext | undefined

  constructor(client: S3Client, requests: UploadRequests) {
    this.#client = client
    this.#requests = requests
  }

  /** Looks for what a creation left behind, if a request of it failed; else remembers it. Never fails. */
  async after(creation: KeyCreation, ended: Promise<void>, ctx: CallContext): Promise<void> {
    if (!this.#listable) return
    if (creation.lost || creation.tries > 1) {
      if (creation.lost) await Promise.all([ended, sleep(LATE_MS)])
      await this.#clean([creation], creation.key, ended, ctx)
      return
    }
    this.#context = ctx
    this.#remembered.push(creation)
    if (this.#remembered.length > MAX_REMEMBERED) this.#remembered.shift()
  }

  /** Looks for what all remembered creations left behind, by one listing. For the end of the storage. Never fails. */
  async sweep(): Promise<void> {
    const [first, ...others] = this.#remembered
    if (first === undefined || !this.#listable) return
    let prefix = first.key
    for (const { key } of others) while (!key.startsWith(prefix)) prefix = prefix.slice(0, -1)
    const creations = this.#remembered
    this.#remembered = []
    await this.#clean(creations, prefix, Promise.resolve(), this.#context!)
  }

  async #clean(creations: KeyCreation[], prefix: string, ended: Promise<void>, ctx: CallContext): Promise<void> {
    try {
      const found = await this.#strangers(creations, prefix, detached(ctx))
      if (found.length === 0) return
      const youngest = Math.min(...found.map(({ ageMs }) => ageMs))
      await Promise.all([ended, sleep(Math.max(0, Math.min(GRACE_MS, GRACE_MS + SLACK_MS - youngest)))])
      const clean = detached(ctx)
      for (const { key, uploadId } of found) {
        const isOurs = this.#requests.ids.has(uploadId)
        if (!isOurs && (await this.#requests.partCount(key, uploadId, clean)) === 0) {
          await this.#requests.end(key, uploadId, clean)
        }
      }
    } catch (error) {
      if (!isStorageError(error) || !error.retryable) this.#listable = false
    }
  }

  /** The uploads that were created at one of those times, but not by this storage as far as it knows. */
  async #strangers(creations: readonly KeyCreation[], prefix: string, ctx: CallContext): Promise<Found[]> {
    const found: Found[] = []
    let marker: Array<[string, string]> = []
    for (let page = 0; page < MAX_PAGES; page++) {
      const query: Array<[string, string?]> = [['uploads'], ['encoding-type', 'url'], ['prefix', prefix], ...marker]
      const { root, headers } = await ctx.step('listUploads', true, step =>
        this.#client.xml({ method: 'GET', query }, step),
      )
      const date = Date.parse(headers.date ?? '')
      const offset = Number.isNaN(date) ? 0 : date - Date.now()
      const decode = keyDecoder(root)
      for (const upload of root.children('Upload')) {
        const uploadId = upload.child('UploadId')?.text ?? ''
        const key = decode(upload.child('Key')?.text ?? '')
        const at = Date.parse(upload.child('Initiated')?.text ?? '') - offset
        const isMeant = creations.some(creation => creation.key === key && isFrom(creation, at))
        if (uploadId !== '' && isMeant && !this.#requests.ids.has(uploadId)) {
          found.push({ key, uploadId, ageMs: Date.now() - at })
        }
      }
      const next = [root.child('NextKeyMarker')?.text ?? '', root.child('NextUploadIdMarker')?.text ?? ''] as const
      if (root.child('IsTruncated')?.text !== 'true' || next[0] === '') break
      if (marker.length > 0 && marker[0]![1] === next[0] && marker[1]![1] === next[1]) break
      marker = [
        ['key-marker', decode(next[0])],
        ['upload-id-marker', next[1]],
      ]
    }
    return found
  }
}

/** Whether an upload of that time, by this machine's clock, may come from a creation. */
function isFrom({ since, until, lost }: Creation, at: number): boolean {
  return at >= since - SLACK_MS && at <= until + SLACK_MS + (lost ? LATE_MS : 0)
}
