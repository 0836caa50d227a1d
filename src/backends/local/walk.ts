import { join } from 'node:path'
import { unless } from '../../core/errno.ts'
import { type FolderStep, stepsTo } from '../../core/folder-steps.ts'
import { compareKeys, restBelow } from '../../core/key-order.ts'
import { NOT_UTF8, type OddItems } from '../../core/odd-items.ts'
import { Anchor } from './anchor.ts'
import { type FolderNames, readNames } from './folder-names.ts'
import type { Located, Root } from './root.ts'

/** Number of entries that are looked at together. */
const BATCH = 32
/** Maximum number of open folders. */
const MAX_OPEN = 16
/** Maximum number of names in memory, of all folders on the way. Beyond it, those of the first folders are read again. */
const MAX_WAITING = 262_144
/** The error codes for opening a folder that no longer exists. */
const GONE: readonly string[] = ['ENOENT', 'ENOTDIR', 'ELOOP']
const REPLACEMENT = '\ufffd'

/** Some entries of one folder, which stays open until the next ones are requested. */
export interface Batch {
  readonly anchor: Anchor
  /** Real path of the storage's folder. */
  readonly root: string | undefined
  /** The common beginning of the keys of the entries. */
  readonly prefix: string
  readonly entries: readonly WalkEntry[]
}

/** A name in a folder. */
export interface WalkEntry {
  readonly name: string
  readonly isDirectory: boolean
  readonly isLink: boolean
}

/** A folder that was read for the first time. */
export interface VisitedFolder {
  readonly anchor: Anchor
  readonly prefix: string
  /** Whether it has internal files of the storage. */
  readonly hasHidden: boolean
}

/** How to walk through a tree. */
export interface WalkOptions {
  /** Whether to descend into folders instead of returning them. */
  readonly recursive: boolean
  /** Only entries after this place in the order of keys: a file's key, or a folder's with its slash. */
  readonly after?: string | undefined
  /** Only entries before this place. */
  readonly until?: string | undefined
  /** Called for each folder; files are then not returned. */
  readonly visit?: (folder: VisitedFolder) => Promise<void>
  readonly odd: OddItems
}

interface Level {
  readonly prefix: string
  /** Undefined while the folder is closed. */
  anchor: Anchor | undefined
  /** Undefined before the first reading, and if the names were dropped to save memory. */
  found: FolderNames | undefined
  /** Number of names that are finished. */
  taken: number
  /** The last finished name. */
  after: string
  visited: boolean
}

/**
 * Walks through a folder in the order of the keys' UTF-8 bytes, without following links. The names of a folder are read and sorted; they
 * stay in memory with those of the folders on the way to the current one. A folder is opened by its path from the first one, and is used
 * only if its real path equals that path: the walk does not enter links or folders that were moved away. Between two calls of `next`,
 * everything can be closed. Not recursive.
 */
export class Walk {
  readonly #root: Root
  readonly #prefix: string
  readonly #options: WalkOptions
  #levels: Level[] = []
  #first: Located | undefined
  /** Real path of the first folder when the names were read. */
  #real: string | undefined
  /** The last place that was returned. */
  #place: string | undefined
  #isOver = false

  constructor(root: Root, prefix: string, options: WalkOptions) {
    this.#root = root
    this.#prefix = prefix
    this.#options = options
    this.#place = options.after
  }

  /** The next entries, at most `limit` and all from one folder; undefined at the end. */
  async next(limit: number): Promise<Batch | undefined> {
    if (this.#isOver || !(await this.#begin())) return this.#end()
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      const found = level.found ?? (await this.#read(level))
      const name = found?.names[level.taken]
      if (found === undefined || name === undefined) {
        if (found?.isOver === false) level.found = undefined
        else this.#leave(level)
        continue
      }
      if (this.#isPast(level.prefix + name)) return this.#end()
      if (this.#options.recursive && name.endsWith('/')) this.#descend(level, name)
      else {
        const batch = await this.#batch(level, found, limit)
        if (batch !== undefined) return batch
      }
    }
    return this.#end()
  }

  /** The last place that was returned. */
  get place(): string | undefined {
    return this.#place
  }

  /** Closes every folder; `next` reopens the ones that it needs. */
  rest(): void {
    for (const level of this.#levels) close(level)
    this.#first?.folder.release()
    this.#first = undefined
  }

  #end(): undefined {
    this.#isOver = true
    this.rest()
    return undefined
  }

  /** Finds the first folder; false if it is missing. */
  async #begin(): Promise<boolean> {
    if (this.#first !== undefined) return true
    this.#first = await unless(GONE, this.#root.folder(this.#prefix))
    if (this.#first === undefined) return false
    const { real } = this.#first.folder
    if (real === this.#real) return true
    // The location now leads to another folder than the one of the names in memory, so they are read again from the last place.
    this.#real = real
    const rest = restBelow(this.#prefix, this.#place)
    if (rest === undefined) return false
    this.#levels = stepsTo(this.#prefix, rest, this.#options.recursive).map(levelOf)
    return true
  }

  #isPast(place: string): boolean {
    const { until } = this.#options
    return until !== undefined && compareKeys(place, until) >= 0
  }

  #descend(level: Level, name: string): void {
    const { prefix } = level
    pass(level, 1)
    const below = prefix + name
    if (this.#root.canHold(below)) this.#levels.push(levelOf({ prefix: below, after: '' }))
    else this.#options.odd.report(below, 'its path is longer than the system allows')
    this.#spare()
  }

  /** Drops the names that are easiest to read again if there are too many in memory. */
  #spare(): void {
    const far = this.#levels.at(-1 - MAX_OPEN)
    if (far !== undefined) close(far)
    let waiting = 0
    for (const { found, taken } of this.#levels) waiting += found === undefined ? 0 : found.names.length - taken
    for (const level of waiting > MAX_WAITING ? this.#levels : []) {
      waiting -= level.found === undefined ? 0 : level.found.names.length - level.taken
      level.found = undefined
      if (waiting <= MAX_WAITING) break
    }
  }

  #leave(level: Level): void {
    close(level)
    this.#levels.pop()
  }

  async #batch(level: Level, found: FolderNames, limit: number): Promise<Batch | undefined> {
    const anchor = await this.#within(level, () => this.#opened(level))
    if (anchor === undefined) {
      this.#leave(level)
      return undefined
    }
    const { prefix, taken } = level
    const { recursive } = this.#options
    const entries: WalkEntry[] = []
    for (const name of found.names.slice(taken, taken + Math.min(limit, BATCH))) {
      const isDirectory = name.endsWith('/')
      if ((recursive && isDirectory) || this.#isPast(prefix + name)) break
      entries.push({
        name: isDirectory ? name.slice(0, -1) : name,
        isDirectory,
        isLink: found.links.has(name),
      })
    }
    pass(level, entries.length)
    this.#place = prefix + level.after
    return { anchor, root: this.#first?.root, prefix, entries }
  }

  /** Reads the next names of a folder; undefined if it is gone or unreadable. */
  async #read(level: Level): Promise<FolderNames | undefined> {
    const { visit, odd } = this.#options
    const found = await this.#within(level, async () => {
      const anchor = await this.#opened(level)
      if (anchor === undefined) return undefined
      return unless(GONE, readNames(anchor.path, { after: level.after, onlyFolders: visit !== undefined }))
    })
    if (found === undefined || level.anchor === undefined) return undefined
    for (const name of found.repeated) odd.report(level.prefix + name, NOT_UTF8)
    if (!level.visited) await visit?.({ anchor: level.anchor, prefix: level.prefix, hasHidden: found.hasHidden })
    level.found = found
    level.taken = 0
    level.visited = true
    return found
  }

  /** Undefined if `work` in a folder failed. An error of the first folder is thrown, others are reported. */
  async #within<T>(level: Level, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (level.prefix === this.#prefix) throw error
      this.#options.odd.report(level.prefix, error)
      return undefined
    }
  }

  /** Opens a folder unless it is open; undefined if it is gone or was replaced. */
  async #opened(level: Level): Promise<Anchor | undefined> {
    if (level.anchor !== undefined) return level.anchor
    const first = this.#first!.folder
    if (level.prefix === this.#prefix) return (level.anchor = first.borrowed())
    const below = level.prefix.slice(this.#prefix.length, -1)
    const anchor = await unless(GONE, Anchor.at(join(first.path, below), { folder: true, follow: false }))
    if (anchor?.real === join(first.real, below)) return (level.anchor = anchor)
    anchor?.release()
    if (anchor === undefined && below.includes(REPLACEMENT)) this.#options.odd.report(level.prefix, NOT_UTF8)
    return undefined
  }
}

/** Marks names as finished. */
function pass(level: Level, count: number): void {
  level.taken += count
  level.after = level.found?.names[level.taken - 1] ?? level.after
}

function close(level: Level): void {
  level.anchor?.release()
  level.anchor = undefined
}

function levelOf({ prefix, after }: FolderStep): Level {
  return { prefix, anchor: undefined, found: undefined, taken: 0, after, visited: false }
}
