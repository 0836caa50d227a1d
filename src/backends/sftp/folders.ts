import { StorageError } from '../../core/errors.ts'
import { kindOf } from './attributes.ts'
import type { Channel } from './channel.ts'
import { isMissing, SftpError } from './errors.ts'
import { Links } from './links.ts'
import { Ownership, type OwnershipOptions } from './ownership.ts'
import type { Root } from './root.ts'

/** Milliseconds for which the check of a folder is cached: that it is a folder, and inside. */
const BELIEVED_MS = 2000
/** Maximum number of cached folders. */
const MAX_KNOWN = 1000

/** The folders below the storage's own one: checks that they lie inside even with links, and makes missing ones. */
export class Folders {
  readonly links: Links
  readonly #root: Root
  readonly #ownership: Ownership
  readonly #known = new Map<string, number>()

  constructor(root: Root, options: OwnershipOptions) {
    this.links = new Links(root)
    this.#root = root
    this.#ownership = new Ownership(options)
  }

  /**
   * Checks each folder of a path, in parallel: a link that leads outside is a `suspicious_name`. Returns how many of them exist; a file in
   * the path is `not_a_directory`. If a server refuses the look-up, the folder counts as missing.
   */
  async check(channel: Channel, folders: readonly string[], signal?: AbortSignal): Promise<number> {
    if (this.#isKnown(folders)) return folders.length
    const paths = folders.map((_, at) => this.#root.join(folders.slice(0, at + 1)))
    const looks = await Promise.all(paths.map(path => channel.lstat(path, signal).catch(refused)))
    for (const [at, look] of looks.entries()) {
      if (look instanceof SftpError) {
        if (isMissing(look)) return at
        continue
      }
      let kind = kindOf(look)
      if (kind === 'link') {
        await this.links.confine(channel, paths[at]!, signal)
        const behind = await channel.stat(paths[at]!, signal).catch(refused)
        if (isMissing(behind)) return at
        kind = behind instanceof SftpError ? undefined : kindOf(behind)
      }
      if (kind === 'file' || kind === 'other') throw inTheWay(paths[at]!)
    }
    if (folders.length > 0) this.#remember(folders)
    return folders.length
  }

  /** The same for reading: a path below a file or a missing folder is missing. */
  async find(channel: Channel, folders: readonly string[], signal?: AbortSignal): Promise<void> {
    const found = await this.check(channel, folders, signal).catch(error => {
      if (error instanceof StorageError && error.code === 'not_a_directory') return -1
      throw error
    })
    if (found !== folders.length) throw new StorageError('not_found', 'The folder does not exist.')
  }

  /**
   * Makes the missing folders, including the storage's own one, with the mode and owner of the settings. `force`: also makes folders that
   * the server does not report as missing.
   */
  async make(channel: Channel, folders: readonly string[], force: boolean, signal?: AbortSignal): Promise<void> {
    const found = force ? 0 : await this.check(channel, folders, signal)
    if (!force && found === folders.length && (found > 0 || this.#isKnown([]))) return
    if (force) this.#known.delete('')
    if (found === 0) await this.#makeRoot(channel, signal)
    for (let at = found; at < folders.length; at++) {
      await this.#makeOne(channel, this.#root.join(folders.slice(0, at + 1)), at === folders.length - 1, signal)
    }
    this.#remember(folders)
  }

  /** Makes the storage's own folder. */
  async #makeRoot(channel: Channel, signal?: AbortSignal): Promise<void> {
    const { path } = this.#root
    if (path === '.' || path === '/' || this.#isKnown([])) return
    const parts = path.split('/')
    const steps = parts.map((_, at) => parts.slice(0, at + 1).join('/')).filter(step => step !== '')
    // From the last one upwards: the upper folders may not be readable.
    let first = steps.length
    while (first > 0 && !(await this.#exists(channel, steps[first - 1]!, signal))) first--
    for (const step of steps.slice(first)) await this.#makeOne(channel, step, step === path, signal)
    this.#remember([])
  }

  async #exists(channel: Channel, path: string, signal?: AbortSignal): Promise<boolean> {
    const found = await channel.stat(path, signal).catch(refused)
    if (found instanceof SftpError) return false
    const kind = kindOf(found)
    if (kind === 'file' || kind === 'other') throw inTheWay(path)
    return true
  }

  /** A folder that cannot be made may exist, or be made by another client, so only the refusal of the last one counts. */
  async #makeOne(channel: Channel, path: string, isLast: boolean, signal?: AbortSignal): Promise<void> {
    const failure = await channel.makeFolder(path, this.#ownership.newFolder, signal).then(() => undefined, refused)
    if (failure === undefined) return this.#ownership.setFolder(channel, path, signal)
    const there = await this.#exists(channel, path, signal)
    if (!there && isLast) throw failure
  }

  /** Forgets that a folder exists: something in it could not be found. */
  forget(folders: readonly string[]): void {
    for (let at = 0; at <= folders.length; at++) this.#known.delete(folders.slice(0, at).join('/'))
  }

  #isKnown(folders: readonly string[]): boolean {
    return (this.#known.get(folders.join('/')) ?? 0) > performance.now()
  }

  #remember(folders: readonly string[]): void {
    if (this.#known.size >= MAX_KNOWN) this.#known.clear()
    this.#known.set(folders.join('/'), performance.now() + BELIEVED_MS)
  }
}

/** Returns the refusal as a value; throws any other error. */
export function refused(error: unknown): SftpError {
  if (error instanceof SftpError) return error
  throw error
}

function inTheWay(path: string): StorageError {
  return new StorageError('not_a_directory', `${path} exists and is not a directory.`)
}
