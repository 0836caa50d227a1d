import { constants, type Dirent } from 'node:fs'
import { access, opendir, realpath, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { isInside } from '../backends/local/place.ts'
import { isHidden } from '../core/hidden-names.ts'

/** A file of this machine to be stored. */
export interface LocalFile {
  readonly path: string
  /** Relative to the named path, with forward slashes. */
  readonly name: string
  /** Size in bytes that the system reported; 0 also for files of `/proc`, which have more. */
  readonly size: number
  /** Real path of the folder that the file must be in when it is opened; undefined where it may be anywhere. */
  readonly root: string | undefined
}

/**
 * Called for skipped entries. `isFailure` is true for a file that should be stored but could not be; false for a kind that is never stored.
 */
export type Skipped = (path: string, reason: string, isFailure: boolean) => void

/** Options of `localFiles`. */
export interface LocalFilesOptions {
  /** Whether links are followed to any target. Default: only those to files of the same folder. */
  readonly follow?: boolean | undefined
}

/**
 * Returns the files of a path: itself, or everything below a folder in the order of names. The path itself may be a link. Below a folder,
 * these are skipped: links to folders, links that lead out of it, entries that are not regular files, and entries that cannot be read;
 * temporary files of Holdall are left out. A path that is missing, cannot be read, or is neither file nor folder is an error.
 */
export async function* localFiles(
  path: string,
  skipped: Skipped,
  { follow = false }: LocalFilesOptions = {},
): AsyncGenerator<LocalFile> {
  let stats: Awaited<ReturnType<typeof stat>>
  try {
    stats = await stat(path)
    await access(path, constants.R_OK)
  } catch (error) {
    throw new Error(`'${path}' ${isMissing(error) ? 'does not exist' : `cannot be read: ${reasonOf(error)}`}.`)
  }
  if (stats.isFile()) yield { path, name: basename(resolve(path)), size: stats.size, root: undefined }
  else if (stats.isDirectory()) yield* new Walk(skipped, follow ? undefined : await realpath(path)).filesBelow(path)
  else throw new Error(`'${path}' is neither a file nor a folder; 'put -' stores what comes from stdin.`)
}

class Walk {
  readonly #skipped: Skipped
  /** Undefined where every link is followed. */
  readonly #root: string | undefined

  constructor(skipped: Skipped, root: string | undefined) {
    this.#skipped = skipped
    this.#root = root
  }

  /** `above` contains the folders on the way to this one, so that a link back to one of them ends. */
  async *filesBelow(folder: string, prefix = '', above: readonly string[] = []): AsyncGenerator<LocalFile> {
    const entries: Dirent[] = []
    let here = above
    try {
      if (this.#root === undefined) {
        const { dev, ino } = await stat(folder, { bigint: true })
        if (above.includes(`${dev}:${ino}`)) return this.#skipped(folder, 'it leads back to a folder above it', false)
        here = [...above, `${dev}:${ino}`]
      }
      for await (const entry of await opendir(folder)) if (!isHidden(entry.name)) entries.push(entry)
    } catch (error) {
      return this.#skipped(folder, reasonOf(error), true)
    }
    entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const entry of entries) {
      const path = join(folder, entry.name)
      const name = `${prefix}${entry.name}`
      const found = entry.isDirectory() ? 'folder' : await this.#look(path, entry)
      if (found === 'folder') yield* this.filesBelow(path, `${name}/`, here)
      else if (found !== undefined) yield { path, name, size: found.size, root: this.#root }
    }
  }

  /** Returns the kind of an entry that is not a folder itself; undefined if it is skipped. */
  async #look(path: string, entry: Dirent): Promise<'folder' | { readonly size: number } | undefined> {
    try {
      const stats = await stat(path)
      if (stats.isDirectory() && this.#root === undefined) return 'folder'
      if (!stats.isFile()) {
        this.#skipped(path, stats.isDirectory() ? 'links to folders are not followed' : 'it is no file', false)
      } else if (entry.isSymbolicLink() && this.#root !== undefined && !isInside(this.#root, await realpath(path))) {
        this.#skipped(path, LEADS_OUT, true)
      } else {
        await access(path, constants.R_OK)
        return { size: stats.size }
      }
    } catch (error) {
      const isNamed = !isMissing(error) || !entry.name.includes('\ufffd')
      const reason = isNamed ? reasonOf(error) : 'its name is not UTF-8'
      this.#skipped(path, isMissing(error) && entry.isSymbolicLink() ? 'the link leads nowhere' : reason, true)
    }
    return undefined
  }
}

/** Why a link that leads out of the named folder is skipped. */
export const LEADS_OUT: string = 'it leads out of the folder; --follow would store it'

/** Describes why the system rejected an operation. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied'
  return code === 'ENOENT' ? 'it is gone' : message
}

function isMissing(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ENOENT'
}
