import { Readable } from 'node:stream'
import { StorageError } from '../../core/errors.ts'
import type { Channel } from './channel.ts'
import { isStatus, STATUS } from './errors.ts'

/** Maximum number of parallel requests for one file. */
const WINDOW = 16
/** Bytes of the first request beyond the expected end of a file: usually there are none. */
const BEYOND = 4096
/** Maximum number of consecutive answers without a byte. */
const MAX_EMPTY = 4

/** The range of bytes to read. */
export interface ReaderRange {
  readonly start: number
  /** Exclusive. Default: the end of the file. */
  readonly end?: number | undefined
  /** The expected end of the file: beyond it, only one request is sent at a time. */
  readonly expected?: number | undefined
  /** Whether reading starts with few requests, since the caller may want only a part. */
  readonly isCautious?: boolean | undefined
  /** Ends pending requests. */
  readonly signal?: AbortSignal | undefined
}

/** A request that was sent, and its result. */
interface Part {
  readonly position: number
  readonly length: number
  readonly bytes: Promise<Buffer>
}

/**
 * Reads a range of an open file with several parallel requests, in order. If an answer has fewer bytes than requested, the rest is
 * requested again; only the server's EOF is the end of the file.
 */
export class PieceReader {
  readonly #channel: Channel
  readonly #handle: Buffer
  readonly #end: number
  readonly #expected: number
  readonly #parts: Part[] = []
  readonly #signal: AbortSignal | undefined
  #asked: number
  #isOver = false
  #window: number
  /** Bytes of the next request beyond the expected end: increased each time that there are bytes. */
  #beyond = BEYOND

  constructor(channel: Channel, handle: Buffer, { start, end, expected, isCautious = false, signal }: ReaderRange) {
    this.#signal = signal
    this.#window = isCautious ? 1 : WINDOW
    this.#channel = channel
    this.#handle = handle
    this.#asked = start
    this.#end = end ?? Number.POSITIVE_INFINITY
    this.#expected = expected ?? Number.POSITIVE_INFINITY
  }

  /** Sends the first requests. */
  begin(): void {
    while (!this.#isOver && this.#parts.length < this.#window && this.#asked < this.#end) {
      const isBeyond = this.#asked >= this.#expected
      // One byte is enough to find out that the file has ended.
      if (isBeyond && this.#parts.length > 0 && this.#parts.at(-1)!.position >= this.#expected) return
      const room = isBeyond ? this.#beyond : this.#expected - this.#asked
      const length = Math.min(room, this.#channel.piece, this.#end - this.#asked)
      if (isBeyond) this.#beyond *= 4
      this.#parts.push(this.#part(this.#asked, length))
      this.#asked += length
    }
  }

  /** The next bytes; undefined at the end. */
  async next(): Promise<Buffer | undefined> {
    this.begin()
    const part = this.#parts.shift()
    if (part === undefined) return undefined
    const bytes = await part.bytes
    if (bytes.byteLength === 0) {
      // Requests beyond the end are useless.
      this.stop()
      return undefined
    }
    if (bytes.byteLength < part.length) {
      const position = part.position + bytes.byteLength
      this.#parts.unshift(this.#part(position, part.length - bytes.byteLength))
    }
    this.#window = Math.min(WINDOW, 2 * this.#window)
    this.begin()
    return bytes
  }

  /** Whether there is not even one byte. */
  async isEmpty(): Promise<boolean> {
    this.begin()
    const [first] = this.#parts
    return first === undefined || (await first.bytes).byteLength === 0
  }

  /** Sends no more requests. */
  stop(): void {
    this.#isOver = true
    this.#parts.length = 0
  }

  #part(position: number, length: number): Part {
    const bytes = readOnce(this.#channel, this.#handle, position, length, this.#signal)
    // It may fail before it is read, or after reading has ended.
    bytes.catch(() => undefined)
    return { position, length, bytes }
  }
}

/** One request: returns at least one byte, or none at the end of the file. */
export async function readOnce(
  channel: Channel,
  handle: Buffer,
  position: number,
  length: number,
  signal?: AbortSignal,
): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  for (let tries = 1; tries <= MAX_EMPTY; tries++) {
    try {
      const count = await channel.read(handle, buffer, position, signal)
      if (count > 0) return count === length ? buffer : buffer.subarray(0, count)
    } catch (error) {
      if (isStatus(error, STATUS.eof)) return buffer.subarray(0, 0)
      throw error
    }
  }
  throw new StorageError('unavailable', 'The server returns no bytes, and does not report the end of the file.')
}

/** All the bytes of a reader. */
export async function readAll(reader: PieceReader): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (let piece = await reader.next(); piece !== undefined; piece = await reader.next()) pieces.push(piece)
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
}

/** A stream of a reader's bytes; `done` is called when it has ended or was destroyed, `moved` for each piece. */
export function readerStream(reader: PieceReader, piece: number, done: () => void, moved: () => void): Readable {
  return new Readable({
    highWaterMark: piece,
    read() {
      reader.next().then(
        bytes => {
          if (bytes === undefined) done()
          else moved()
          this.push(bytes ?? null)
        },
        error => this.destroy(error),
      )
    },
    destroy(error, closed) {
      reader.stop()
      done()
      closed(error)
    },
  })
}
