import { onAbort } from '../../core/abort.ts'
import { isStorageError, StorageError } from '../../core/errors.ts'
import { isStatus, SessionFull, SftpError, STATUS } from './errors.ts'
import { type Link, lost } from './link.ts'
import type { Attributes, DirectoryItem, Done, SftpSession } from './ssh2.ts'

/** Bytes of one READ or WRITE where the server says that it takes so many, as OpenSSH does; else every server takes the smaller size. */
const LARGE_PIECE = 261_120
export const SMALL_PIECE = 32_768
/** How often requests without an answer are looked for: so many times in the time that they may take. */
const LOOKS = 8
/** A request that is passed over while others are answered may take so many times longer. */
const PATIENCE = 10
/** The part of a call's time that one request must have waited in silence to be blamed for it. */
const BLAME = 0.5
/** Milliseconds after which a session that is in use and silent is asked whether it is there. */
const KEEP_ALIVE_MS = 15_000

/** Extensions that are used. (OpenSSH, PROTOCOL, section 4; draft-ietf-secsh-filexfer-extensions-00 for copy-data) */
export type Extension = 'posix-rename@openssh.com' | 'hardlink@openssh.com' | 'fsync@openssh.com' | 'copy-data'

/** A request that waits for its answer. */
interface Pending {
  readonly name: string
  readonly since: number
  fail(error: unknown): void
}

/** What is private in ssh2 and read only where it is there. */
interface Inside {
  readonly _extensions?: Readonly<Record<string, string>>
  readonly _maxReadLen?: number
  readonly _maxWriteLen?: number
}

/**
 * One SFTP session. Each request ends: with its answer, when its signal fires, when the session ends, or when the server is silent for too long.
 * Answers that come too late are seen to.
 */
export class Channel {
  readonly #session: SftpSession
  readonly #link: Link
  readonly #timeoutMs: number | null
  readonly #pending = new Set<Pending>()
  readonly #extensions: Readonly<Record<string, string>>
  #piece: number
  #lastAnswer = performance.now()
  #watch: NodeJS.Timeout | undefined
  #isOver = false
  #resting = false
  #isProven = false
  #hasRested = false
  #handles = 0
  #opening = 0

  constructor(session: SftpSession, link: Link, timeoutMs: number | null) {
    const { _extensions = {}, _maxReadLen = LARGE_PIECE, _maxWriteLen = LARGE_PIECE } = session as Inside
    this.#session = session
    this.#link = link
    this.#timeoutMs = timeoutMs
    this.#extensions = _extensions
    // ssh2 believes of whatever calls itself OpenSSH that it takes large requests; only the answer to `limits@openssh.com` says so.
    const hasLimits = session.maxOpenHandles !== undefined
    this.#piece = hasLimits ? Math.min(LARGE_PIECE, _maxReadLen, _maxWriteLen) : SMALL_PIECE
    link.keep(true)
    session.on('close', () => this.#end())
    session.on('end', () => this.#end())
  }

  get isUsable(): boolean {
    return !this.#isOver && this.#link.isAlive
  }

  /** Whether the session has rested, and the server has not answered since: it may be dead. */
  get isUnproven(): boolean {
    return this.#hasRested && !this.#isProven
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
    if (this.#isOver) return
    try {
      this.#session.end()
    } catch {
      // It is gone either way.
    }
    this.#end()
    await this.#link.ended
  }

  /** Says that nobody uses the session for now. */
  rest(): void {
    if (this.#resting || this.#isOver) return
    this.#resting = true
    this.#isProven = false
    this.#hasRested = true
    this.#link.keep(false)
  }

  wake(): void {
    if (!this.#resting || this.#isOver) return
    this.#resting = false
    this.#link.keep(true)
  }

  open(path: string, flags: number, attributes: Attributes, signal?: AbortSignal): Promise<Buffer> {
    return this.#opened('OPEN', (session, done) => session.open(path, flags, attributes, done), signal)
  }

  async closeHandle(handle: Buffer): Promise<void> {
    try {
      await this.#ask('CLOSE', (session, done) => session.close(handle, done))
    } finally {
      this.#handles--
    }
  }

  /** How many bytes were read; the refusal with code EOF says that there are no more. */
  read(handle: Buffer, buffer: Buffer, position: number, signal?: AbortSignal): Promise<number> {
    return this.#ask(
      'READ',
      (session, done) => session.read(handle, buffer, 0, buffer.byteLength, position, done),
      signal,
    )
  }

  write(handle: Buffer, bytes: Buffer, position: number, signal?: AbortSignal): Promise<unknown> {
    return this.#ask(
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
    return this.#ask('READDIR', (session, done) => session.readdir(handle, { full: true }, done), signal)
  }

  stat(path: string, signal?: AbortSignal): Promise<Attributes> {
    return this.#ask('STAT', (session, done) => session.stat(path, done), signal)
  }

  lstat(path: string, signal?: AbortSignal): Promise<Attributes> {
    return this.#ask('LSTAT', (session, done) => session.lstat(path, done), signal)
  }

  fstat(handle: Buffer, signal?: AbortSignal): Promise<Attributes> {
    return this.#ask('FSTAT', (session, done) => session.fstat(handle, done), signal)
  }

  setstat(path: string, attributes: Attributes, signal?: AbortSignal): Promise<void> {
    return this.#ask('SETSTAT', (session, done) => session.setstat(path, attributes, done), signal)
  }

  fsetstat(handle: Buffer, attributes: Attributes, signal?: AbortSignal): Promise<void> {
    return this.#ask('FSETSTAT', (session, done) => session.fsetstat(handle, attributes, done), signal)
  }

  makeFolder(path: string, attributes: Attributes, signal?: AbortSignal): Promise<void> {
    return this.#ask('MKDIR', (session, done) => session.mkdir(path, attributes, done), signal)
  }

  removeFolder(path: string, signal?: AbortSignal): Promise<void> {
    return this.#ask('RMDIR', (session, done) => session.rmdir(path, done), signal)
  }

  unlink(path: string, signal?: AbortSignal): Promise<void> {
    return this.#ask('REMOVE', (session, done) => session.unlink(path, done), signal)
  }

  /** Onto a taken name some servers refuse it, and some replace the file. */
  rename(from: string, to: string, signal?: AbortSignal): Promise<void> {
    return this.#ask('RENAME', (session, done) => session.rename(from, to, done), signal)
  }

  /** Replaces a file of that name in one step. */
  posixRename(from: string, to: string, signal?: AbortSignal): Promise<void> {
    return this.#ask('posix-rename', (session, done) => session.ext_openssh_rename(from, to, done), signal)
  }

  /** Gives a file another name; refused where that is taken. */
  link(from: string, to: string, signal?: AbortSignal): Promise<void> {
    return this.#ask('hardlink', (session, done) => session.ext_openssh_hardlink(from, to, done), signal)
  }

  fsync(handle: Buffer, signal?: AbortSignal): Promise<void> {
    return this.#ask('fsync', (session, done) => session.ext_openssh_fsync(handle, done), signal)
  }

  /** Copies bytes of an open file to the same place of another one, on the server; to the end where `length` is 0. */
  copyData(from: Buffer, at: number, length: number, to: Buffer, signal?: AbortSignal): Promise<void> {
    return this.#ask('copy-data', (session, done) => session.ext_copy_data(from, at, length, to, at, done), signal)
  }

  readLink(path: string, signal?: AbortSignal): Promise<string> {
    return this.#ask('READLINK', (session, done) => session.readlink(path, done), signal)
  }

  realPath(path: string, signal?: AbortSignal): Promise<string> {
    return this.#ask('REALPATH', (session, done) => session.realpath(path, done), signal)
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
      const handle = await this.#ask(name, send, signal, this.#closeLate)
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

  #ask<T>(
    name: string,
    send: (session: SftpSession, done: Done<T>) => void,
    signal?: AbortSignal,
    late?: (value: T) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      if (!this.isUsable) return reject(lost())
      let isWaiting = true
      const over = (): void => {
        isWaiting = false
        this.#pending.delete(request)
        off?.()
      }
      const request: Pending = {
        name,
        since: performance.now(),
        fail(error) {
          if (!isWaiting) return
          over()
          reject(error)
        },
      }
      const off =
        signal === undefined
          ? undefined
          : onAbort(signal, () => {
              request.fail(signal.reason)
              // Whoever comes next shall not wait for a server that this call has waited for in vain.
              if (isStorageError(signal.reason, 'timeout')) this.#look((this.#timeoutMs ?? 0) * BLAME, [request])
            })
      this.#pending.add(request)
      this.#watching()
      const done: Done<T> & { _wantEOFError?: boolean } = (error, value) => {
        this.#lastAnswer = performance.now()
        this.#isProven ||= !error || isAnswer(error)
        if (!isWaiting) {
          if (!error && value !== undefined) late?.(value)
          return
        }
        if (error) return request.fail(refusal(name, error))
        over()
        resolve(value as T)
      }
      // Else ssh2 makes one of the end of a file and of an answer without bytes.
      done._wantEOFError = true
      try {
        send(this.#session, done)
      } catch (error) {
        request.fail(error)
      }
    })
  }

  /** Looks after requests without an answer, and after the server where there are none. */
  #watching(): void {
    if (this.#watch !== undefined || this.#timeoutMs === null) return
    this.#lastAnswer = performance.now()
    this.#watch = setInterval(() => this.#look(this.#timeoutMs!), Math.min(KEEP_ALIVE_MS, this.#timeoutMs / LOOKS))
    this.#watch.unref()
  }

  #look(timeoutMs: number, [oldest]: Iterable<Pending> = this.#pending): void {
    const now = performance.now()
    if (oldest === undefined) {
      if (this.#resting) {
        clearInterval(this.#watch)
        this.#watch = undefined
      } else if (now - this.#lastAnswer >= KEEP_ALIVE_MS) this.realPath('.').catch(() => undefined)
      return
    }
    const age = now - oldest.since
    const isSilent = Math.min(age, now - this.#lastAnswer) >= timeoutMs
    if (!isSilent && age < timeoutMs * PATIENCE) return
    const text = `The server did not answer ${oldest.name} in ${Math.round(age / 1000)} s.`
    this.#link.retire()
    this.#end(new StorageError('timeout', text))
  }

  #end(error?: StorageError): void {
    if (this.#isOver) return
    this.rest()
    this.#isOver = true
    clearInterval(this.#watch)
    for (const request of [...this.#pending]) request.fail(error ?? lost())
    this.#link.left()
  }
}

function refusal(name: string, error: Error): unknown {
  return isAnswer(error) ? new SftpError(name, error.code, error.message) : lost(error)
}

/** ssh2 has no code where there was no answer. */
function isAnswer(error: Error): error is Error & { readonly code: number } {
  return typeof (error as { readonly code?: unknown }).code === 'number'
}
