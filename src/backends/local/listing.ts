import type { BigIntStats } from 'node:fs'
import { nodeCrypto } from '../../core/builtin.ts'
import type { ListedFile, Page, PageRequest } from '../../core/driver.ts'
import { errnoOf, isExhaustion } from '../../core/errno.ts'
import { StorageError } from '../../core/errors.ts'
import { laterKey } from '../../core/key-order.ts'
import { NOT_UTF8, OddItems } from '../../core/odd-items.ts'
import { statPlace, withAttributes } from './open-file.ts'
import { placed } from './place.ts'
import type { Root } from './root.ts'
import { statOf } from './stat.ts'
import { type Batch, Walk, type WalkEntry } from './walk.ts'

const PAGE_SIZE = 1000
/** Listings between two pages whose names are kept, and for how long in milliseconds. */
const MAX_WAITING = 64
const WAIT_MS = 60_000

/** A listing that goes on; nothing is open between two pages. */
interface Cursor {
  readonly id: string
  readonly walk: Walk
  readonly odd: OddItems
}

/** A walk between two pages. */
interface Waiting extends Cursor {
  readonly place: string
  readonly timer: NodeJS.Timeout
}

/** What a page's `next` says: which walk goes on, and the last place it gave, from which a new one begins where that walk is forgotten. */
type Token = readonly [id: string, place: string]

/**
 * Lists folders page by page in the order of the keys' UTF-8 bytes. The system gives a folder's names in no order, so they are read and sorted: a
 * page takes the memory of its entries and of the names of the folders on the way, as far as `Walk` keeps them. Between pages the names wait for a
 * minute, and nothing stays open; after that, and for a token that is used again, the listing begins anew behind the last place. So changes
 * between pages lose and repeat nothing. What cannot be looked at is reported as a warning of the process and left out.
 */
export class Listing {
  readonly #root: Root
  readonly #keepMetadata: boolean
  readonly #waiting = new Map<string, Waiting>()

  constructor(root: Root, keepMetadata: boolean) {
    this.#root = root
    this.#keepMetadata = keepMetadata
  }

  /** One page of the folder `prefix` ('' or ending in '/'); a missing folder is an empty page. */
  async page(prefix: string, request: PageRequest, signal: AbortSignal): Promise<Page> {
    const limit = Math.max(1, request.limit ?? PAGE_SIZE)
    const cursor = this.#cursor(prefix, request)
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
      return { files, directories, next: this.#keep(cursor) }
    } catch (error) {
      throw this.#root.explained(error)
    } finally {
      walk.rest()
    }
  }

  /** Forgets what waits. */
  close(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer)
    this.#waiting.clear()
  }

  #cursor(prefix: string, { token, recursive, startAfter, until }: PageRequest): Cursor {
    const [id, place] = token === undefined ? [nodeCrypto().randomUUID(), undefined] : parseToken(token, prefix)
    const waiting = this.#waiting.get(id)
    if (waiting !== undefined && waiting.place === place) {
      this.#forget(waiting)
      return waiting
    }
    const odd = new OddItems()
    const after = laterKey(place, startAfter)
    return { id, walk: new Walk(this.#root, prefix, { recursive, after, until, odd }), odd }
  }

  #keep({ id, walk, odd }: Cursor): string {
    const place = walk.place ?? ''
    const timer = setTimeout(() => this.#waiting.delete(id), WAIT_MS).unref()
    this.#waiting.set(id, { id, walk, odd, place, timer })
    const [oldest] = this.#waiting.values()
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) this.#forget(oldest)
    return formatToken([id, place])
  }

  #forget({ id, timer }: Waiting): void {
    clearTimeout(timer)
    this.#waiting.delete(id)
  }

  async #describe(batch: Batch, odd: OddItems): Promise<ListedFile[]> {
    const entries = await Promise.all(batch.entries.map(entry => this.#entry(batch, entry, odd)))
    return entries.filter(entry => entry !== undefined)
  }

  /** Undefined for what is gone, leads outside, or is neither a file nor a folder. */
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
      odd.report(key, 'its path is longer than the system takes')
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

function formatToken(token: Token): string {
  return Buffer.from(JSON.stringify(token)).toString('base64url')
}

function parseToken(text: string, prefix: string): Token {
  try {
    const [id, place] = JSON.parse(Buffer.from(text, 'base64url').toString()) as readonly unknown[]
    if (typeof id === 'string' && typeof place === 'string' && place.startsWith(prefix)) return [id, place]
  } catch {}
  throw new StorageError('invalid_argument', 'The page token is none of this listing.')
}
