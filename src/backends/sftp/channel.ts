import type { Link } from '../../remote/ssh/link.ts'
import type { Attributes, DirectoryItem, Done, SftpSession } from '../../remote/ssh/ssh2.ts'
import { isStatus, SessionFull, SftpError, STATUS } from './errors.ts'
import { Exchange } from './exchange.ts'

/** Bytes per READ or WRITE if the server reports support for that many, as OpenSSH does; every server supports the smaller size. */
const LARGE_PIECE = 261_120
export const SMALL_PIECE = 32_768
/** The used extensions. (OpenSSH, PROTOCOL, section 4; draft-ietf-secsh-filexfer-extensions-00 for copy-data) */
export type Extension = 'posix-rename@openssh.com' | 'hardlink@openssh.com' | 'fsync@openssh.com' | 'copy-data'

/** Private fields of ssh2, which are read only if they exist. */
interface Inside {
  readonly _extensions?: Readonly<Record<string, string>>
  readonly _maxReadLen?: number
  readonly _maxWriteLen?: number
}

/** One SFTP session: its requests, the server's features, and the number of open files. */
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
    // ssh2 assumes that every OpenSSH server accepts large requests; only the answer to `limits@openssh.com` proves it.
    const hasLimits = session.maxOpenHandles !== undefined
    this.#piece = hasLimits ? Math.min(LARGE_PIECE, _maxReadLen, _maxWriteLen) : SMALL_PIECE
  }

  /** A session that is silent for long gets no more work: most servers answer in order. */
  get isUsable(): boolean {
    return !this.#exchange.isOver && !this.#exchange.isSilent
  }

  /** Whether the session was idle, and the server has not answered since: the session may be dead. */
  get isUnproven(): boolean {
    return this.#exchange.isUnproven
  }

  /** Bytes per READ or WRITE. */
  get piece(): number {
    return this.#piece
  }

  /** Reports that the server refuses large requests. */
  shrink(): void {
    this.#piece = SMALL_PIECE
  }

  has(extension: Extension): boolean {
    return this.#extensions[extension] === '1'
  }

  /** Ends the session; pending requests fail. */
  async close(): Promise<void> {
    this.#exchange.end()
    await this.#link.ended
  }

  /** Reports that the session is idle for now. */
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

  /** Reads bytes and returns how many. A refusal with code EOF means that there are no more. */
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

  /** The next names of a folder. A refusal with code EOF means that there are no more. */
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

  /** If the new name exists, some servers refuse the request, and some replace the file. */
  rename(from: string, to: string, signal?: AbortSignal): Promise<void> {
    return this.#exchange.ask('RENAME', (session, done) => session.rename(from, to, done), signal)
  }

  /** Replaces a file of that name in one step. */
  posixRename(from: string, to: string, signal?: AbortSignal): Promise<void> {
    return this.#exchange.ask('posix-rename', (session, done) => session.ext_openssh_rename(from, to, done), signal)
  }

  /** Adds a name to a file; refused if the name exists. */
  link(from: string, to: string, signal?: AbortSignal): Promise<void> {
    return this.#exchange.ask('hardlink', (session, done) => session.ext_openssh_hardlink(from, to, done), signal)
  }

  fsync(handle: Buffer, signal?: AbortSignal): Promise<void> {
    return this.#exchange.ask('fsync', (session, done) => session.ext_openssh_fsync(handle, done), signal)
  }

  /** Copies bytes of an open file to the same position of another one, on the server; to the end if `length` is 0. */
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

  /** Closes a handle that arrived after its call had ended. */
  readonly #closeLate = (handle: Buffer): void => {
    this.#handles++
    this.closeHandle(handle).catch(() => undefined)
  }

  /** A refusal without a reason while other files are open may mean that there are too many; see `openError`. */
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
   * The error of a refused open without another reason: while other files are open, the session may have reached the server's limit.
   */
  openError(error: unknown): unknown {
    const isCrowded = isStatus(error, STATUS.failure) && error.crowd > 0
    return isCrowded ? new SessionFull(error, Math.max(1, this.#handles)) : error
  }
}
