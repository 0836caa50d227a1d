import type { CallContext } from '../core/call.ts'
import type { ListedFile, Page, PageRequest, Stat } from '../core/driver.ts'
import { type ErrorCode, StorageError } from '../core/errors.ts'
import { laterKey } from '../core/key-order.ts'
import { NOT_UTF8, type OddItems } from '../core/odd-items.ts'
import { mapParallel } from '../core/parallel.ts'
import { WaitingWalks } from '../core/waiting-walks.ts'
import type { FolderItem, PlacedItem } from './folder-items.ts'
import { TreeWalk } from './tree-walk.ts'

const PAGE_SIZE = 1000
/** Maximum number of files that are looked at in parallel. */
const LOOKS = 16

/** How the folders of one protocol are read. */
export interface TreeProtocol {
  /** Lists a folder ('' or ending in '/'), in batches and in any order. A missing folder fails with `not_found`. */
  read(prefix: string, ctx: CallContext): AsyncIterable<readonly FolderItem[]>
  /** The stat of a file whose listing is incomplete. Undefined: the file is not listed. */
  look(key: string, ctx: CallContext): Promise<Stat | undefined>
  classify(error: unknown): ErrorCode | undefined
  /** Whether an unreadable folder below the first one ends the listing. Default: it is left out, with a warning. */
  readonly isStrict?: boolean
}

/**
 * Pages of a tree of folders, in the order of the keys' UTF-8 bytes. Servers list the names of a folder in no order, so the names are read
 * and sorted. Between pages the names stay in memory for 10 minutes. After that, and for a token that is used again, the listing restarts
 * after the last place. So changes between pages neither lose nor repeat names. Items that cannot be read are left out and reported as a
 * warning of the process.
 */
export class TreeListing {
  readonly #protocol: TreeProtocol
  readonly #waiting: WaitingWalks<TreeWalk> = new WaitingWalks()

  constructor(protocol: TreeProtocol) {
    this.#protocol = protocol
  }

  /** One page of the folder `prefix` ('' or ending in '/'); a missing folder is an empty page. */
  async page(prefix: string, request: PageRequest, ctx: CallContext): Promise<Page> {
    const limit = Math.max(1, request.limit ?? PAGE_SIZE)
    const { token, recursive, startAfter, until } = request
    const begin = (place: string | undefined, odd: OddItems): TreeWalk =>
      new TreeWalk(this.#protocol, prefix, { recursive, after: laterKey(place, startAfter), until, odd })
    const cursor = this.#waiting.take(prefix, token, begin)
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
    return { files, directories, next: this.#waiting.keep(cursor) }
  }

  /** Discards the names in memory. */
  close(): void {
    this.#waiting.close()
  }

  /** Undefined for an item that is gone, leads outside, or is neither a file nor a folder. */
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

/** The code of an error of the protocol or of this library. */
export function codeOf(error: unknown, { classify }: Pick<TreeProtocol, 'classify'>): ErrorCode | undefined {
  return error instanceof StorageError ? error.code : classify(error)
}

/** Whether an error concerns only one item, not the connection or the whole listing. */
export function isOdd(code: ErrorCode | undefined): boolean {
  return code === 'permission_denied' || code === 'suspicious_name' || code === 'not_a_directory'
}
