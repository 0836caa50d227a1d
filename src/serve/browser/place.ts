import { ImproperlyConfigured, SuspiciousFileOperation } from '../../core/errors.ts'
import { trimTrailingSlashes } from '../../core/names.ts'
import type { AnyStorage } from '../../storage/storage.ts'

/** A storage, or a folder of one; only that folder is shown. */
export interface BrowsedStorage {
  readonly storage: AnyStorage
  /** Folder of the storage; default: the whole storage. */
  readonly path?: string | undefined
}

/** The files under one label. Paths are relative to its folder; names are those of the storage. */
export class Place {
  readonly label: string
  readonly storage: AnyStorage
  readonly isWritable: boolean
  /** Name of the folder with its slash; '' for the whole storage. */
  readonly #root: string

  constructor(label: string, { storage, path = '' }: BrowsedStorage, isWritable: boolean) {
    this.label = label
    this.storage = storage
    this.isWritable = isWritable
    const folder = trimTrailingSlashes(path)
    this.#root = folder === '' ? '' : `${storage.nameOf(storage.ref(folder).key)}/`
  }

  /**
   * Returns the storage's name of a path. A path that leads out of the folder, or that is not written as a listing returns it, is
   * `suspicious_name`.
   */
  nameOf(path: string): string {
    if (path === '') return trimTrailingSlashes(this.#root)
    const name = this.storage.nameOf(this.storage.ref(this.#root + path).key)
    if (name === '' || !name.startsWith(this.#root))
      throw new SuspiciousFileOperation('The path leads out of the folder.')
    return name
  }

  /** Returns the storage's name of a new file in a folder; a name with a slash or a backslash is `suspicious_name`. */
  newName(folder: string, fileName: string): string {
    if (fileName === '' || /[/\\]/.test(fileName)) {
      throw new SuspiciousFileOperation('The name of a file cannot be empty, and cannot contain / or \\.')
    }
    const above = this.nameOf(folder)
    return above === '' ? fileName : `${above}/${fileName}`
  }

  /** Returns the path under which a name is shown. */
  pathOf(name: string): string {
    return name.startsWith(this.#root) ? name.slice(this.#root.length) : name
  }
}

/** Returns the places by their labels. */
export function placesOf(
  storages: Readonly<Record<string, AnyStorage | BrowsedStorage>>,
  writable: boolean | readonly string[],
): ReadonlyMap<string, Place> {
  const labels = Object.keys(storages)
  if (labels.length === 0) throw new ImproperlyConfigured('createStorageBrowser: expected at least one storage.')
  if (typeof writable !== 'boolean') {
    const unknown = writable.find(label => !labels.includes(label))
    if (unknown !== undefined) throw new ImproperlyConfigured(`writable: there is no storage '${unknown}'.`)
  }
  return new Map(
    labels.map(label => {
      const given = storages[label]!
      const browsed = 'storage' in given ? (given as BrowsedStorage) : { storage: given as AnyStorage }
      return [label, new Place(label, browsed, typeof writable === 'boolean' ? writable : writable.includes(label))]
    }),
  )
}
