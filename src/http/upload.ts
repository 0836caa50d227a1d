import { Readable } from 'node:stream'
import { StorageError } from '../core/errors.ts'
import type { Connection } from './connection.ts'
import type { HttpRequest } from './request.ts'

const SLICE = 256 * 1024

/** A body on its way. */
export interface Upload {
  /** Whether bytes are still to be handed over. */
  readonly active: boolean
  /** The connection takes more. */
  onDrain(): void
  /** Sends no more. A stream is destroyed. */
  stop(): void
}

/** Told how a body gets on. */
export interface UploadEvents {
  onProgress(): void
  /** All of it was handed over. */
  onSent(): void
  /** The stream ended early, or its length is wrong. */
  onFailed(error: unknown): void
}

/** Sends bytes piece by piece, so that progress shows on a slow line; they are not copied. */
export class BytesUpload implements Upload {
  readonly #connection: Connection
  readonly #pieces: readonly Uint8Array[]
  readonly #events: UploadEvents
  #piece = 0
  #position = 0
  active = true

  constructor(connection: Connection, pieces: readonly Uint8Array[], events: UploadEvents) {
    this.#connection = connection
    this.#pieces = pieces
    this.#events = events
  }

  onDrain(): void {
    while (this.active) {
      this.#events.onProgress()
      const slice = this.#next()
      if (slice === undefined) {
        this.active = false
        this.#events.onSent()
      } else if (!this.#connection.write(slice)) return
    }
  }

  stop(): void {
    this.active = false
  }

  #next(): Uint8Array | undefined {
    const bytes = this.#pieces[this.#piece]
    if (bytes === undefined) return undefined
    const slice = bytes.subarray(this.#position, (this.#position += SLICE))
    if (this.#position < bytes.byteLength) return slice
    this.#piece++
    this.#position = 0
    return slice
  }
}

/** How a stream is framed. */
interface Framing {
  /** Where announced, it has to be exactly the bytes of the stream. */
  readonly length: number | undefined
  /** Whether the body goes in chunked coding (RFC 9112 section 7.1). */
  readonly chunked: boolean
}

/** Sends a stream as fast as the connection takes it. Whoever owns it hears its errors. */
export class StreamUpload implements Upload {
  readonly #connection: Connection
  readonly #source: Readable
  readonly #framing: Framing
  readonly #events: UploadEvents
  #sent = 0
  active = true

  constructor(connection: Connection, source: Readable, framing: Framing, events: UploadEvents) {
    this.#connection = connection
    this.#source = source
    this.#framing = framing
    this.#events = events
    if (source.errored) process.nextTick(this.#fail, source.errored)
    else if (source.readableEnded) process.nextTick(this.#onEnd)
    else if (source.destroyed) process.nextTick(this.#onClose)
    else source.on('end', this.#onEnd).on('close', this.#onClose).on('data', this.#onData)
  }

  onDrain(): void {
    if (!this.active) return
    this.#events.onProgress()
    this.#source.resume()
  }

  stop(): void {
    if (this.active) this.#release()
    this.#source.destroy()
  }

  readonly #onData = (chunk: Uint8Array | string): void => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk
    const { length, chunked } = this.#framing
    if (bytes.byteLength === 0) return
    this.#sent += bytes.byteLength
    this.#events.onProgress()
    if (length !== undefined && this.#sent > length) this.#fail(wrongLength(length, `at least ${this.#sent}`))
    else {
      const more = chunked
        ? this.#connection.writeAll([`${bytes.byteLength.toString(16)}\r\n`, bytes, '\r\n'])
        : this.#connection.write(bytes)
      if (!more) this.#source.pause()
    }
  }

  readonly #onEnd = (): void => {
    const { length, chunked } = this.#framing
    if (!this.active) return
    if (length !== undefined && this.#sent < length) {
      this.#fail(wrongLength(length, `${this.#sent}`))
      return
    }
    this.#release()
    if (chunked) this.#connection.write('0\r\n\r\n')
    this.#events.onSent()
  }

  readonly #onClose = (): void =>
    this.#fail(new StorageError('unknown', 'The content ended before all of it was sent.'))

  readonly #fail = (error: unknown): void => {
    if (!this.active) return
    this.stop()
    this.#events.onFailed(error)
  }

  #release(): void {
    this.active = false
    this.#source.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose)
  }
}

/** The bytes of a body that is no stream. */
export function piecesOf(body: HttpRequest['body']): readonly Uint8Array[] {
  if (body === undefined || body instanceof Readable) return []
  if (typeof body === 'string') return [Buffer.from(body, 'utf8')]
  return body instanceof Uint8Array ? [body] : body
}

function wrongLength(announced: number, given: string): StorageError {
  return new StorageError('invalid_argument', `The content has ${given} bytes, but ${announced} were announced.`)
}
