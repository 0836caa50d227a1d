import { foldedName } from '../core/case-clashes.ts'
import { StorageError } from '../core/errors.ts'
import { compareKeys } from '../core/key-order.ts'
import { trimTrailingSlashes } from '../core/names.ts'
import { listedEntry } from '../storage/entry-keys.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { Entry, NameOrEntry } from '../storage/types.ts'
import type { Item } from './item.ts'
import { sorted } from './sorted.ts'

/** Options of `entries` for every file of a folder. */
export const ALL_FILES: Readonly<{ recursive: true; trailingSlash: true }> = { recursive: true, trailingSlash: true }

/** Options of listing the files of a side. */
export interface ListingOptions {
  readonly signal: AbortSignal
  /** Whether files are matched by their folded names. */
  readonly isFolded: boolean
  /** Whether a name takes part. */
  readonly isWanted: (name: string) => boolean
  /** The part of the names that is listed. */
  readonly range?: NameRange | undefined
}

/** The names after one name and before another one, relative to a folder, in the order of their UTF-8 bytes; both are exclusive. */
export interface NameRange {
  readonly after?: string | undefined
  readonly until?: string | undefined
}

/** One of the two places: a storage, and a folder of it. */
export class Side {
  readonly storage: AnyStorage
  /** '' or ending in '/'. */
  readonly folder: string
  /** Its name in errors. */
  readonly title: 'source' | 'target'
  readonly #isVerbatim: (name: string) => boolean

  /** `isVerbatim`: whether both places keep a name that a storage would normalise. */
  constructor(
    title: 'source' | 'target',
    storage: AnyStorage,
    path: string,
    isVerbatim: (name: string) => boolean = () => false,
  ) {
    this.title = title
    this.storage = storage
    this.#isVerbatim = isVerbatim
    const name = path === '' ? '' : storage.nameOf(storage.keyOf(path))
    this.folder = name === '' ? '' : `${trimTrailingSlashes(name)}/`
  }

  /** Returns the name in the storage for a name relative to the folder. */
  nameOf(relative: string): string {
    return this.folder + relative
  }

  /** Returns a file that may exist, for a name relative to the folder: by its name, or by its exact key if both places keep such keys. */
  fileOf(relative: string): NameOrEntry {
    const name = this.nameOf(relative)
    if (this.#isSpelled(name) || !this.#isVerbatim(name)) return name
    return listedEntry(this.storage, { key: this.storage.prefix + name, size: Number.NaN }, false)
  }

  /**
   * Returns every file below the folder by one listing, in the order of the keys. A listing without the order that the backend declares, or
   * with a repeated name, is `unavailable`: it is unreliable.
   */
  list(options: ListingOptions): AsyncGenerator<Item> {
    const isInOrder = this.storage.supports('listRange')
    const items = this.#items(options, isInOrder)
    return isInOrder && !options.isFolded ? items : within(sorted(items), options.range)
  }

  async *#items({ signal, isFolded, isWanted, range }: ListingOptions, isInOrder: boolean): AsyncGenerator<Item> {
    let last: string | undefined
    const bounds = isInOrder && !isFolded ? this.#boundsOf(range) : {}
    for await (const entry of this.storage.entries(this.folder, { ...ALL_FILES, signal, ...bounds })) {
      if (entry.isDirectory) continue
      const name = entry.name.slice(this.folder.length)
      if (isInOrder && last !== undefined && compareKeys(last, name) >= 0) throw this.#unordered(last, name)
      last = name
      yield this.itemOf(entry, { isFolded, isWanted })
    }
  }

  /** Returns the item of a listed file. */
  itemOf(entry: Entry, { isFolded, isWanted }: Pick<ListingOptions, 'isFolded' | 'isWanted'>): Item {
    const name = entry.name.slice(this.folder.length)
    const key = isFolded ? foldedName(name) : name
    const odd = this.#oddityOf(entry)
    const isPlain = odd === undefined && isWanted(name)
    return isPlain ? { key, name, entry } : { key, name, entry, odd, isExcluded: !isWanted(name) }
  }

  #boundsOf({ after, until }: NameRange = {}): { readonly startAfter?: string; readonly until?: string } {
    return {
      ...(after !== undefined && { startAfter: this.folder + after }),
      ...(until !== undefined && { until: this.folder + until }),
    }
  }

  /**
   * Returns why a file cannot have its name in both places: `a/` represents a folder, and with content it is an object that no folder can
   * be; `a//b` would become `a/b` in most storages.
   */
  #oddityOf({ name, size }: Entry): Item['odd'] {
    if (name.endsWith('/')) return size > 0 ? 'spelling' : 'folder'
    return this.#isSpelled(name) || this.#isVerbatim(name) ? undefined : 'spelling'
  }

  /** Whether the storage does not change a name. */
  #isSpelled(name: string): boolean {
    const { storage } = this
    try {
      return storage.isSpelled(name, storage.keyOf(name))
    } catch {
      return false
    }
  }

  #unordered(last: string, name: string): StorageError {
    const what = last === name ? `has '${name}' twice` : `has '${name}' after '${last}'`
    return new StorageError('unavailable', `The listing of the ${this.title} cannot be relied on: it ${what}.`, {
      operation: 'list',
      fileName: this.folder,
    })
  }
}

/** Returns the items in a range of keys. */
async function* within(items: AsyncIterable<Item>, range: NameRange = {}): AsyncGenerator<Item> {
  const { after, until } = range
  for await (const item of items) {
    if (until !== undefined && compareKeys(item.key, until) >= 0) return
    if (after === undefined || compareKeys(item.key, after) > 0) yield item
  }
}
