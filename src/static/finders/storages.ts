import type { CallOptions } from '../../core/call.ts'
import { isStorageError } from '../../core/errors.ts'
import { compareKeys } from '../../core/key-order.ts'
import { checkCallOptions, checkKnownOptions } from '../../core/known-options.ts'
import type { AnyStorage } from '../../storage/storage.ts'
import type { Entry } from '../../storage/types.ts'
import { nameProblem, partsOf } from '../static-name.ts'
import { StoredFile } from '../stored-file.ts'
import type { Finder, FinderOptions, IsIgnored, StaticFile } from '../types.ts'
import { checkedEntry, checkFinderOptions } from './places.ts'

/** Options of `StorageFinder`. */
export interface StorageFinderOptions {
  /** Prefix of the names. Default: none. */
  readonly prefix?: string | undefined
}

/**
 * The files of a storage, such as one that editors upload to. The storage is not closed. Files are listed in the order of names; where the
 * backend has another order, all entries are held in memory. A listing that fails ends the run. (Django `BaseStorageFinder`,
 * `DefaultStorageFinder`)
 */
export class StorageFinder implements Finder {
  readonly #storage: AnyStorage
  /** '' or with a slash. */
  readonly #before: string

  constructor(storage: AnyStorage, options: StorageFinderOptions = {}) {
    checkKnownOptions('StorageFinder', options, { prefix: true })
    const { prefix = '' } = options
    this.#storage = storage
    const [checked] = checkedEntry([prefix, 'storage'], 'StorageFinder', 'a storage')
    this.#before = checked === '' ? '' : `${checked}/`
  }

  get locations(): readonly string[] {
    const storage = this.#storage
    return [storage.supports('path') ? storage.path('') : storage.constructor.name]
  }

  async *files(options: FinderOptions): AsyncGenerator<StaticFile, void, undefined> {
    checkFinderOptions(options)
    const isIgnored = ignoredBelow(options.isIgnored)
    for await (const entry of this.#entries(options)) {
      if (isIgnored(entry.name)) continue
      const problem = entry.name
        .split('/')
        .map(nameProblem)
        .find(each => each !== undefined)
      const file = new StoredFile(this.#before + entry.name, this.#storage, entry)
      if (problem === undefined) yield file
      else options.onSkipped?.(file.origin, problem, true)
    }
  }

  async find(name: string, options: CallOptions = {}): Promise<readonly StaticFile[]> {
    checkCallOptions('find', options)
    const { signal } = options
    if (partsOf(name) === undefined || !name.startsWith(this.#before)) return []
    try {
      const entry = await this.#storage.stat(name.slice(this.#before.length), { signal })
      return entry.isDirectory ? [] : [new StoredFile(name, this.#storage, entry)]
    } catch (error) {
      // A name that the backend cannot hold counts as missing.
      if (isStorageError(error, 'not_found', 'suspicious_name')) return []
      throw error
    }
  }

  async *#entries({ signal }: CallOptions): AsyncGenerator<Entry, void, undefined> {
    const listing = this.#storage.entries('', { recursive: true, signal })
    if (this.#storage.supports('listRange')) return yield* listing
    const entries: Entry[] = []
    for await (const entry of listing) entries.push(entry)
    yield* entries.sort((a, b) => compareKeys(a.name, b.name))
  }
}

/** Whether a file or one of its folders is ignored. The files of a folder come one after the other, so the last folder is remembered. */
function ignoredBelow(isIgnored: IsIgnored): IsIgnored {
  let last = { folder: '', isIgnored: false }
  return path => {
    const folder = path.slice(0, path.lastIndexOf('/') + 1)
    if (folder !== last.folder) last = { folder, isIgnored: isFolderIgnored(folder, isIgnored) }
    return last.isIgnored || isIgnored(path)
  }
}

function isFolderIgnored(folder: string, isIgnored: IsIgnored): boolean {
  for (let at = folder.indexOf('/'); at >= 0; at = folder.indexOf('/', at + 1)) {
    if (isIgnored(folder.slice(0, at))) return true
  }
  return false
}
