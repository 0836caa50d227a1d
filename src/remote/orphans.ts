import { setTimeout as sleep } from 'node:timers/promises'
import type { CallContext } from '../core/call.ts'
import type { SweepRequest } from '../core/driver.ts'
import { isStorageError } from '../core/errors.ts'
import { detached } from './aftermath.ts'
import type { Creation } from './part-protocol.ts'

/** Milliseconds that an upload of somebody else gets at least to show its first part, and a request whose answer was lost to arrive late. */
const WAIT_MS = 2000
/** Milliseconds by which the server's times may be off: they are whole seconds. */
const SLACK_MS = 2000
/** Creations that are remembered for `sweep`; of more, the oldest are forgotten. */
const MAX_REMEMBERED = 1000
/** Pages that `sweep` reads of a bucket where others have many uploads open. */
const MAX_PAGES = 10

/** What was to be uploaded: its key, and what else the backend's requests about it need. */
export interface UploadKey {
  readonly key: string
}

/** An upload that a listing shows. */
export interface ListedUpload {
  readonly key: string
  readonly uploadId: string
  /** When it was created, by this machine's clock in milliseconds; NaN where the service does not tell. */
  readonly at: number
}

/** A page of uploads under way; `next` is where the next page begins. */
export interface UploadPage {
  readonly uploads: readonly ListedUpload[]
  readonly next?: string | undefined
}

/** What the search for orphans asks of the uploads under way. */
export interface UploadRequests<T extends UploadKey> {
  /** Ids of the uploads that this storage created and has not ended. */
  readonly ids: ReadonlySet<string>
  /** Uploads of the keys that begin with a prefix; `upload` is one of those that are looked for. */
  list(prefix: string, page: string | undefined, upload: T, ctx: CallContext): Promise<UploadPage>
  /** How many parts an upload has; undefined when there is no such upload. */
  partCount(upload: T, uploadId: string, ctx: CallContext): Promise<number | undefined>
  end(upload: T, uploadId: string, ctx: CallContext): Promise<boolean>
}

interface KeyCreation<T> extends Creation {
  readonly upload: T
}

interface Found<T> {
  readonly upload: T
  readonly uploadId: string
  /** Milliseconds since its creation. */
  readonly ageMs: number
}

/**
 * Ends uploads whose id no one knows. A request to create one leaves one behind when its answer was lost or denied what was done, and
 * when a proxy sent it twice. The first is looked for at once, the second once for all at `sweep`. Taken for such are uploads of the same key
 * from just that time that have no part even after our own work has ended. Where uploads cannot be listed, nothing is done.
 */
export class Orphans<T extends UploadKey> {
  readonly #requests: UploadRequests<T>
  readonly #waitMs: number
  #listable = true
  #remembered: Array<KeyCreation<T>> = []
  #context: CallContext | undefined

  /** `waitMs` is how long an upload of somebody else gets to show its first part, and a lost request to arrive late; default 2000. */
  constructor(requests: UploadRequests<T>, waitMs: number = WAIT_MS) {
    this.#requests = requests
    this.#waitMs = waitMs
  }

  /** Looks for what a creation left behind, if a request of it failed; else remembers it. Never fails. */
  async after(upload: T, creation: Creation, ended: Promise<void>, ctx: CallContext): Promise<void> {
    if (!this.#listable) return
    const created = { ...creation, upload }
    if (creation.lost || creation.tries > 1) {
      if (creation.lost) await Promise.all([ended, sleep(this.#waitMs)])
      await this.#clean([created], upload.key, ended, ctx)
      return
    }
    this.#context = ctx
    this.#remembered.push(created)
    if (this.#remembered.length > MAX_REMEMBERED) this.#remembered.shift()
  }

  /** Looks for what all remembered creations left behind, by one listing. For the end of the storage. Never fails. */
  async sweep(): Promise<void> {
    const [first, ...others] = this.#remembered
    if (first === undefined || !this.#listable) return
    let prefix = first.upload.key
    for (const { upload } of others) while (!upload.key.startsWith(prefix)) prefix = prefix.slice(0, -1)
    const creations = this.#remembered
    this.#remembered = []
    await this.#clean(creations, prefix, Promise.resolve(), this.#context!)
  }

  /**
   * Ends the uploads below a prefix that are older than asked and not of this storage; returns how many. `upload` is what the requests need besides
   * the key. One that cannot be ended is left.
   */
  async endOld({ prefix, minAgeMs, dryRun }: SweepRequest, upload: T, ctx: CallContext): Promise<number> {
    const { ids, list, end } = this.#requests
    let ended = 0
    let page: string | undefined
    do {
      const { uploads, next } = await list(prefix, page, upload, ctx)
      for (const { key, uploadId, at } of uploads) {
        const isOld = uploadId !== '' && Date.now() - at >= minAgeMs && key.startsWith(prefix)
        if (isOld && !ids.has(uploadId) && (dryRun || (await end({ ...upload, key }, uploadId, ctx)))) ended += 1
      }
      page = next === page ? undefined : next
      ctx.progress()
    } while (page !== undefined)
    return ended
  }

  async #clean(
    creations: ReadonlyArray<KeyCreation<T>>,
    prefix: string,
    ended: Promise<void>,
    ctx: CallContext,
  ): Promise<void> {
    const { ids, partCount, end } = this.#requests
    const wait = this.#waitMs
    try {
      const found = await this.#strangers(creations, prefix, detached(ctx))
      if (found.length === 0) return
      const youngest = Math.min(...found.map(({ ageMs }) => ageMs))
      await Promise.all([ended, sleep(Math.max(0, Math.min(wait, wait + SLACK_MS - youngest)))])
      const clean = detached(ctx)
      for (const { upload, uploadId } of found) {
        if (!ids.has(uploadId) && (await partCount(upload, uploadId, clean)) === 0) await end(upload, uploadId, clean)
      }
    } catch (error) {
      if (!isStorageError(error) || !error.retryable) this.#listable = false
    }
  }

  /** The uploads that were created at one of those times, but not by this storage as far as it knows. */
  async #strangers(
    creations: ReadonlyArray<KeyCreation<T>>,
    prefix: string,
    ctx: CallContext,
  ): Promise<Array<Found<T>>> {
    const found: Array<Found<T>> = []
    let page: string | undefined
    for (let count = 0; count < MAX_PAGES; count++) {
      const { uploads, next } = await this.#requests.list(prefix, page, creations[0]!.upload, ctx)
      for (const { key, uploadId, at } of uploads) {
        const meant = creations.find(creation => creation.upload.key === key && isFrom(creation, at, this.#waitMs))
        if (uploadId === '' || meant === undefined || this.#requests.ids.has(uploadId)) continue
        found.push({ upload: meant.upload, uploadId, ageMs: Date.now() - at })
      }
      if (next === undefined || next === page) break
      page = next
    }
    return found
  }
}

/** Whether an upload of that time, by this machine's clock, may come from a creation. */
function isFrom({ since, until, lost }: Creation, at: number, waitMs: number): boolean {
  return at >= since - SLACK_MS && at <= until + SLACK_MS + (lost ? waitMs : 0)
}
