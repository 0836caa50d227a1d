import type { BigIntStats } from 'node:fs'
import type { ListedFile, Page, PageRequest } from '../../core/driver.ts'
import { errnoOf, isExhaustion } from '../../core/errno.ts'
import { laterKey } from '../../core/key-order.ts'
import { NOT_UTF8, type OddItems } from '../../core/odd-items.ts'
import { WaitingWalks } from '../../core/waiting-walks.ts'
import { statPlace, withAttributes } from './open-file.ts'
import { placed } from './place.ts'
import type { Root } from './root.ts'
import { statOf } from './stat.ts'
import { type Batch, Walk, type WalkEntry } from './walk.ts'

const PAGE_SIZE = 1000

/**
 * Lists folders page by page in the order of the keys' UTF-8 bytes. The system returns a folder's names in no order, so they are read and
 * sorted. A page needs memory for its entries and for the names of the folders on the way, within the limits of `Walk`. Between pages the
 * names stay in memory for 10 minutes, and nothing stays open. After that, and for a token that is used again, the listing restarts after
 * the last place. So changes between pages neither lose nor repeat names. Items that cannot be read are left out and reported as a warning
 * of the process.
 */
export class Listing {
  readonly #root: Root
  readonly #keepMetadata: boolean
  readonly #waiting: WaitingWalks<Walk> = new WaitingWalks()

  constructor(root: Root, keepMetadata: boolean) {
    this.#root = root
    this.#keepMetadata = keepMetadata
  }

  /** One page of the folder `prefix` ('' or ending in '/'); a missing folder is an empty page. */
  async page(prefix: string, request: PageRequest, signal: AbortSignal): Promise<Page> {
    const limit = Math.max(1, request.limit ?? PAGE_SIZE)
    const { token, recursive, startAfter, until } = request
    const begin = (place: string | undefined, odd: OddItems): Walk =>
      new Walk(this.#root, prefix, { recursive, after: laterKey(place, startAfter), until, odd })
    const cursor = this.#waiting.take(prefix, token, begin)
    const { walk, odd } = cursor
    const files: ListedFile[] = []
    const directories: string[] = []
    let taken = 0
    try {
      while (taken < limit) {
        signal.throwIfAborted()
        const batch = await walk.next(limit - taken)
        if (batch === undefined) return { files, directories }
        taken += batch.entries.length
        for (const entry of await this.#describe(batch, odd)) {
          if (entry.isDirectory !== true) files.push(entry)
          else if (!request.recursive) directories.push(entry.key)
        }
      }
      return { files, directories, next: this.#waiting.keep(cursor) }
    } catch (error) {
      throw this.#root.explained(error)
    } finally {
      walk.rest()
    }
  }

  /** Discards the names in memory. */
  close(): void {
    this.#waiting.close()
  }

  async #describe(batch: Batch, odd: OddItems): Promise<ListedFile[]> {
    const entries = await Promise.all(batch.entries.map(entry => this.#entry(batch, entry, odd)))
    return entries.filter(entry => entry !== undefined)
  }

  /** Undefined for an item that is gone, leads outside, or is neither a file nor a folder. */
  async #entry({ anchor, root, prefix }: Batch, entry: WalkEntry, odd: OddItems): Promise<ListedFile | undefined> {
    const key = prefix + entry.name
    const isReplaced = entry.name.includes('\ufffd')
    if (entry.isDirectory && !isReplaced) return { key, size: 0, isDirectory: true }
    const place = placed(anchor, entry.name, root)
    try {
      const look = () => statPlace(this.#root, place)
      const [{ stats }, attributes] = await withAttributes(place, this.#keepMetadata, look)
      if (!isListed(stats)) return undefined
      if (this.#root.canHold(key)) return { key, ...statOf(stats, attributes) }
      odd.report(key, 'its path is longer than the system allows')
    } catch (error) {
      const isMissing = errnoOf(error) === 'ENOENT'
      if (isMissing && isReplaced) odd.report(key, NOT_UTF8)
      else if (isExhaustion(error) || !(isMissing || entry.isLink)) odd.report(key, error)
    }
    return undefined
  }
}

function isListed(stats: BigIntStats): boolean {
  return stats.isFile() || stats.isDirectory()
}
