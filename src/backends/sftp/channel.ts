import type { Link } from '../../remote/ssh/link.ts'
import type { Attributes, DirectoryItem, Done, SftpSession } from '../../remote/ssh/ssh2.ts'
import { isStatus, SessionFull, SftpError, STATUS } from './errors.ts'
import { Exchange } from './exchange.ts'

/** Bytes of one READ or WRITE where the server says that it takes so many, as OpenSSH does; else every server takes the smaller size. */
const LARGE_PIECE = 261_120
export const SMALL_PIECE = 32_768
/** Extensions that are used. (OpenSSH, PROTOCOL, section 4; draft-ietf-secsh-filexfer-extensions-00 for copy-data) */
export type Extension = 'posix-rename@openssh.com' | 'hardlink@openssh.com' | 'fsync@openssh.com' | 'copy-data'

/** What is private in ssh2 and read only where it is there. */
interface Inside {
  readonly _extensions?: Readonly<Record<string, string>>
  readonly _maxReadLen?: number
  readonly _maxWriteLen?: number
}

/** One SFTP session: its requests, what the server can do, and how many files are open. */
export class Channel {
  readonly #exchange: Exchange
  readonly #link: Link
  readonly #extensions: Readonly<Record<string, string>>
  #piece: number
  #handles = 0
  #opening = 0

  constructor(session: SftpSession, link: Link, timeoutMs: number | null) {
    const { _extensions = {}, _maxReadLen = LARGE_PIECE, _maxWriteLen = LARGE_PIECE } = session as Inside
    this.#link = link
    this.#exchange = new Exchange(session, link, timeoutMs)
    this.#extensions = _extensions
    // ssh2 believes of whatever calls itself OpenSSH that it takes large requests; only the answer to `limits@openssh.com` says so.
    const hasLimits = session.maxOpenHandles !== undefined
    this.#piece = hasLimits ? Math.min(LARGE_PIECE, _maxReadLen, _maxWriteLen) : SMALL_PIECE
  }

  /** A session that is silent for long is given no more work either: most servers answer in order. */
  get isUsable(): boolean {
    return !this.#exchange.isOver && !this.#exchange.isSilent
  }

  /** Whether the session has rested, and the server has not answered since: it may be dead. */
  get isUnproven(): boolean {
    return this.#exchange.isUnproven
  }

  /** Bytes of one READ or WRITE. */
  get piece(): number {
    return this.#piece
  }

  /** Says that the server refuses large requests. */
  shrink(): void {
    this.#piece = SMALL_PIECE
  }

  has(extension: Extension): boolean {
    return this.#extensions[extension] === '1'
  }

  /** Ends the session; what waits fails. */
  async close(): Promise<void> {
    this.#exchange.end()
    await this.#link.ended
  }

  /** Says that nobody uses the session for now. */
  rest(): void {
    this.#exchange.rest()
  }

  wake(): void {
    this.#exchange.wake()
  }

  open(path: string, flags: number, attributes: Attributes, signal?: AbortSignal): Promise<Buffer> {
    return this.#opened('OPEN', (session, done) => session.open(path, flags, attributes, done), signal)
  }

  async closeHandle(handle: Buffer): Promise<void> {
    try {
      await this.#exchange.ask('CLOSE', (session, done) => session.close(handle, done))
    } finally {
      this.#handles--
    }
  }

  /** How many bytes were read; the refusal with code EOF says that there are no more. */
  read(handle: Buffer, buffer: Buffer, position: number, signal?: AbortSignal): Promise<number> {
    return this.#exchange.ask(
      'READ',
      (session, done) => session.read(handle, buffer, 0, buffer.byteLength, position, done),
      signal,
    )
  }

  write(handle: Buffer, bytes: Buffer, position: number, signal?: AbortSignal): Promise<unknown> {
    return this.#exchange.ask(
      'WRITE',
      (session, done) => session.write(handle, bytes, 0, bytes.byteLength, position, done),
      signal,
    )
  }

  openFolder(path: string, signal?: AbortSignal): Promise<Buffer> {
    return this.#opened('OPENDIR', (session, done) => session.opendir(path, done), signal)
  }

  /** The next names of a folder; the refusal with code EOF says that there are no more. */
  readFolder(handle: Buffer, signal?: AbortSignal): Promise<DirectoryItem[]> {
    return this.#exchange.ask('READDIR', (session, done) => session.readdir(handle, { full: true }, done), signal)
  }

  stat(path: string, signal?: AbortSignal): Promise<Attributes> {
    return this.#exchange.ask('STAT', (session, done) => session.stat(path, done), signal)
  }

  lstat(path: string, signal?: AbortSignal): Promise<Attributes> {
    return this.#exchange.ask('LSTAT', (session, done) => session.lstat(path, done), signal)
  }

  fstat(handle: Buffer, signal?: AbortSignal): Promise<Attributes> {
    return this.#exchange.ask('FSTAT', (session, done) => session.fstat(handle, done), signal)
  }

  setstat(path: string, attributes: Attributes, signal?: AbortSignal): Promise<void> {
    return this.#exchange.ask('SETSTAT', (session, done) => session.setstat(path, attributes, done), signal)
  }

  fsetstat(handle: Buffer, attributes: Attributes, signal?: AbortSignal): Promise<void> {
    return this.#exchange.ask('FSETSTAT', (session, done) => session.fsetstat(handle, attributes, done), signal)
  }

  makeFolder(path: string, attributes: Attributes, signal?: AbortSignal): Promise<void> {
    return this.#exchange.ask('MKDIR', (session, done) => session.mkdir(path, attributes, done), signal)
  }

  removeFolder(path: string, signal?: AbortSignal): Promise<void> {
    return this.#exchange.ask('RMDIR', (session, done) => session.rmdir(path, done), signal)
  }

  unlink(path: string, signal?: AbortSignal): Promise<void> {
    return this.#exchange.ask('REMOVE', (session, done) => session.unlink(path, done), signal)
  }

  /** Onto a taken name some servers refuse it, and some replace the file. */
  rename(from: string, to: string, signal?: AbortSignal): Promise<void> {
    return this.#exchange.ask('RENAME', (session, done) => session.rename(from, to, done), signal)
  }

  /** Replaces a file of that name in one step. */
  posixRename(from: string, to: string, signal?: AbortSignal): Promise<void> {
    return this.#exchange.ask('posix-rename', (session, done) => session.ext_openssh_rename(from, to, done), signal)
  }

  /** Gives a file another name; refused where that is taken. */
  link(from: string, to: string, signal?: AbortSignal): Promise<void> {
    return this.#exchange.ask('hardlink', (session, done) => session.ext_openssh_hardlink(from, to, done), signal)
  }

  fsync(handle: Buffer, signal?: AbortSignal): Promise<void> {
    return this.#exchange.ask('fsync', (session, done) => session.ext_openssh_fsync(handle, done), signal)
  }

  /** Copies bytes of an open file to the same place of another one, on the server; to the end where `length` is 0. */
  copyData(from: Buffer, at: number, length: number, to: Buffer, signal?: AbortSignal): Promise<void> {
    return this.#exchange.ask(
      'copy-data',
      (session, done) => session.ext_copy_data(from, at, length, to, at, done),
      signal,
    )
  }

  readLink(path: string, signal?: AbortSignal): Promise<string> {
    return this.#exchange.ask('READLINK', (session, done) => session.readlink(path, done), signal)
  }

  realPath(path: string, signal?: AbortSignal): Promise<string> {
    return this.#exchange.ask('REALPATH', (session, done) => session.realpath(path, done), signal)
  }

  /** A handle that nobody waits for any more. */
  readonly #closeLate = (handle: Buffer): void => {
    this.#handles++
    this.closeHandle(handle).catch(() => undefined)
  }

  /** A refusal without a reason while others are open may mean that they are too many; see `openError`. */
  async #opened(
    name: string,
    send: (session: SftpSession, done: Done<Buffer>) => void,
    signal?: AbortSignal,
  ): Promise<Buffer> {
    const crowd = this.#handles + this.#opening
    this.#opening++
    try {
      const handle = await this.#exchange.ask(name, send, signal, this.#closeLate)
      this.#handles++
      return handle
    } catch (error) {
      if (error instanceof SftpError) error.crowd = Math.max(crowd, this.#handles)
      throw error
    } finally {
      this.#opening--
    }
  }

  /**
   * The error of a refusal to open that has no other reason: while others are open it may mean that the session has as many as the server
   * lets it.
   */
  openError(error: unknown): unknown {
    const isCrowded = isStatus(error, STATUS.failure) && error.crowd > 0
    return isCrowded ? new SessionFull(error, Math.max(1, this.#handles)) : error
  }
}
