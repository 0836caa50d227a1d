import type { Socket } from 'node:net'
import { MalformedAnswer } from './head.ts'
import { AnswerParser, type AnswerParts } from './parser.ts'

/** The request that a connection serves. */
export interface Served extends AnswerParts {
  /** What was written has been taken; there is room for more. */
  onDrain(): void
  /** The whole answer was given. */
  onEnd(): void
  /** The connection was lost, by this error or without one, before the request was sent and answered. */
  onLost(error: unknown): void
}

/** Who gets a connection back. */
export interface Home {
  /** It is free for another request. */
  onFree(connection: Connection): void
  /** It is gone. */
  onGone(connection: Connection): void
}

/** Servers close idle connections; it takes so many milliseconds to hear of it. */
const HINT_MARGIN_MS = 1000

/** One connection, which serves one request at a time. */
export class Connection {
  readonly #socket: Socket
  readonly #home: Home
  readonly #parser = new AnswerParser()
  #served: Served | undefined
  #requestSent = true
  #requests = 0
  /** Whether a byte came since the request began. */
  #heard = false
  /** When the server is going to close it, by `performance.now()`. */
  #usableUntil = Number.POSITIVE_INFINITY
  #error: unknown

  /** Takes over a socket that is open or about to be; its home hears nothing before the first request. */
  constructor(socket: Socket, home: Home) {
    this.#socket = socket
    this.#home = home
    socket.on('data', bytes => this.#onData(bytes))
    socket.on('end', () => this.#onEnd())
    socket.on('drain', () => this.#served?.onDrain())
    socket.on('error', error => {
      this.#error = error
    })
    socket.on('close', () => this.#onClose())
  }

  /** Whether the server may have closed it before it saw this request: it served another, and no byte came since. */
  get maybeStale(): boolean {
    return this.#requests > 1 && !this.#heard
  }

  /** Whether a free connection can still serve. */
  get usable(): boolean {
    if (!this.#socket.writable) return false
    return this.#usableUntil === Number.POSITIVE_INFINITY || performance.now() < this.#usableUntil
  }

  /** Begins a request, whose head and body are then written. */
  begin(served: Served, method: string): void {
    this.#served = served
    this.#requestSent = false
    this.#heard = false
    this.#requests++
    if (this.#requests > 1) this.#socket.ref()
    this.#parser.start(method, served)
  }

  /** Sends bytes, or text in Latin-1; false asks to wait for `onDrain`. */
  write(data: Uint8Array | string): boolean {
    return typeof data === 'string' ? this.#socket.write(data, 'latin1') : this.#socket.write(data)
  }

  /** Sends several pieces at once. */
  writeAll(pieces: ReadonlyArray<Uint8Array | string>): boolean {
    this.#socket.cork()
    let more = true
    for (const piece of pieces) more = this.write(piece)
    this.#socket.uncork()
    return more
  }

  /** The request was written to its end. */
  sent(): void {
    this.#requestSent = true
    if (!this.#parser.active) this.#free()
  }

  /** Reads no more until `resume`. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Closes it at once. */
  destroy(): void {
    this.#socket.destroy()
  }

  #onData(bytes: Buffer): void {
    this.#heard = true
    let over: boolean
    try {
      over = this.#parser.feed(bytes)
    } catch (error) {
      this.#error = error
      this.#socket.destroy()
      // A listener of whoever reads the body threw: no answer's fault, so it goes where errors of listeners go.
      if (!(error instanceof MalformedAnswer)) throw error
      return
    }
    if (over) this.#over()
  }

  #onEnd(): void {
    if (this.#parser.active && this.#parser.finish()) this.#over()
    this.#socket.destroy()
  }

  #over(): void {
    const served = this.#served!
    if (this.#requestSent) this.#free()
    else if (!this.#parser.reusable) this.#socket.destroy()
    served.onEnd()
  }

  #free(): void {
    this.#served = undefined
    const { keepAlive, reusable } = this.#parser
    const keepMs = keepAlive === undefined ? Number.POSITIVE_INFINITY : keptFor(keepAlive)
    // What has arrived behind the answer, while reading was paused, must not become the answer to the next request.
    if (!reusable || keepMs <= 0 || !this.#socket.writable || this.#socket.readableLength > 0) {
      this.#socket.destroy()
      return
    }
    this.#usableUntil = keepMs === Number.POSITIVE_INFINITY ? keepMs : performance.now() + keepMs
    // An idle connection does not keep the process alive.
    this.#socket.unref()
    if (this.#socket.isPaused()) this.#socket.resume()
    this.#home.onFree(this)
  }

  #onClose(): void {
    this.#home.onGone(this)
    const served = this.#served
    this.#served = undefined
    served?.onLost(this.#error)
  }
}

/** Milliseconds for which a server says that it keeps an idle connection, less a margin: `timeout=5`. */
function keptFor(hint: string): number {
  const secs = /(?:^|[,\s])timeout\s*=\s*(\d+)/i.exec(hint)?.[1]
  return secs === undefined ? Number.POSITIVE_INFINITY : Number(secs) * 1000 - HINT_MARGIN_MS
}
