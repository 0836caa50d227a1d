import { closeSync, constants, fstatSync, open, readlinkSync } from 'node:fs'
import { type FileHandle, open as openHandle, realpath } from 'node:fs/promises'
import { promisify } from 'node:util'
import { unless } from '../../core/errno.ts'
import { syncFolder } from './sync-folder.ts'

const openFd = promisify(open)
/** Opens a handle that identifies a file without access to its bytes. (open(2), Linux) */
const O_PATH = 0o10000000

/** How an anchor is opened. */
export interface AnchorOptions {
  /** Whether anything other than a folder is refused. */
  readonly folder?: boolean
  /** Whether a link in the last component is followed. Default: true. */
  readonly follow?: boolean
  /** Whether `sync` will be called: the folder is then opened for it, if its mode allows. */
  readonly sync?: boolean
}

/** The path of an open file, which no process can redirect to another file; undefined if the system has none. */
export function heldPath(fd: number): string | undefined {
  const folder = heldFolder()
  return folder === undefined ? undefined : `${folder}${fd}`
}

/**
 * A file or folder with every link in its path resolved. If the system supports it, the file is held open, and `path` leads to it even if
 * another process swaps a folder in the path for a link. Otherwise `path` is the real path at the time of the call.
 */
export class Anchor {
  /** The path for system calls. */
  readonly path: string
  #real: string | undefined
  #fd: number | undefined
  #handle: FileHandle | undefined

  private constructor(path: string, held: { readonly fd?: number; readonly handle?: FileHandle } = {}) {
    this.path = path
    this.#fd = held.handle?.fd ?? held.fd
    this.#handle = held.handle
  }

  /** Follows links, and opens only a handle without access to the bytes. A missing name throws the system's ENOENT. */
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

  /** The folder at this path at each moment; nothing is opened. */
  static lexical(path: string): Anchor {
    return new Anchor(path)
  }

  /** The same folder; its `release` does nothing. Valid until this one is released. */
  borrowed(): Anchor {
    const borrowed = new Anchor(this.path)
    borrowed.#real = this.real
    return borrowed
  }

  /** The path for messages and comparisons. */
  get real(): string {
    this.#real ??= this.#fd === undefined ? this.path : realOf(this.path)
    return this.#real
  }

  /** Whether `path` stays correct if files or folders are renamed. */
  get isHeld(): boolean {
    return this.#fd !== undefined
  }

  /** Identifies the held file among all files; undefined if it is not held. */
  identity(): string | undefined {
    if (this.#fd === undefined) return undefined
    const { dev, ino } = fstatSync(this.#fd, { bigint: true })
    return `${dev}:${ino}`
  }

  /** Makes a folder's entries durable. Does nothing on systems that do not support this. */
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

/** If the path is too long for the system, or the file is gone, the result is the held path. */
function realOf(held: string): string {
  try {
    return readlinkSync(held)
  } catch {
    return held
  }
}

let heldPlace: string | null | undefined

/**
 * The folder in which Linux lists the open files of this process: a path in it leads to the file itself, even after renames. Checked once,
 * at the first use. (proc_pid_fd(5))
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
