import { lstat, opendir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isAlive } from '../backends/local/hidden.ts'
import { LocalStorage } from '../backends/local/index.ts'
import { streamContent } from '../core/content.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { ownerOf } from '../core/hidden-names.ts'
import { writeContent } from '../storage/write.ts'

/** A storage in which a name is the path itself: an invalid name is rejected, not changed. */
class ExactStorage extends LocalStorage {
  override keyOf(name: string): string {
    return name
  }
}

/** Options of writing a file. */
export interface WriteLocalOptions {
  readonly overwrite: boolean
  readonly signal: AbortSignal
}

/**
 * A folder of this machine into which files are written, each completely or not at all, by a hidden temporary file beside it. No file is
 * written outside of the folder: names that lead out, and folders in it that are links to the outside, are `suspicious_name`. A link in
 * place of a file is replaced, never written through.
 */
export class LocalFolder {
  readonly #storage: ExactStorage
  /** Folders from which the leftovers of killed processes were removed. */
  readonly #clear = new Set<string>()

  /** `mode` is the mode of the files; null is 0o666 without the umask. */
  constructor(path: string, mode: number | null = null) {
    const options = { location: path, filePermissionsMode: mode, fsync: false }
    this.#storage = new ExactStorage(options, { settings: {}, env: {} })
  }

  /** Returns the path of a name; a name that leads out of the folder is `suspicious_name`. */
  pathOf(name: string): string {
    return this.#storage.path(cleaned(name))
  }

  /** Throws `exists` for an existing entry at a path, unless it is a file that may be replaced. */
  refuse(path: string, isDirectory: boolean, overwrite: boolean): void {
    if (isDirectory || !overwrite) throw taken(path, overwrite)
  }

  /** Writes a file and returns its path. An existing file is `exists` unless `overwrite`, a folder always. */
  async write(name: string, body: () => AsyncIterable<Uint8Array>, options: WriteLocalOptions): Promise<string> {
    const { overwrite, signal } = options
    const key = cleaned(name)
    const path = this.pathOf(name)
    const isTaken = overwrite ? isFolder : isThere
    if (await isTaken(path)) throw taken(path, overwrite)
    try {
      const content = streamContent(this.#cleared(dirname(path), body))
      await writeContent(this.#storage, this.#storage.fileRef(key), content, { ifAbsent: !overwrite }, { signal })
    } catch (error) {
      throw isStorageError(error, 'exists') ? taken(path, overwrite, error) : error
    }
    return path
  }

  /**
   * Returns the bytes of a file for a folder, and first removes leftovers there: its own temporary file exists then, so that the folder is
   * the right one.
   */
  async *#cleared(folder: string, body: () => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    if (!this.#clear.has(folder)) {
      this.#clear.add(folder)
      await removeLeftovers(folder)
    }
    yield* body()
  }
}

/** Removes the temporary files of processes that were killed. A file that cannot be removed stays: that does not affect the result. */
async function removeLeftovers(folder: string): Promise<void> {
  try {
    for await (const { name } of await opendir(folder)) {
      const owner = ownerOf(name)
      if (owner !== undefined && !isAlive(owner)) await removeOwn(join(folder, name)).catch(() => undefined)
    }
  } catch {
    // The folder cannot be listed.
  }
}

async function removeOwn(path: string): Promise<void> {
  const stats = await lstat(path)
  if (stats.isFile() && stats.uid === (process.geteuid?.() ?? stats.uid)) await unlink(path)
}

/** Returns a name without empty parts, which local paths do not have. */
function cleaned(name: string): string {
  return name.split('/').filter(Boolean).join('/')
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

function isFolder(path: string): Promise<boolean> {
  return lstat(path).then(
    stats => stats.isDirectory(),
    () => false,
  )
}

function taken(path: string, overwrite: boolean, cause?: unknown): StorageError {
  const reason = overwrite ? 'is a folder' : 'exists; use --overwrite to replace it'
  return new StorageError('exists', `The file '${path}' ${reason}.`, { fileName: path, cause })
}
