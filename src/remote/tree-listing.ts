import { nodeCrypto } from '../core/builtin.ts'
import type { CallContext } from '../core/call.ts'
import type { ListedFile, Page, PageRequest, Stat } from '../core/driver.ts'
import { type ErrorCode, StorageError } from '../core/errors.ts'
import { laterKey } from '../core/key-order.ts'
import { NOT_UTF8, OddItems } from '../core/odd-items.ts'
import { mapParallel } from '../core/parallel.ts'
import type { FolderItem, PlacedItem } from './folder-items.ts'
import { TreeWalk } from './tree-walk.ts'

const PAGE_SIZE = 1000
/** Listings between two pages whose names are kept, and for how long in milliseconds. */
const MAX_WAITING = 64
const WAIT_MS = 60_000
/** Files that are asked about at once. */
const LOOKS = 16

/** How the folders of one protocol are read. */
export interface TreeProtocol {
  /** What is in a folder ('' or ending in '/'), in batches and in any order. A missing folder fails with `not_found`. */
  read(prefix: string, ctx: CallContext): AsyncIterable<readonly FolderItem[]>
  /** What a file is of which the listing does not tell enough. Undefined: it is not listed. */
  look(key: string, ctx: CallContext): Promise<Stat | undefined>
  classify(error: unknown): ErrorCode | undefined
}

/** A listing that goes on. */
interface Cursor {
  readonly id: string
  readonly walk: TreeWalk
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
 * Pages of a tree of folders, in the order of the keys' UTF-8 bytes. A server gives a folder's names in no order, so they are read and sorted. Between
 * pages the names wait for a minute; after that, and for a token that is used again, the listing begins anew behind the last place. So changes between
 * pages lose and repeat nothing. What cannot be looked at is reported as a warning of the process and left out.
 */
export class TreeListing {
  readonly #protocol: TreeProtocol
  readonly #waiting = new Map<string, Waiting>()

  constructor(protocol: TreeProtocol) {
    this.#protocol = protocol
  }

  /** One page of the folder `prefix` ('' or ending in '/'); a missing folder is an empty page. */
  async page(prefix: string, request: PageRequest, ctx: CallContext): Promise<Page> {
    const limit = Math.max(1, request.limit ?? PAGE_SIZE)
    const cursor = this.#cursor(prefix, request)
    const { walk, odd } = cursor
    const files: ListedFile[] = []
    const directories: string[] = []
    let taken = 0
    while (taken < limit) {
      ctx.signal.throwIfAborted()
      const batch = await walk.next(limit - taken, ctx)
      if (batch === undefined) return { files, directories }
      taken += batch.items.length
      const described = await mapParallel(batch.items, { limit: LOOKS, signal: ctx.signal }, item =>
        this.#describe(batch.prefix, item, odd, ctx),
      )
      for (const entry of described) {
        if (entry === undefined) continue
        if (entry.isDirectory !== true) files.push(entry)
        else if (!request.recursive) directories.push(entry.key)
      }
    }
    return { files, directories, next: this.#keep(cursor) }
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
    return { id, walk: new TreeWalk(this.#protocol, prefix, { recursive, after, until, odd }), odd }
  }

  #keep({ id, walk, odd }: Cursor): string {
    const place = walk.place ?? ''
    const timer = setTimeout(() => this.#waiting.delete(id), WAIT_MS).unref()
    this.#waiting.set(id, { id, walk, odd, place, timer })
    const [oldest] = this.#waiting.values()
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) this.#forget(oldest)
    return Buffer.from(JSON.stringify([id, place] satisfies Token)).toString('base64url')
  }

  #forget({ id, timer }: Waiting): void {
    clearTimeout(timer)
    this.#waiting.delete(id)
  }

  /** Undefined for what is gone, leads outside, or is neither a file nor a folder. */
  async #describe(
    prefix: string,
    { name, isDirectory, stat }: PlacedItem,
    odd: OddItems,
    ctx: CallContext,
  ): Promise<ListedFile | undefined> {
    const key = prefix + name
    const isReplaced = name.includes('\ufffd')
    if (!isReplaced && isDirectory) return { key, size: 0, isDirectory: true }
    if (!isReplaced && stat !== undefined) return { ...stat, key }
    try {
      const found = await this.#protocol.look(key, ctx)
      return found === undefined ? undefined : { ...found, key }
    } catch (error) {
      const code = codeOf(error, this.#protocol)
      if (code === 'not_found') {
        if (isReplaced) odd.report(key, NOT_UTF8)
      } else if (isOdd(code)) odd.report(key, error)
      else throw error
      return undefined
    }
  }
}

/** The code of an error, native or not. */
export function codeOf(error: unknown, { classify }: Pick<TreeProtocol, 'classify'>): ErrorCode | undefined {
  return error instanceof StorageError ? error.code : classify(error)
}

/** Whether an error concerns one item, and not the connection or the whole listing. */
export function isOdd(code: ErrorCode | undefined): boolean {
  return code === 'permission_denied' || code === 'suspicious_name' || code === 'not_a_directory'
}

function parseToken(text: string, prefix: string): Token {
  try {
    const [id, place] = JSON.parse(Buffer.from(text, 'base64url').toString()) as readonly unknown[]
    if (typeof id === 'string' && typeof place === 'string' && place.startsWith(prefix)) return [id, place]
  } catch {}
  throw new StorageError('invalid_argument', 'The page token is none of this listing.')
}
