import type { CallContext } from '../core/call.ts'
import type { ErrorCode } from '../core/errors.ts'
import { StorageError } from '../core/errors.ts'
import { type FolderStep, stepsTo } from '../core/folder-steps.ts'
import { compareKeys, restBelow } from '../core/key-order.ts'
import { NOT_UTF8, type OddItems } from '../core/odd-items.ts'
import { type FolderItem, type FolderItems, firstItems, type PlacedItem } from './folder-items.ts'

/** Maximum number of items in memory, of all folders on the way. Beyond it, those of the first folders are read again. */
const MAX_WAITING = 262_144
/** Maximum length in UTF-16 units of a folder's key: a server with endlessly nested folders must not keep a listing running forever. */
const MAX_KEY = 4096

/** The part of a protocol that a walk needs; see `TreeProtocol`. */
export interface WalkProtocol {
  read(prefix: string, ctx: CallContext): AsyncIterable<readonly FolderItem[]>
  classify(error: unknown): ErrorCode | undefined
  readonly isStrict?: boolean
}

/** How to walk through a tree. */
export interface TreeWalkOptions {
  /** Whether to descend into folders instead of returning them. */
  readonly recursive: boolean
  /** Only items after this place in the order of keys: a file's key, or a folder's with its slash. */
  readonly after?: string | undefined
  /** Only items before this place. */
  readonly until?: string | undefined
  readonly odd: OddItems
}

/** Some items of one folder. */
export interface TreeBatch {
  /** The common beginning of the keys of the items. */
  readonly prefix: string
  readonly items: readonly PlacedItem[]
}

interface Level {
  readonly prefix: string
  /** Undefined before the first reading, and if the items were dropped to save memory. */
  found: FolderItems | undefined
  /** Number of items that are finished. */
  taken: number
  /** The place of the last finished item. */
  after: string
}

/**
 * Walks through a folder of a server in the order of the keys' UTF-8 bytes, without following links. Nothing stays open between two calls
 * of `next`.
 */
export class TreeWalk {
  readonly #protocol: WalkProtocol
  readonly #prefix: string
  readonly #options: TreeWalkOptions
  readonly #levels: Level[]
  #place: string | undefined

  constructor(protocol: WalkProtocol, prefix: string, options: TreeWalkOptions) {
    this.#protocol = protocol
    this.#prefix = prefix
    this.#options = options
    this.#place = options.after
    const rest = restBelow(prefix, options.after)
    this.#levels = rest === undefined ? [] : stepsTo(prefix, rest, options.recursive).map(levelOf)
  }

  /** The last place that was returned. */
  get place(): string | undefined {
    return this.#place
  }

  /** The next items, at most `limit` and all from one folder; undefined at the end. */
  async next(limit: number, ctx: CallContext): Promise<TreeBatch | undefined> {
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      ctx.signal.throwIfAborted()
      const found = level.found ?? (await this.#read(level, ctx))
      const item = found?.items[level.taken]
      if (found === undefined || item === undefined) {
        if (found?.isOver === false) level.found = undefined
        else this.#levels.pop()
      } else if (this.#isPast(level.prefix + item.place)) {
        this.#levels.length = 0
      } else if (this.#options.recursive && item.isDirectory) {
        this.#descend(level, item)
      } else {
        return this.#batch(level, found, limit)
      }
    }
    return undefined
  }

  #isPast(place: string): boolean {
    const { until } = this.#options
    return until !== undefined && compareKeys(place, until) >= 0
  }

  #descend(level: Level, { place }: PlacedItem): void {
    level.taken++
    level.after = place
    const below = level.prefix + place
    if (below.length > MAX_KEY) this.#options.odd.report(below, 'its path is longer than a listing goes')
    else this.#levels.push(levelOf({ prefix: below, after: '' }))
    let waiting = 0
    for (const { found, taken } of this.#levels) waiting += found === undefined ? 0 : found.items.length - taken
    for (const each of waiting > MAX_WAITING ? this.#levels : []) {
      waiting -= each.found === undefined ? 0 : each.found.items.length - each.taken
      each.found = undefined
      if (waiting <= MAX_WAITING) break
    }
  }

  #batch(level: Level, found: FolderItems, limit: number): TreeBatch {
    const { prefix, taken } = level
    const { recursive } = this.#options
    const items: PlacedItem[] = []
    for (const item of found.items.slice(taken, taken + limit)) {
      if ((recursive && item.isDirectory) || this.#isPast(prefix + item.place)) break
      items.push(item)
    }
    level.taken += items.length
    level.after = items.at(-1)!.place
    this.#place = prefix + level.after
    return { prefix, items }
  }

  /** Reads the next items of a folder; undefined if it is gone or unreadable. An error of the first folder is thrown. */
  async #read(level: Level, ctx: CallContext): Promise<FolderItems | undefined> {
    const { odd } = this.#options
    const { prefix } = level
    try {
      level.found = await firstItems(this.#protocol.read(prefix, ctx), prefix, level.after, odd)
      level.taken = 0
      return level.found
    } catch (error) {
      const code = error instanceof StorageError ? error.code : this.#protocol.classify(error)
      if (code === 'not_found' || code === 'not_a_directory') {
        if (prefix !== this.#prefix && prefix.includes('\ufffd')) odd.report(prefix, NOT_UTF8)
        return undefined
      }
      const isLeftOut = code === 'suspicious_name' || (code === 'permission_denied' && this.#protocol.isStrict !== true)
      if (prefix === this.#prefix || !isLeftOut) throw error
      odd.report(prefix, error)
      return undefined
    }
  }
}

function levelOf({ prefix, after }: FolderStep): Level {
  return { prefix, found: undefined, taken: 0, after }
}
