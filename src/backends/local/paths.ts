import { chmod, mkdir, realpath, stat } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { StorageError, SuspiciousFileOperation } from '../../core/errors.ts'
import { syncFolder } from './atomic-write.ts'
import { errnoOf } from './errno.ts'
import { isHidden } from './hidden.ts'

/** Bytes of one component that every usual file system holds (NAME_MAX). */
export const MAX_COMPONENT_BYTES: number = 255

const WINDOWS_DEVICE =
  /^(con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]|conin\$|conout\$)(\..*)?$/i
const WINDOWS_BAD = /[<>:"|?*\\\u0000-\u001f]|[. ]$/

/** The components of a key ('' has none). A key that the file system cannot hold, or that is not clean, is a `suspicious_name`. */
export function keyComponents(key: string, platform: string = process.platform): readonly string[] {
  if (key === '') return []
  if (key.includes('\0')) throw refused(key, 'it contains a NUL character')
  if (/\p{Surrogate}/u.test(key)) throw refused(key, 'it contains half a surrogate pair, which has no UTF-8 form')
  const components = key.split('/')
  for (const component of components) {
    if (component === '' || component === '.' || component === '..')
      throw refused(key, 'it is not a clean relative path')
    if (component.length > 85 && Buffer.byteLength(component) > MAX_COMPONENT_BYTES) {
      throw refused(key, `a component is longer than ${MAX_COMPONENT_BYTES} bytes`)
    }
    if (isHidden(component))
      throw refused(key, "it is a name that the storage keeps for its own files ('.holdall-...')")
    if (platform === 'win32' && (WINDOWS_BAD.test(component) || WINDOWS_DEVICE.test(component))) {
      throw refused(key, 'Windows does not allow it')
    }
  }
  return components
}

function refused(key: string, reason: string): SuspiciousFileOperation {
  const shown = JSON.stringify(key.length > 80 ? `${key.slice(0, 77)}...` : key)
  return new SuspiciousFileOperation(`The name ${shown} cannot be used: ${reason}.`)
}

/** A file's place: its folder with every link resolved, and its name in there. */
export interface Place {
  readonly folder: string
  readonly base: string
  /** `folder` and `base` joined. */
  readonly path: string
}

/** The folder that holds all files. Every path that leaves this class has a folder that lies inside it, links resolved. */
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

  /** Where a key would be, without looking at the disk. */
  lexical(key: string): string {
    return join(this.path, ...keyComponents(key))
  }

  /** The place of a key. A missing folder throws the system's ENOENT; a folder outside of the root is a `suspicious_name`. */
  async place(key: string): Promise<Place> {
    const components = keyComponents(key)
    const base = components.at(-1)
    if (base === undefined) throw new StorageError('invalid_argument', 'The name must be given.')
    const folder =
      components.length === 1 ? await this.#realRoot() : await this.confine(join(this.path, ...components.slice(0, -1)))
    return { folder, base, path: join(folder, base) }
  }

  /** The same, after making the missing folders. A file in the way is `not_a_directory`. */
  async placeForWriting(key: string): Promise<Place> {
    try {
      return await this.place(key)
    } catch (error) {
      const errno = errnoOf(error)
      if (errno !== 'ENOENT' && errno !== 'ENOTDIR') throw error
      await this.makeFolders(keyComponents(key).slice(0, -1))
      return await this.place(key)
    }
  }

  /** Resolves every link of an existing path; a result outside of the root is a `suspicious_name`. */
  async confine(path: string): Promise<string> {
    const real = await realpath(path)
    if (inside(await this.#realRoot(), real)) return real
    this.#real = undefined
    if (inside(await this.#realRoot(), real)) return real
    throw new SuspiciousFileOperation(
      `The path (${path}) is located outside of the base path component (${this.path}) because of a symbolic link.`,
    )
  }

  /** Makes the root and the folders below it; each new one gets exactly the folder mode, whatever the umask is. */
  async makeFolders(components: readonly string[]): Promise<void> {
    await this.#makeTree(this.path)
    let folder = await this.#realRoot()
    for (const component of components) {
      const path = join(folder, component)
      await this.#makeOne(path)
      folder = await this.confine(path)
    }
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

  async #realRoot(): Promise<string> {
    this.#real ??= await realpath(this.path)
    return this.#real
  }

  async #makeTree(path: string): Promise<void> {
    try {
      await this.#makeOne(path)
    } catch (error) {
      if (errnoOf(error) === 'ENOTDIR') throw inTheWay(dirname(path))
      if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error
      await this.#makeTree(dirname(path))
      await this.#makeOne(path)
    }
  }

  async #makeOne(path: string): Promise<void> {
    try {
      await mkdir(path)
    } catch (error) {
      // A root like C:\ or a read-only mount answers something else than EEXIST for a folder that is there.
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') throw error
      const found = await stat(path).catch(() => undefined)
      if (found === undefined) throw error
      if (!found.isDirectory()) throw inTheWay(path)
      return
    }
    if (this.#folderMode !== null) await chmod(path, this.#folderMode)
    if (this.#sync) await syncFolder(dirname(path))
  }
}

function inTheWay(path: string): StorageError {
  return new StorageError('not_a_directory', `${path} exists and is not a directory.`)
}

function inside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)
}
