import { randomUUID } from 'node:crypto'
import { type Dirent, readdirSync } from 'node:fs'
import { lstat, mkdir, readlink, realpath, rename, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { StorageError } from '../core/errors.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { StaticFile } from './types.ts'

/** Makes links to sources instead of copies, in a target on local disk. */
export class Linker {
  readonly #storage: AnyStorage

  /** `invalid_argument` for a target that is not on local disk, and for sources that are not files of this machine. */
  constructor(storage: AnyStorage) {
    if (!storage.supports('path')) throw new StorageError('invalid_argument', "Can't symlink to a remote destination.")
    this.#storage = storage
  }

  /** Whether the link to a source already exists. */
  async holds(file: StaticFile): Promise<boolean> {
    try {
      return (await readlink(this.#storage.path(file.name))) === sourcePath(file)
    } catch {
      return false
    }
  }

  /** Replaces a file by a link atomically: there is no moment without either. */
  async link(file: StaticFile): Promise<void> {
    const path = this.#storage.path(file.name)
    const source = sourcePath(file)
    await mkdir(dirname(path), { recursive: true })
    // A folder of the target may itself be a link to the folder of the source.
    if ((await placeOf(path)) === (await placeOf(source))) {
      const text = `'${path}' is the source itself, by a link to its folder: remove that link from the target.`
      throw new StorageError('invalid_argument', text, { fileName: file.name })
    }
    if ((await lstat(path).catch(() => undefined))?.isDirectory()) {
      throw new StorageError('is_directory', `'${file.name}' is a folder.`, { fileName: file.name })
    }
    const temporary = join(dirname(path), `.holdall-link-${randomUUID()}`)
    await symlink(source, temporary)
    try {
      await rename(temporary, path)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }
}

/** Returns the names of the links below a folder of this machine, which a storage does not list; none where the folder does not exist. */
export function* linksBelow(folder: string): Generator<string> {
  const folders = ['']
  for (let below = folders.pop(); below !== undefined; below = folders.pop()) {
    for (const entry of entriesOf(join(folder, below))) {
      const name = `${below}${entry.name}`
      if (entry.isDirectory()) folders.push(`${name}/`)
      else if (entry.isSymbolicLink()) yield name
    }
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Returns the location of a name, with all links in its folder resolved. */
async function placeOf(path: string): Promise<string> {
  return join(await realpath(dirname(path)), basename(path))
}

function sourcePath({ path, origin, name }: StaticFile): string {
  if (path !== undefined) return path
  throw new StorageError('invalid_argument', `'${origin}' is in a storage: a link needs a file of this machine.`, {
    fileName: name,
  })
}
