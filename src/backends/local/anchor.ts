import { closeSync, constants, open, readlinkSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { promisify } from 'node:util'

const openFd = promisify(open)
/** A handle that names a file and gives no access to its bytes. (open(2), Linux) */
const O_PATH = 0o10000000

/** Where Linux shows what this process has open; there a path leads to the very file, whatever is renamed meanwhile. (proc_pid_fd(5)) */
const HELD = process.platform === 'linux' && hasProc() ? '/proc/self/fd/' : undefined

/** The path of an open file, which nobody can turn into another one; undefined where the system has none. */
export function heldPath(fd: number): string | undefined {
  return HELD === undefined ? undefined : `${HELD}${fd}`
}

/**
 * A file or folder with every link on the way resolved. Where the system can, it is held open, and `path` leads to it also when somebody
 * swaps a folder on the way for a link; elsewhere `path` is the real path of that moment.
 */
export class Anchor {
  /** To be used in calls of the system. */
  readonly path: string
  /** To be shown and compared. */
  readonly real: string
  #fd: number | undefined

  constructor(real: string, fd?: number) {
    this.real = real
    this.path = (fd === undefined ? undefined : heldPath(fd)) ?? real
    this.#fd = fd
  }

  /** Follows links, and opens nothing but the name; a missing one throws the system's ENOENT. */
  static async at(path: string, flags: { readonly folder?: boolean; readonly follow?: boolean } = {}): Promise<Anchor> {
    const { folder = false, follow = true } = flags
    if (HELD === undefined) return new Anchor(await realpath(path))
    const mode = O_PATH | (folder ? constants.O_DIRECTORY : 0) | (follow ? 0 : constants.O_NOFOLLOW)
    const fd = await openFd(path, mode)
    try {
      return new Anchor(readlinkSync(`${HELD}${fd}`), fd)
    } catch (error) {
      closeSync(fd)
      throw error
    }
  }

  /** Whether `path` stays right whatever is renamed. */
  get isHeld(): boolean {
    return this.#fd !== undefined
  }

  release(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  /** The same error with the path as people know it. */
  explain(error: unknown): unknown {
    if (this.path === this.real || !(error instanceof Error)) return error
    const shown = error as Error & { path?: unknown; dest?: unknown }
    const named = (text: unknown): unknown =>
      typeof text !== 'string'
        ? text
        : text.replaceAll(`${this.path}/`, `${this.real}/`).replaceAll(`${this.path}'`, `${this.real}'`)
    shown.message = named(shown.message) as string
    if ('path' in shown) shown.path = named(shown.path)
    if ('dest' in shown) shown.dest = named(shown.dest)
    return shown
  }
}

function hasProc(): boolean {
  try {
    readlinkSync('/proc/self/exe')
    return true
  } catch {
    return false
  }
}
