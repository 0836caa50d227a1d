import { setTimeout as sleep } from 'node:timers/promises'
import type { CallContext } from '../core/call.ts'
import type { SweepRequest } from '../core/driver.ts'
import { isStorageError } from '../core/errors.ts'
import { detached } from './aftermath.ts'
import type { Creation } from './part-protocol.ts'

/**
 * Minimum time in milliseconds in which another client's upload should show its first part and a request with a lost answer should arrive.
 */
const WAIT_MS = 2000
/** Tolerance for the server's times in milliseconds: they are whole seconds. */
const SLACK_MS = 2000
/** Maximum number of creations that `sweep` remembers; the oldest are forgotten first. */
const MAX_REMEMBERED = 1000
/** Maximum number of pages that `sweep` reads of a bucket with many uploads of other clients. */
const MAX_PAGES = 10

/** The target of an upload: its key, and what else the backend's requests need. */
export interface UploadKey {
  readonly key: string
}

/** An upload in a listing. */
export interface ListedUpload {
  readonly key: string
  readonly uploadId: string
  /** When it was created, by this machine's clock in milliseconds; NaN if the service does not report it. */
  readonly at: number
}

/** A page of uploads in progress; `next` is the start of the next page. */
export interface UploadPage {
  readonly uploads: readonly ListedUpload[]
  readonly next?: string | undefined
}

/** The requests that the search for orphans makes. */
export interface UploadRequests<T extends UploadKey> {
  /** Ids of the uploads that this storage created and has not ended. */
  readonly ids: ReadonlySet<string>
  /** Lists uploads of the keys that begin with a prefix; `upload` is one of the uploads to look for. */
  list(prefix: string, page: string | undefined, upload: T, ctx: CallContext): Promise<UploadPage>
  /** Number of parts of an upload; undefined if the upload does not exist. */
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
 * Ends uploads whose id is lost. A request to create an upload leaves one behind if its answer was lost, if the service reported a failure
 * but carried it out, or if a proxy sent it twice. The first two are looked for at once, the last in one `sweep` for all. An upload counts
 * as left behind if it has the same key, was created at just that time, and has no part even after our own upload has ended. If uploads
 * cannot be listed, nothing is done.
 */
export class Orphans<T extends UploadKey> {
  readonly #requests: UploadRequests<T>
  readonly #waitMs: number
  #listable = true
  #remembered: Array<KeyCreation<T>> = []
  #context: CallContext | undefined

  /** `waitMs` is how long another client's upload has to show its first part, and a lost request to arrive late. Default: 2000. */
  constructor(requests: UploadRequests<T>, waitMs: number = WAIT_MS) {
    this.#requests = requests
    this.#waitMs = waitMs
  }

  /** If a request of a creation failed, looks for the upload it left behind; otherwise remembers the creation. Never fails. */
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

  /** Looks for what all remembered creations left behind, with one listing. For the closing of the storage. Never fails. */
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
   * Ends uploads below a prefix that are older than `minAgeMs` and not of this storage; returns how many. `upload` holds what the requests
   * need besides the key. An upload that cannot be ended is skipped.
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

  /** The uploads that were created at one of those times and are not known to be of this storage. */
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

/** Whether an upload created at that time, by this machine's clock, may come from a creation. */
function isFrom({ since, until, lost }: Creation, at: number, waitMs: number): boolean {
  return at >= since - SLACK_MS && at <= until + SLACK_MS + (lost ? waitMs : 0)
}
