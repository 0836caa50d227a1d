import { realpath, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { errnoOf } from '../../core/errno.ts'
import { StorageError, SuspiciousFileOperation } from '../../core/errors.ts'
import { keyComponents, refused } from '../../core/key-components.ts'
import { Anchor } from './anchor.ts'
import { explain } from './explain.ts'
import { FolderMaker, inTheWay } from './folder-maker.ts'
import { isInside, type Place, placed, withoutSlash } from './place.ts'

/** Bytes of a whole path that the system takes (PATH_MAX). */
const MAX_PATH_BYTES = process.platform === 'linux' ? 4095 : process.platform === 'win32' ? 32_000 : 1023

/** How a place is looked for. */
export interface Finding {
  /** The location, held for several places of one call. Default: the location is looked up anew. */
  readonly at?: Anchor | undefined
  /** Whether the work takes no longer than a few calls of the system: then a location that is no link is not held. */
  readonly brief?: boolean | undefined
}

/** A folder, to be released, and the real path of the location that it was found in: undefined where that is looked up anew at each step. */
export interface Located {
  readonly folder: Anchor
  readonly root: string | undefined
}

/** How long the real path of the location is believed, in milliseconds; it is read anew whenever a folder does not lie below it. */
const REAL_MS = 1000

/**
 * The folder that holds all files. Every place that leaves this class has a folder that lies inside it, links resolved. The location may be a
 * link that is turned to another folder: each place is found in one look-up from the location, so it lies in the old folder or in the new one. A
 * call with two places holds the location and finds both from there.
 */
export class Root {
  /** Absolute, links not resolved. */
  readonly path: string
  readonly #maker: FolderMaker
  readonly #sync: boolean
  #real: { readonly path: string; readonly until: number } | undefined

  constructor(location: string, folderMode: number | null, sync: boolean) {
    this.path = resolve(location)
    this.#maker = new FolderMaker(folderMode, sync)
    this.#sync = sync
  }

  /** Where a key would be, without looking at the disk; a folder's may end in '/'. */
  lexical(key: string): string {
    return join(this.path, ...keyComponents(withoutSlash(key)))
  }

  /** Whether the path of a key is no longer than the system takes. */
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

  /** Runs work at the place of a key. A missing folder throws the system's ENOENT; one outside of the root is a `suspicious_name`. */
  within<T>(key: string, work: (place: Place) => Promise<T>, how: Finding = {}): Promise<T> {
    return this.found(async () => working(await this.place(key, how), work))
  }

  /** The same for work that looks at the place only, step by step afresh: nothing is opened for a file in the location itself. */
  looking<T>(key: string, work: (place: Place) => Promise<T>): Promise<T> {
    const { folders, base } = this.#split(key)
    if (folders.length > 0) return this.within(key, work)
    return this.found(() => working(placed(Anchor.lexical(this.path), base), work))
  }

  /** The same as `within`, after making the missing folders. A file in the way is `not_a_directory`. */
  withinMade<T>(key: string, work: (place: Place) => Promise<T>, how: Finding = {}): Promise<T> {
    return this.found(async () => working(await this.placeMade(key, how), work))
  }

  /** Runs work below the location, which is `not_a_directory` if it is no folder, whatever was looked for. */
  async found<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (errnoOf(error) === 'ENOTDIR' && (await isOther(this.path))) throw inTheWay(this.path)
      throw this.explained(error)
    }
  }

  /** The place of a key, to be released by the caller. */
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

  /** The folder of a prefix ('' or ending in '/'), to be released. */
  async folder(prefix: string): Promise<Located> {
    const components = keyComponents(withoutSlash(prefix))
    const located = await this.found(() => this.#folder(components))
    if (components.length > 0) return located
    // Who could swap the location could swap everything: its real path will do, and is quicker for each of many files.
    const { real } = located.folder
    located.folder.release()
    return { folder: Anchor.lexical(real), root: real }
  }

  /** What a link leads to, to be released; outside of the root it is a `suspicious_name`. */
  async follow(link: Place): Promise<Anchor> {
    const target = await Anchor.at(link.path)
    if (link.root !== undefined) return this.#confined(target, link.root)
    if ((await this.#rootAround(target)) !== undefined) return target
    target.release()
    return this.held(async at => this.#confined(await Anchor.at(join(at.path, link.base)), at.real))
  }

  /** The same error without paths of the storage's own, where its place is not known. */
  explained(error: unknown): unknown {
    return explain(error, { anchor: Anchor.lexical(this.path), base: '' })
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

  /** Says which folder of a key is a file: to be thrown where writing failed with ENOTDIR. */
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

  /** The location may lead anywhere; below it no link may lead outside. */
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
    // The location may have been turned since: only a look-up from the held one shows whether it lies in there.
    return this.held(now => this.#folder(components, { at: now }, sync))
  }

  /** The same anchor if it lies in `root`; else it is released, and this throws. */
  async #confined(anchor: Anchor, root: string): Promise<Anchor> {
    const { real } = anchor
    if (isInside(root, real)) return anchor
    anchor.release()
    throw new SuspiciousFileOperation(
      `The path (${real}) is located outside of the base path component (${this.path}) because of a symbolic link.`,
    )
  }

  /** Where the location leads or led a moment ago, if the anchor lies in there; an error releases it. */
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

/** Whether there is something, and no folder. */
async function isOther(path: string): Promise<boolean> {
  return stat(path).then(
    found => !found.isDirectory(),
    () => false,
  )
}
