import { realpath, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { errnoOf } from '../../core/errno.ts'
import { StorageError, SuspiciousFileOperation } from '../../core/errors.ts'
import { keyComponents, refused } from '../../core/key-components.ts'
import { Anchor } from './anchor.ts'
import { explain } from './explain.ts'
import { FolderMaker, inTheWay } from './folder-maker.ts'
import { isInside, type Place, placed, withoutSlash } from './place.ts'

/** Maximum length in bytes of a whole path in the system (PATH_MAX). */
const MAX_PATH_BYTES = process.platform === 'linux' ? 4095 : process.platform === 'win32' ? 32_000 : 1023

/** How a place is found. */
export interface Finding {
  /** The location, held for several places of one call. Default: the location is looked up again. */
  readonly at?: Anchor | undefined
  /** Whether the work takes no longer than a few system calls: a location that is not a link is then not held. */
  readonly brief?: boolean | undefined
}

/**
 * A folder, which the caller must release, and the real path of its location: undefined if the location is looked up again at each step.
 */
export interface Located {
  readonly folder: Anchor
  readonly root: string | undefined
}

/** How long the real path of the location is cached, in milliseconds. It is read again as soon as a folder is not below it. */
const REAL_MS = 1000

/**
 * The folder that holds all files. The folder of every returned place is inside it, with links resolved. The location may be a link that is
 * switched to another folder: each place is found with one look-up from the location, so it is in the old folder or in the new one. A call
 * with two places holds the location and finds both from there.
 */
export class Root {
  /** Absolute, with links not resolved. */
  readonly path: string
  readonly #maker: FolderMaker
  readonly #sync: boolean
  #real: { readonly path: string; readonly until: number } | undefined

  constructor(location: string, folderMode: number | null, sync: boolean) {
    this.path = resolve(location)
    this.#maker = new FolderMaker(folderMode, sync)
    this.#sync = sync
  }

  /** The path of a key, without I/O; a folder's path may end in '/'. */
  lexical(key: string): string {
    return join(this.path, ...keyComponents(withoutSlash(key)))
  }

  /** Whether the path of a key is short enough for the system. */
  canHold(key: string): boolean {
    if ((this.path.length + key.length + 1) * 3 <= MAX_PATH_BYTES) return true
    return Buffer.byteLength(this.path) + Buffer.byteLength(key) + 1 <= MAX_PATH_BYTES
  }

  /** Holds the folder that the location leads to now while `work` runs. */
  async held<T>(work: (at: Anchor) => Promise<T>): Promise<T> {
    const { folder } = await this.found(() => this.#folder([]))
    try {
      return await work(folder)
    } finally {
      folder.release()
    }
  }

  /** Runs work at the place of a key. A missing folder throws the system's ENOENT; a folder outside the root is a `suspicious_name`. */
  within<T>(key: string, work: (place: Place) => Promise<T>, how: Finding = {}): Promise<T> {
    return this.found(async () => working(await this.place(key, how), work))
  }

  /** The same for work that only looks at the place, with a new look-up at each step. A file in the location itself needs no handle. */
  looking<T>(key: string, work: (place: Place) => Promise<T>): Promise<T> {
    const { folders, base } = this.#split(key)
    if (folders.length > 0) return this.within(key, work)
    return this.found(() => working(placed(Anchor.lexical(this.path), base), work))
  }

  /** The same as `within`, after making the missing folders. A file in their place is `not_a_directory`. */
  withinMade<T>(key: string, work: (place: Place) => Promise<T>, how: Finding = {}): Promise<T> {
    return this.found(async () => working(await this.placeMade(key, how), work))
  }

  /** Runs work below the location. Code `not_a_directory` if the location is not a folder. */
  async found<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (errnoOf(error) === 'ENOTDIR' && (await isOther(this.path))) throw inTheWay(this.path)
      throw this.explained(error)
    }
  }

  /** The place of a key; the caller must release it. */
  async place(key: string, how: Finding = {}): Promise<Place> {
    const { folders, base } = this.#split(key)
    const { folder, root } = await this.#folder(folders, how)
    return placed(folder, base, root)
  }

  /** The same, after making the missing folders. */
  async placeMade(key: string, how: Finding = {}): Promise<Place> {
    const { folders, base } = this.#split(key)
    try {
      const { folder, root } = await this.#folder(folders, how, this.#sync)
      return placed(folder, base, root)
    } catch (error) {
      const errno = errnoOf(error)
      if (errno !== 'ENOENT' && errno !== 'ENOTDIR') throw error
      const { folder, root } = await this.makeFolders(folders, how.at)
      return placed(folder, base, root)
    }
  }

  /** The folder of a prefix ('' or ending in '/'); the caller must release it. */
  async folder(prefix: string): Promise<Located> {
    const components = keyComponents(withoutSlash(prefix))
    const located = await this.found(() => this.#folder(components))
    if (components.length > 0) return located
    // A process that can swap the location can swap everything, so the real path is enough. It is faster for many files.
    const { real } = located.folder
    located.folder.release()
    return { folder: Anchor.lexical(real), root: real }
  }

  /** The target of a link; the caller must release it. A target outside the root is a `suspicious_name`. */
  async follow(link: Place): Promise<Anchor> {
    const target = await Anchor.at(link.path)
    if (link.root !== undefined) return this.#confined(target, link.root)
    if ((await this.#rootAround(target)) !== undefined) return target
    target.release()
    return this.held(async at => this.#confined(await Anchor.at(join(at.path, link.base)), at.real))
  }

  /** The same error without internal paths of the storage, if its place is unknown. */
  explained(error: unknown): unknown {
    return explain(error, { anchor: Anchor.lexical(this.path), base: '' })
  }

  /** Whether the folder of a key no longer exists; the root is looked up again. */
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

  /** Makes the root and the folders below it, and returns the last one. */
  async makeFolders(components: readonly string[], at?: Anchor): Promise<Located> {
    if (at === undefined) await this.#maker.makeTree(this.path)
    let { folder } = await this.#folder([], { at }, this.#sync)
    const root = folder.real
    for (const component of components) {
      const parent = folder
      try {
        folder = await this.#confined(await this.#maker.makeIn(parent, component), root)
      } finally {
        parent.release()
      }
    }
    return { folder, root }
  }

  /** The error that names the folder of a key that is a file. To be thrown if writing failed with ENOTDIR. */
  async notAFolder(key: string, fallback: unknown): Promise<unknown> {
    let path = this.path
    for (const component of ['', ...keyComponents(key).slice(0, -1)]) {
      path = join(path, component)
      if (await isOther(path)) return inTheWay(path)
    }
    return fallback
  }

  #split(key: string): { folders: readonly string[]; base: string } {
    const components = keyComponents(key)
    const base = components.at(-1)
    if (base === undefined) throw new StorageError('invalid_argument', 'The name must be given.')
    if (!this.canHold(key)) throw refused(key, `its path is longer than ${MAX_PATH_BYTES} bytes`)
    return { folders: components.slice(0, -1), base }
  }

  /** The location may lead anywhere; below it, no link may lead outside. */
  async #folder(components: readonly string[], { at, brief }: Finding = {}, sync = false): Promise<Located> {
    const options = { folder: true, sync }
    if (components.length === 0) {
      if (at !== undefined) return { folder: at.borrowed(), root: at.real }
      const isPlain = brief === true && !sync && (await this.#isPlain())
      if (isPlain) return { folder: Anchor.lexical(this.path), root: undefined }
      const folder = await Anchor.at(this.path, options)
      return { folder, root: folder.real }
    }
    const folder = await Anchor.at(join(at?.path ?? this.path, ...components), options)
    if (at !== undefined) return { folder: await this.#confined(folder, at.real), root: at.real }
    const root = await this.#rootAround(folder)
    if (root !== undefined) return { folder, root }
    folder.release()
    // The location may have been switched meanwhile: only a look-up from the held one shows whether the folder is inside.
    return this.held(now => this.#folder(components, { at: now }, sync))
  }

  /** Returns the anchor if it is in `root`; otherwise releases it and throws. */
  async #confined(anchor: Anchor, root: string): Promise<Anchor> {
    const { real } = anchor
    if (isInside(root, real)) return anchor
    anchor.release()
    throw new SuspiciousFileOperation(
      `The path (${real}) is located outside of the base path component (${this.path}) because of a symbolic link.`,
    )
  }

  /** The real path of the location, now or a moment ago, if the anchor is inside it. Releases the anchor on errors. */
  async #rootAround(anchor: Anchor): Promise<string | undefined> {
    try {
      const believed = await this.#realRoot()
      if (isInside(believed, anchor.real)) return believed
      this.#real = undefined
      const now = await this.#realRoot()
      return isInside(now, anchor.real) ? now : undefined
    } catch (error) {
      anchor.release()
      throw error
    }
  }

  /** Whether neither the location nor a folder above it is a link. */
  async #isPlain(): Promise<boolean> {
    return (await this.#realRoot().catch(() => undefined)) === this.path
  }

  async #realRoot(): Promise<string> {
    const now = performance.now()
    if (this.#real === undefined || this.#real.until < now) {
      this.#real = { path: await realpath(this.path), until: now + REAL_MS }
    }
    return this.#real.path
  }
}

async function working<T>(place: Place, work: (place: Place) => Promise<T>): Promise<T> {
  try {
    return await work(place)
  } catch (error) {
    throw explain(error, place)
  } finally {
    place.anchor.release()
  }
}

/** Whether the path exists and is not a folder. */
async function isOther(path: string): Promise<boolean> {
  return stat(path).then(
    found => !found.isDirectory(),
    () => false,
  )
}
