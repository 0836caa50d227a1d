import type { Socket } from 'node:net'
import { onAbort } from '../../core/abort.ts'
import { nodeNet } from '../../core/builtin.ts'
import { messageOf, StorageError } from '../../core/errors.ts'
import type { SftpSession, SshClient } from './ssh2.ts'

/** Milliseconds until an ended connection must be closed. */
const END_MS = 1000
/** Milliseconds of silence after which the system checks the other side. */
const KEEP_ALIVE_MS = 15_000
/** Number of sessions that one connection is assumed to accept: sshd's `MaxSessions`. */
const MAX_SESSIONS = 10

/** A logged-in SSH connection, and the sessions on it. */
export class Link {
  readonly #client: SshClient
  readonly #socket: Socket
  readonly #closed: Promise<void>
  #alive = true
  #sessions = 0
  #busy = 0
  #limit = MAX_SESSIONS

  constructor(client: SshClient, socket: Socket) {
    this.#client = client
    this.#socket = socket
    this.#closed = new Promise(resolve => {
      socket.on('close', () => {
        this.#alive = false
        resolve()
      })
    })
    if (socket.destroyed) this.#alive = false
  }

  get isAlive(): boolean {
    return this.#alive
  }

  /** Whether another session may be opened on it. */
  get hasRoom(): boolean {
    return this.#alive && this.#sessions < this.#limit
  }

  /** Opens a session; undefined if the server accepts no more of them on this connection. */
  async session(signal: AbortSignal, secs: number): Promise<SftpSession | undefined> {
    this.#sessions++
    try {
      return await this.#open(signal, secs)
    } catch (error) {
      this.#sessions--
      if (this.#sessions > 0 && !signal.aborted) {
        this.#limit = this.#sessions
        return undefined
      }
      // A connection on which no session can be opened is useless.
      if (this.#sessions === 0) this.destroy()
      throw error
    }
  }

  /** Settles when an ended connection is closed; at once while the connection is used. */
  get ended(): Promise<void> {
    return this.#alive ? Promise.resolve() : this.#closed
  }

  /** Reports that a session ended; the connection ends with its last one. */
  left(): void {
    this.#sessions--
    if (this.#sessions === 0) this.end()
  }

  /** Reports whether a session is busy. Without a busy session, the connection does not keep the process alive. */
  keep(isBusy: boolean): void {
    this.#busy += isBusy ? 1 : -1
    if (this.#busy > 0) this.#socket.ref()
    else this.#socket.unref()
  }

  /** Accepts no more sessions. */
  retire(): void {
    this.#limit = 0
  }

  /** Ends the connection politely; if the server does not close it, it is cut. */
  end(): void {
    if (!this.#alive) return
    this.#alive = false
    // Keeps the process alive, so that `ended` settles.
    this.#socket.ref()
    this.#client.end()
    const timer = setTimeout(() => this.#socket.destroy(), END_MS)
    this.#closed.then(() => clearTimeout(timer))
  }

  /** Cuts the connection; pending requests on it fail. */
  destroy(): void {
    this.#alive = false
    this.#socket.destroy()
  }

  #open(signal: AbortSignal, secs: number): Promise<SftpSession> {
    return new Promise((resolve, reject) => {
      let over = false
      const end = (): void => {
        over = true
        clearTimeout(timer)
        off()
      }
      const fail = (error: unknown): void => {
        end()
        reject(error)
      }
      const timer = setTimeout(() => fail(timedOut('channel_timeout', 'begun no SFTP session', secs)), secs * 1000)
      const off = onAbort(signal, () => fail(signal.reason))
      const opened = (error?: Error | null, session?: SftpSession): void => {
        // Late errors must not end the process, and a late session is not used.
        session?.on('error', () => undefined)
        if (over) session?.end()
        else if (session !== undefined) {
          // ssh2 also returns the session of a channel that the server has just closed, and reports the close immediately afterwards.
          let isClosed = false
          session.on('close', () => {
            isClosed = true
          })
          end()
          queueMicrotask(() => {
            if (!isClosed) return resolve(session)
            session.end()
            reject(lost())
          })
        } else if (this.#socket.destroyed || error === null || error === undefined) fail(lost())
        else
          fail(
            new StorageError('unsupported', `The server opens no SFTP session: ${messageOf(error)}`, { cause: error }),
          )
      }
      try {
        this.#client.sftp(opened)
      } catch {
        fail(lost())
      }
    })
  }
}

/** Timeouts of the steps of a connection, in seconds. */
export interface LinkTimes {
  readonly bannerTimeout: number
  readonly authTimeout: number
}

/** Connects a socket that sends each request at once. Otherwise each request would wait for the answer to the one before. */
export function connectSocket(host: string, port: number, secs: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const socket = nodeNet().connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
    })
    const over = (): void => {
      clearTimeout(timer)
      off()
    }
    const fail = (error: unknown): void => {
      over()
      socket.on('error', () => undefined).destroy()
      reject(error)
    }
    const timer = setTimeout(() => fail(timedOut('timeout', 'not answered', secs)), secs * 1000)
    const off = onAbort(signal, () => fail(signal.reason))
    socket.once('error', error => {
      fail(
        new StorageError('unavailable', `The server cannot be reached: ${messageOf(error)}`, {
          cause: error,
          outcome: 'not_applied',
        }),
      )
    })
    socket.once('connect', () => {
      over()
      socket.removeAllListeners('error')
      gatherWrites(socket)
      resolve(socket)
    })
  })
}

/** The error of a server that took too long; `name` is the parameter of the timeout. */
export function timedOut(name: string, what: string, secs: number): StorageError {
  return new StorageError('timeout', `The server has ${what} in ${secs} s (${name}).`, { outcome: 'not_applied' })
}

/** The error of a connection that was lost. */
export function lost(cause?: unknown): StorageError {
  return new StorageError('unavailable', 'The connection to the server was lost.', { cause })
}

/** Sends all writes of one turn of the event loop together: ssh2 writes each packet in three or four pieces. */
function gatherWrites(socket: Socket): void {
  const write = socket.write.bind(socket) as (...given: unknown[]) => boolean
  const gathered = (...given: unknown[]): boolean => {
    if (socket.writableCorked === 0) {
      socket.cork()
      process.nextTick(() => socket.uncork())
    }
    return write(...given)
  }
  socket.write = gathered as typeof socket.write
}
