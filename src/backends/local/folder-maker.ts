import { chmod, lstat, mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errnoOf } from '../../core/errno.ts'
import { StorageError } from '../../core/errors.ts'
import { Anchor } from './anchor.ts'
import { explain } from './explain.ts'
import { syncFolder } from './sync-folder.ts'

/** Maximum number of attempts to make a folder that is removed at once. */
const MAX_TRIES = 5

/** Makes folders. Each new one gets exactly the given mode, independent of the umask. */
export class FolderMaker {
  readonly #mode: number | null
  readonly #sync: boolean

  constructor(mode: number | null, sync: boolean) {
    this.#mode = mode
    this.#sync = sync
  }

  /** Makes a folder and its parents. A file in their place is `not_a_directory`. */
  async makeTree(path: string): Promise<void> {
    try {
      if (await this.#makeOne(path, path)) await this.#finish(path, dirname(path))
    } catch (error) {
      if (errnoOf(error) === 'ENOTDIR') throw inTheWay(dirname(path))
      if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error
      await this.makeTree(dirname(path))
      if (await this.#makeOne(path, path)) await this.#finish(path, dirname(path))
    }
  }

  /** The folder with this name in another one; it is made if missing. A link that takes its place is not followed. */
  async makeIn(parent: Anchor, name: string): Promise<Anchor> {
    const path = join(parent.path, name)
    let made: Anchor | undefined
    try {
      const isNew = await this.#makeOne(path, join(parent.real, name))
      made = await Anchor.at(path, { folder: true, follow: !isNew, sync: this.#sync })
      if (isNew) await this.#finish(made.path, parent.path)
      return made
    } catch (error) {
      made?.release()
      throw explain(error, { anchor: parent, base: name })
    }
  }

  /** Whether the folder is new. */
  async #makeOne(path: string, shown: string): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        // The umask can only remove bits here; `#finish` restores them.
        await mkdir(path, this.#mode === null ? 0o777 : this.#mode & 0o777)
        return true
      } catch (error) {
        // For an existing folder, a root like C:\ or a read-only mount returns another error than EEXIST.
        if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') throw error
        const found = await stat(path).catch(() => undefined)
        if (found?.isDirectory()) return false
        if (found !== undefined || (await isLink(path))) throw inTheWay(shown)
        // It existed and was removed meanwhile.
        if (errnoOf(error) !== 'EEXIST' || attempt === MAX_TRIES) throw error
      }
    }
  }

  async #finish(folder: string, parent: string): Promise<void> {
    if (this.#mode !== null) await chmod(folder, this.#mode)
    if (this.#sync) await syncFolder(parent)
  }
}

/** The error of a path that should be a folder. */
export function inTheWay(path: string): StorageError {
  return new StorageError('not_a_directory', `${path} exists and is not a directory.`)
}

async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    found => found.isSymbolicLink(),
    () => false,
  )
}
