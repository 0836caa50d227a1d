import { closeSync, constants, fstatSync, open, readlinkSync } from 'node:fs'
import { type FileHandle, open as openHandle, realpath } from 'node:fs/promises'
import { promisify } from 'node:util'
import { unless } from '../../core/errno.ts'
import { syncFolder } from './sync-folder.ts'

const openFd = promisify(open)
/** A handle that names a file and gives no access to its bytes. (open(2), Linux) */
const O_PATH = 0o10000000

/** How an anchor is opened. */
export interface AnchorOptions {
  /** Whether anything but a folder is refused. */
  readonly folder?: boolean
  /** Whether a link in the last component is followed. Default: yes. */
  readonly follow?: boolean
  /** Whether `sync` will be called: the folder is opened for it where its mode allows. */
  readonly sync?: boolean
}

/** The path of an open file, which nobody can turn into another one; undefined where the system has none. */
export function heldPath(fd: number): string | undefined {
  const folder = heldFolder()
  return folder === undefined ? undefined : `${folder}${fd}`
}

/**
 * A file or folder with every link on the way resolved. Where the system can, it is held open, and `path` leads to it also when somebody
 * swaps a folder on the way for a link; elsewhere `path` is the real path of that moment.
 */
export class Anchor {
  /** To be used in calls of the system. */
  readonly path: string
  #real: string | undefined
  #fd: number | undefined
  #handle: FileHandle | undefined

  private constructor(path: string, held: { readonly fd?: number; readonly handle?: FileHandle } = {}) {
    this.path = path
    this.#fd = held.handle?.fd ?? held.fd
    this.#handle = held.handle
  }

  /** Follows links, and opens nothing but the name; a missing one throws the system's ENOENT. */
  static async at(path: string, options: AnchorOptions = {}): Promise<Anchor> {
    const { folder = false, follow = true, sync = false } = options
    const held = heldFolder()
    if (held === undefined) return new Anchor(await realpath(path))
    const mode = (folder ? constants.O_DIRECTORY : 0) | (follow ? 0 : constants.O_NOFOLLOW)
    const handle = sync ? await unless(['EACCES', 'EPERM'], openHandle(path, constants.O_RDONLY | mode)) : undefined
    if (handle !== undefined) return new Anchor(`${held}${handle.fd}`, { handle })
    const fd = await openFd(path, O_PATH | mode)
    return new Anchor(`${held}${fd}`, { fd })
  }

  /** The folder that this path leads to at each moment; nothing is opened. */
  static lexical(path: string): Anchor {
    return new Anchor(path)
  }

  /** The same folder, whose `release` does nothing. Valid until this one is released. */
  borrowed(): Anchor {
    const borrowed = new Anchor(this.path)
    borrowed.#real = this.real
    return borrowed
  }

  /** The path to be shown and compared. */
  get real(): string {
    this.#real ??= this.#fd === undefined ? this.path : realOf(this.path)
    return this.#real
  }

  /** Whether `path` stays right whatever is renamed. */
  get isHeld(): boolean {
    return this.#fd !== undefined
  }

  /** Identifies the held file among all files; undefined where it is not held. */
  identity(): string | undefined {
    if (this.#fd === undefined) return undefined
    const { dev, ino } = fstatSync(this.#fd, { bigint: true })
    return `${dev}:${ino}`
  }

  /** Makes a folder's entries durable; silent on systems that cannot. */
  sync(): Promise<void> {
    return syncFolder(this.path, this.#handle)
  }

  release(): void {
    if (this.#handle !== undefined) this.#handle.close().catch(() => undefined)
    else if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
    this.#handle = undefined
  }
}

/** A path that is longer than the system shows, or that of a file which is gone, is the held one. */
function realOf(held: string): string {
  try {
    return readlinkSync(held)
  } catch {
    return held
  }
}

let heldPlace: string | null | undefined

/**
 * Where Linux shows what this process has open; there a path leads to the very file, whatever is renamed meanwhile. Looked at once, at
 * the first use. (proc_pid_fd(5))
 */
function heldFolder(): string | undefined {
  if (heldPlace === undefined) heldPlace = process.platform === 'linux' && hasProc() ? '/proc/self/fd/' : null
  return heldPlace ?? undefined
}

function hasProc(): boolean {
  try {
    readlinkSync('/proc/self/exe')
    return true
  } catch {
    return false
  }
}
