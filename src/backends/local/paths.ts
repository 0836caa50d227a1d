import { chmod, lstat, mkdir, realpath, stat } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { errnoOf } from '../../core/errno.ts'
import { StorageError, SuspiciousFileOperation } from '../../core/errors.ts'
import { Anchor } from './anchor.ts'
import { syncFolder } from './atomic-write.ts'
import { keyComponents, refused } from './key-components.ts'

/** Bytes of a whole path that the system takes (PATH_MAX). */
const MAX_PATH_BYTES = process.platform === 'linux' ? 4095 : process.platform === 'win32' ? 32_000 : 1023

/** How often a folder is made that somebody takes away again at once. */
const MAX_TRIES = 5

/** A file's place: its folder, held open where the system can, and its name in there. To be released. */
export interface Place {
  /** Path of the folder for calls of the system. */
  readonly folder: string
  readonly base: string
  /** `folder` and `base` joined. */
  readonly path: string
  readonly anchor: Anchor
}

/** The folder that holds all files. Every place that leaves this class has a folder that lies inside it, links resolved. */
export class Root {
  /** Absolute, links not resolved. */
  readonly path: string
  readonly #folderMode: number | null
  readonly #sync: boolean
  #real: string | undefined

  constructor(location: string, folderMode: number | null, sync: boolean) {
    this.path = resolve(location)
    this.#folderMode = folderMode
    this.#sync = sync
  }

  /** Where a key would be, without looking at the disk; a folder's may end in '/'. */
  lexical(key: string): string {
    return join(this.path, ...keyComponents(withoutSlash(key)))
  }

  /** Runs work at the place of a key. A missing folder throws the system's ENOENT; one outside of the root is a `suspicious_name`. */
  async within<T>(key: string, work: (place: Place) => Promise<T>): Promise<T> {
    return working(await this.place(key), work)
  }

  /** The same, after making the missing folders. A file in the way is `not_a_directory`. */
  async withinMade<T>(key: string, work: (place: Place) => Promise<T>): Promise<T> {
    return working(await this.placeMade(key), work)
  }

  /** The place of a key, to be released by whoever asked for it. */
  async place(key: string): Promise<Place> {
    const { folders, base } = this.#split(key)
    return placed(await this.#folder(folders), base)
  }

  /** The same, after making the missing folders. */
  async placeMade(key: string): Promise<Place> {
    const { folders, base } = this.#split(key)
    try {
      return placed(await this.#folder(folders), base)
    } catch (error) {
      const errno = errnoOf(error)
      if (errno !== 'ENOENT' && errno !== 'ENOTDIR') throw error
      return placed(await this.makeFolders(folders), base)
    }
  }

  /** The folder of a prefix ('' or ending in '/'), to be released. */
  folder(prefix: string): Promise<Anchor> {
    return this.#folder(keyComponents(withoutSlash(prefix)))
  }

  /** What a link leads to, to be released; outside of the root it is a `suspicious_name`. */
  async follow(path: string): Promise<Anchor> {
    return this.#confined(await Anchor.at(path))
  }

  /** Whether the folder of a key is not there any more; the root is looked for anew. */
  async isGone(key: string): Promise<boolean> {
    this.#real = undefined
    try {
      await this.within(key, place => stat(place.folder))
      return false
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return true
      throw error
    }
  }

  /** Makes the root and the folders below it, each new one with exactly the folder mode, whatever the umask is; gives the last. */
  async makeFolders(components: readonly string[]): Promise<Anchor> {
    await this.#makeTree(this.path)
    let folder = new Anchor(await this.#realRoot())
    for (const component of components) {
      const parent = folder
      try {
        const path = join(parent.path, component)
        const isNew = await this.#makeOne(path, join(parent.real, component))
        folder = await this.#confined(await Anchor.at(path, { folder: true }))
        if (isNew) await this.#finish(folder.path, parent.path)
      } catch (error) {
        if (folder !== parent) folder.release()
        throw parent.explain(error)
      } finally {
        parent.release()
      }
    }
    return folder
  }

  /** Says which folder of a key is a file: to be thrown where writing failed with ENOTDIR. */
  async notAFolder(key: string, fallback: unknown): Promise<unknown> {
    let path = this.path
    for (const component of ['', ...keyComponents(key).slice(0, -1)]) {
      path = join(path, component)
      const found = await stat(path).catch(() => undefined)
      if (found !== undefined && !found.isDirectory()) return inTheWay(path)
    }
    return fallback
  }

  #split(key: string): { folders: readonly string[]; base: string } {
    const components = keyComponents(key)
    const base = components.at(-1)
    if (base === undefined) throw new StorageError('invalid_argument', 'The name must be given.')
    const long = (this.path.length + key.length + 1) * 3 > MAX_PATH_BYTES
    if (long && Buffer.byteLength(this.path) + Buffer.byteLength(key) + 1 > MAX_PATH_BYTES) {
      throw refused(key, `its path is longer than ${MAX_PATH_BYTES} bytes`)
    }
    return { folders: components.slice(0, -1), base }
  }

  /** The root is its owner's affair; below it nobody may lead a path outside. */
  async #folder(components: readonly string[]): Promise<Anchor> {
    if (components.length === 0) return new Anchor(await this.#realRoot())
    return this.#confined(await Anchor.at(join(this.path, ...components), { folder: true }))
  }

  async #confined(anchor: Anchor): Promise<Anchor> {
    try {
      if (inside(await this.#realRoot(), anchor.real)) return anchor
      this.#real = undefined
      if (inside(await this.#realRoot(), anchor.real)) return anchor
      throw new SuspiciousFileOperation(
        `The path (${anchor.real}) is located outside of the base path component (${this.path}) because of a symbolic link.`,
      )
    } catch (error) {
      anchor.release()
      throw error
    }
  }

  async #realRoot(): Promise<string> {
    this.#real ??= await realpath(this.path)
    return this.#real
  }

  async #makeTree(path: string): Promise<void> {
    try {
      if (await this.#makeOne(path, path)) await this.#finish(path, dirname(path))
    } catch (error) {
      if (errnoOf(error) === 'ENOTDIR') throw inTheWay(dirname(path))
      if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error
      await this.#makeTree(dirname(path))
      if (await this.#makeOne(path, path)) await this.#finish(path, dirname(path))
    }
  }

  /** Whether the folder is new. */
  async #makeOne(path: string, shown: string): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        // The umask can only take bits away here; `#finish` gives them back.
        await mkdir(path, this.#folderMode === null ? 0o777 : this.#folderMode & 0o777)
        return true
      } catch (error) {
        // A root like C:\ or a read-only mount answers something else than EEXIST for a folder that is there.
        if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') throw error
        const found = await stat(path).catch(() => undefined)
        if (found?.isDirectory()) return false
        if (found !== undefined || (await isLink(path))) throw inTheWay(shown)
        // It was there and was taken away meanwhile.
        if (errnoOf(error) !== 'EEXIST' || attempt === MAX_TRIES) throw error
      }
    }
  }

  async #finish(folder: string, parent: string): Promise<void> {
    if (this.#folderMode !== null) await chmod(folder, this.#folderMode)
    if (this.#sync) await syncFolder(parent)
  }
}

/** A folder's key without its slash. */
export function withoutSlash(key: string): string {
  return key.endsWith('/') ? key.slice(0, -1) : key
}

/** Another name in the folder of an anchor. */
export function placed(anchor: Anchor, base: string): Place {
  return { folder: anchor.path, base, path: join(anchor.path, base), anchor }
}

async function working<T>(place: Place, work: (place: Place) => Promise<T>): Promise<T> {
  try {
    return await work(place)
  } catch (error) {
    throw place.anchor.explain(error)
  } finally {
    place.anchor.release()
  }
}

async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    found => found.isSymbolicLink(),
    () => false,
  )
}

function inTheWay(path: string): StorageError {
  return new StorageError('not_a_directory', `${path} exists and is not a directory.`)
}

function inside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)
}
