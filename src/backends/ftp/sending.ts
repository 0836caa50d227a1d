import type { Socket } from 'node:net'
import { abortable, onAbort } from '../../core/abort.ts'
import type { CallContext } from '../../core/call.ts'
import { type Content, contentChunks } from '../../core/content.ts'
import type { FtpConnection } from './connection.ts'
import type { Transfer } from './control.ts'
import { openData } from './data-connection.ts'
import { FtpConnectionError, isRefusal } from './errors.ts'

const SLICE = 256 * 1024
/** How long to wait for the reason of a broken data connection, in ms. */
const REASON_MS = 2_000

/** The result of sending a file. */
export interface Sent {
  readonly bytes: number
  /** The reason why it is not certain that all bytes were stored; undefined if the server has confirmed them. */
  readonly doubt: unknown
}

/** Options for sending a file. */
export interface SendOptions {
  readonly onProgress?: ((bytes: number) => void) | undefined
  readonly touch: () => void
  readonly state: SendState
}

/** State for the clean-up after a failed transfer. */
export interface SendState {
  /** Whether the file may exist. */
  isMade: boolean
  /** Settles when the connection is usable again, or closed. */
  settled?: Promise<void> | undefined
}

/** Answers after which only the size shows whether a file is complete. */
const DOUBTFUL = [425, 426, 450]

/**
 * Stores content under a path with STOR. If the server refuses, none of the content was read. When this returns, all bytes were sent;
 * `doubt` is set if the last answer was lost or bad. After a failure the connection is in use until `state.settled`.
 */
export async function send(
  connection: FtpConnection,
  path: string,
  content: Content,
  { onProgress, touch, state }: SendOptions,
  ctx: CallContext,
): Promise<Sent> {
  const { control } = connection
  const { signal } = ctx
  const data = await openData(connection, 'send', signal)
  let transfer: Transfer | undefined
  let socket: Socket
  let bytes = 0
  try {
    transfer = control.transfer(`STOR ${path}`)
    await abortable(transfer.begun, signal)
    state.isMade = true
    socket = await data.ready(signal)
    const outlet = new Outlet(socket, transfer)
    for await (const chunk of contentChunks(content, ctx, onProgress)) {
      for (let at = 0; at < chunk.byteLength; at += SLICE) {
        const slice = chunk.byteLength <= SLICE ? chunk : chunk.subarray(at, at + SLICE)
        const room = outlet.write(slice, content.refills === true)
        if (room !== undefined) await abortable(room, signal)
        ctx.progress()
        touch()
      }
      bytes += chunk.byteLength
    }
    await abortable(outlet.end(), signal)
  } catch (error) {
    data.close()
    if (transfer === undefined) throw error
    // A refusal is the last answer. After any other error, the last answer is still to come, and the file may exist.
    if (!isRefusal(error)) {
      state.isMade = true
      state.settled = control.settle(transfer)
    }
    throw error
  }
  try {
    await confirmed(transfer, socket, connection, signal)
    return { bytes, doubt: undefined }
  } catch (error) {
    if (signal.aborted || (isRefusal(error) && !DOUBTFUL.includes(error.status) && error.status !== 421)) throw error
    return { bytes, doubt: error }
  } finally {
    data.close()
  }
}

/** The last answer. If it is missing, the connection is closed before the call's own timeout: the size can then still be checked. */
async function confirmed(
  transfer: Transfer,
  socket: Socket,
  { control, options }: FtpConnection,
  signal: AbortSignal,
): Promise<void> {
  const giveUp = (): void => control.close()
  const timers = [options.idleTimeoutMs].flatMap(ms => (ms === undefined ? [] : [setTimeout(giveUp, ms / 2)]))
  // Bytes that were sent are then lost, and the server knows it.
  const failed = (): void => void timers.push(setTimeout(giveUp, REASON_MS))
  socket.on('error', failed)
  const off = onAbort(signal, giveUp)
  try {
    await abortable(transfer.done, signal)
  } finally {
    socket.off('error', failed)
    for (const timer of timers) clearTimeout(timer)
    off()
  }
}

/** The writing side of a data connection. If it ends early, the next call throws the error, with the server's reason if there is one. */
class Outlet {
  readonly #socket: Socket
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  constructor(socket: Socket, transfer: Transfer) {
    this.#socket = socket
    const lost = (cause?: unknown): void => {
      setTimeout(() => this.#fail(broken(cause)), REASON_MS).unref()
      transfer.done.then(
        () => this.#fail(broken(cause)),
        error => this.#fail(error),
      )
    }
    socket.on('error', lost)
    socket.on('close', () => {
      if (!socket.writableFinished) lost()
    })
    socket.on('drain', () => this.#wake?.())
    // A success before the end of the data is not valid.
    transfer.done.then(
      () => {
        if (!socket.writableEnded) this.#fail(broken())
      },
      error => this.#fail(error),
    )
    // With TLS, the server sends session tickets; any server may end the connection.
    socket.resume()
    if (socket.destroyed) lost()
  }

  /** Returns a promise if there is no room for more bytes; with `isReused`, one that waits until the bytes may be overwritten. */
  write(bytes: Uint8Array, isReused: boolean): Promise<void> | undefined {
    this.#check()
    if (!isReused) return this.#socket.write(bytes) ? undefined : this.#until(() => !this.#socket.writableNeedDrain)
    let isWritten = false
    this.#socket.write(bytes, () => {
      isWritten = true
      this.#wake?.()
    })
    return this.#until(() => isWritten)
  }

  /** Ends the data: all bytes were sent, and with TLS also its end (close_notify). */
  async end(): Promise<void> {
    this.#socket.end(() => this.#wake?.())
    await this.#until(() => this.#socket.writableFinished)
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (this.#failure === undefined && !isSo()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await promise
    }
    this.#check()
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#wake?.()
  }
}

function broken(cause?: unknown): FtpConnectionError {
  return new FtpConnectionError('The data connection broke before all bytes were sent.', { cause })
}
