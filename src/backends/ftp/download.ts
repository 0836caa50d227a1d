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

/** The transfer to receive. */
export interface DownloadPlan {
  /** `RETR` with a path, `MLSD` ... */
  readonly command: string
  /** Offset of the first byte, if the server supports restarting. */
  readonly restart?: number | undefined
  /** Number of unwanted bytes at the beginning, if the server does not support restarting. */
  readonly skip?: number | undefined
  /** Number of bytes that the server will send, if known. */
  readonly length?: number | undefined
  /** Number of wanted bytes after `skip`; the transfer is cancelled after them. */
  readonly limit?: number | undefined
  /** Called when bytes arrive. */
  readonly touch?: (() => void) | undefined
}

/** Opens a data connection, sends the command and returns its bytes. If the server refuses, it rejects before any byte. */
export async function startDownload(
  connection: FtpConnection,
  plan: DownloadPlan,
  signal: AbortSignal,
): Promise<Download> {
  const { control } = connection
  const data = await openData(connection, 'receive', signal)
  try {
    // Some servers forget the offset at the next command.
    if (plan.restart) await control.request(`REST ${plan.restart}`, signal)
    const transfer = control.transfer(plan.command)
    await abortable(transfer.begun, signal)
    const socket = await data.ready(signal)
    return new Download(connection, plan, { data, socket, transfer })
  } catch (error) {
    data.close()
    // After a broken command it is unknown where its answers end.
    if (!isRefusal(error)) control.close()
    throw error
  }
}

/** A transfer that has begun. */
interface Begun {
  readonly data: DataConnection
  readonly socket: Socket
  readonly transfer: Transfer
}

/**
 * The bytes of a transfer. It ends only after the data connection was closed correctly, the server has confirmed (2xx), in any order, and
 * all announced bytes have arrived. The last bytes are held back until then. In any other case it returns the received bytes, and ends with
 * an error.
 */
export class Download extends Readable {
  /** Settles when the control connection is free again, or closed. Never rejects. */
  readonly over: Promise<void>
  /** The server's last answer. */
  reply: Reply | undefined
  readonly #connection: FtpConnection
  readonly #plan: DownloadPlan
  readonly #data: DataConnection
  readonly #transfer: Transfer
  readonly #timer: NodeJS.Timeout | undefined
  readonly #end: () => void
  #received = 0
  #held: Buffer | undefined
  #isWanted = false
  /** Whether the data connection was closed correctly. */
  #hasEnded = false
  /** The error of the transfer; some bytes may still be in transit. */
  #failure: Error | undefined
  #isDone = false

  constructor(connection: FtpConnection, plan: DownloadPlan, { data, socket, transfer }: Begun) {
    super({ highWaterMark: READ_AHEAD })
    this.#connection = connection
    this.#plan = plan
    this.#data = data
    this.#transfer = transfer
    const { promise, resolve } = Promise.withResolvers<void>()
    this.over = promise
    this.#end = resolve
    const { idleTimeoutMs } = connection.options
    this.#timer = idleTimeoutMs === undefined ? undefined : setTimeout(() => this.#idle(idleTimeoutMs), idleTimeoutMs)
    socket.on('end', () => {
      this.#hasEnded = true
      if (this.#failure === undefined) this.#settle()
      else this.#fail(this.#failure)
    })
    socket.on('error', error => this.#fail(this.#failure ?? broken(error)))
    socket.on('close', () => {
      if (!this.#hasEnded) this.#fail(this.#failure ?? broken())
    })
    transfer.done.then(
      reply => {
        this.reply = reply
        this.#settle()
      },
      error => {
        // Bytes that were sent before still arrive.
        this.#failure = error
        if (this.#hasEnded || !isRefusal(error)) this.#fail(error)
      },
    )
    this.#hasEnded = data.inlet.hasEnded
    if (socket.destroyed && !this.#hasEnded) this.#fail(broken())
    else data.inlet.begin(bytes => this.#take(bytes))
  }

  override _read(): void {
    if (this.#isWanted) return
    this.#isWanted = true
    this.#timer?.refresh()
    this.#data.inlet.resume()
  }

  /** The error of a broken transfer follows its bytes. */
  override read(size?: number): unknown {
    const bytes: unknown = super.read(size)
    if (this.#isDone && this.#failure !== undefined && this.readableLength === 0) this.#giveError()
    return bytes
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#finish()
    done(error)
  }

  #take(bytes: Buffer): boolean {
    if (this.#isDone) return false
    this.#timer?.refresh()
    this.#plan.touch?.()
    const { length = Number.POSITIVE_INFINITY, skip = 0, limit = Number.POSITIVE_INFINITY } = this.#plan
    const before = this.#received
    this.#received += bytes.byteLength
    if (this.#received > length) {
      this.destroy(new StorageError('unknown', `The server sends more than the ${length} bytes that it announced.`))
      return false
    }
    const wanted = bytes.subarray(Math.max(0, skip - before), Math.max(0, skip + limit - before))
    // All wanted bytes have arrived, but the transfer would continue to the end of the file.
    if (this.#received >= skip + limit && this.#received < length) {
      if (wanted.byteLength > 0) this.push(wanted)
      this.push(null)
      this.#finish()
      return false
    }
    if (wanted.byteLength > 0) this.#hold(wanted)
    return this.#isWanted
  }

  /** Holds the last bytes back: without a known length, any bytes may be the last ones. */
  #hold(bytes: Buffer): void {
    const { length } = this.#plan
    if (length !== undefined && this.#received < length) {
      this.#isWanted = this.push(bytes)
      return
    }
    if (this.#held !== undefined) this.#isWanted = this.push(this.#held)
    this.#held = bytes
    // The end must be requested.
    if (length !== undefined) this.#isWanted = true
  }

  #settle(): void {
    if (this.#isDone || !this.#hasEnded || this.reply === undefined) return
    const { length } = this.#plan
    if (length !== undefined && this.#received < length) {
      const text = `The server sent ${this.#received} bytes, but announced ${length}.`
      this.#fail(new FtpConnectionError(text))
      return
    }
    if (this.#held !== undefined) this.push(this.#held)
    this.push(null)
    this.#finish()
  }

  #fail(error: Error): void {
    if (this.#isDone) return
    this.#failure = error
    this.#finish()
    if (this.readableLength === 0) this.#giveError()
  }

  #giveError(): void {
    const error = this.#failure
    if (error !== undefined) process.nextTick(() => this.destroy(error))
  }

  #idle(ms: number): void {
    if (this.#isWanted) this.#fail(new FtpConnectionError(`No byte came for ${ms / 1000} s.`, { kind: 'timeout' }))
    else this.#timer?.refresh()
  }

  /** Closes the data connection and waits, in parallel to its reader, until the control connection is free. */
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
