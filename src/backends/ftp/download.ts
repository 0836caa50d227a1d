import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { abortable } from '../../core/abort.ts'
import { StorageError } from '../../core/errors.ts'
import type { FtpConnection } from './connection.ts'
import type { Transfer } from './control.ts'
import { type DataConnection, openData } from './data-connection.ts'
import { FtpConnectionError, isRefusal } from './errors.ts'
import type { Reply } from './replies.ts'

const READ_AHEAD = 256 * 1024

/** What is to be received. */
export interface DownloadPlan {
  /** `RETR` with a path, `MLSD` ... */
  readonly command: string
  /** Offset of the first byte; not 0 only where the server restarts. */
  readonly restart?: number | undefined
  /** Bytes at the beginning that nobody wants, where it does not. */
  readonly skip?: number | undefined
  /** Bytes that the server will send from `restart` on, where that is known. */
  readonly length?: number | undefined
  /** Bytes that are wanted, after `skip`; then the transfer is given up. */
  readonly limit?: number | undefined
  /** Called when bytes arrive. */
  readonly touch?: (() => void) | undefined
}

/** Opens a data connection, sends the command and returns its bytes. Fails where the server refuses, before any byte. */
export async function startDownload(
  connection: FtpConnection,
  plan: DownloadPlan,
  signal: AbortSignal,
): Promise<Download> {
  const { control } = connection
  const data = await openData(connection, signal)
  try {
    // Some servers forget it at the next command.
    if (plan.restart) await control.request(`REST ${plan.restart}`, signal)
    const transfer = control.transfer(plan.command)
    await abortable(transfer.begun, signal)
    const socket = await data.ready(signal)
    return new Download(connection, plan, data, socket, transfer)
  } catch (error) {
    data.close()
    // Of a command under way nobody knows where its answers end.
    if (!isRefusal(error)) control.close()
    throw error
  }
}

/**
 * The bytes of a transfer. It ends only when the data connection was closed in order, the server has confirmed (2xx), in whatever order, and as many
 * bytes have come as were announced; the last bytes are held back until then. Anything else is an error.
 */
export class Download extends Readable {
  /** The control connection serves again, or is closed. Never fails. */
  readonly over: Promise<void>
  /** The server's last answer. */
  reply: Reply | undefined
  readonly #connection: FtpConnection
  readonly #plan: DownloadPlan
  readonly #data: DataConnection
  readonly #transfer: Transfer
  readonly #timer: NodeJS.Timeout | undefined
  readonly #end: () => void
  #skip: number
  #received = 0
  #held: Buffer | undefined
  #isWanted = false
  #hasEnded = false
  #isDone = false

  constructor(connection: FtpConnection, plan: DownloadPlan, data: DataConnection, socket: Socket, transfer: Transfer) {
    super({ highWaterMark: READ_AHEAD })
    this.#connection = connection
    this.#plan = plan
    this.#data = data
    this.#transfer = transfer
    this.#skip = plan.skip ?? 0
    const { promise, resolve } = Promise.withResolvers<void>()
    this.over = promise
    this.#end = resolve
    const { idleTimeoutMs } = connection.options
    this.#timer = idleTimeoutMs === undefined ? undefined : setTimeout(() => this.#idle(idleTimeoutMs), idleTimeoutMs)
    socket.on('end', () => {
      this.#hasEnded = true
      this.#settle()
    })
    socket.on('error', error => this.#fail(broken(error)))
    socket.on('close', () => {
      if (!this.#hasEnded) this.#fail(broken())
    })
    transfer.done.then(
      reply => {
        this.reply = reply
        this.#settle()
      },
      error => this.#fail(error),
    )
    if (socket.destroyed) this.#fail(broken())
    else data.inlet.begin(bytes => this.#take(bytes))
  }

  override _read(): void {
    if (this.#isWanted) return
    this.#isWanted = true
    this.#timer?.refresh()
    this.#data.inlet.resume()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#finish()
    done(error)
  }

  #take(bytes: Buffer): boolean {
    if (this.#isDone) return false
    this.#timer?.refresh()
    this.#plan.touch?.()
    this.#received += bytes.byteLength
    const { length, limit } = this.#plan
    if (length !== undefined && this.#received > length) {
      this.#fail(new StorageError('unknown', `The server sends more than the ${length} bytes that it announced.`))
      return false
    }
    let chunk = bytes
    if (this.#skip > 0) {
      chunk = bytes.subarray(this.#skip)
      this.#skip -= bytes.byteLength - chunk.byteLength
    }
    const excess = limit === undefined ? -1 : this.#received - (this.#plan.skip ?? 0) - limit
    if (excess >= 0 && this.#received !== length) {
      if (chunk.byteLength > excess) this.push(chunk.subarray(0, chunk.byteLength - excess))
      this.push(null)
      this.#finish()
      return false
    }
    if (chunk.byteLength > 0) this.#hold(chunk)
    return this.#isWanted
  }

  /** Gives what was held back, and holds the last bytes back: without a known length any may be the last ones. */
  #hold(chunk: Buffer): void {
    const { length } = this.#plan
    const held = this.#held
    this.#held = length === undefined || this.#received === length ? chunk : undefined
    if (held !== undefined) this.#isWanted = this.push(held)
    if (this.#held === undefined) this.#isWanted = this.push(chunk)
    // The end has to be asked for.
    else this.#isWanted = true
  }

  #settle(): void {
    if (this.#isDone || !this.#hasEnded || this.reply === undefined) return
    const { length } = this.#plan
    if (length !== undefined && this.#received < length) {
      const text = `The server sent ${this.#received} bytes where it had announced ${length}.`
      this.#fail(new FtpConnectionError(text))
      return
    }
    if (this.#held !== undefined) this.push(this.#held)
    this.#held = undefined
    this.push(null)
    this.#finish()
  }

  #fail(error: unknown): void {
    if (!this.#isDone) this.destroy(error as Error)
  }

  #idle(ms: number): void {
    if (this.#isWanted) this.#fail(new FtpConnectionError(`No byte came for ${ms / 1000} s.`, { kind: 'timeout' }))
    else this.#timer?.refresh()
  }

  /** Closes the data connection and waits, beside its reader, until the control connection is free. */
  #finish(): void {
    if (this.#isDone) return
    this.#isDone = true
    clearTimeout(this.#timer)
    this.#data.close()
    if (this.reply !== undefined && this.#hasEnded) this.#end()
    else void this.#connection.control.settle(this.#transfer).then(this.#end)
  }
}

function broken(cause?: unknown): FtpConnectionError {
  return new FtpConnectionError('The data connection broke before all bytes had arrived.', { cause })
}
