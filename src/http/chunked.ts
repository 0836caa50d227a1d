import { MalformedAnswer } from './head.ts'

const MAX_LINE = 8 * 1024
const MAX_TRAILERS = 64 * 1024
const LF = 0x0a
const SIZE = /^([\da-f]{1,13})[ \t]*(?:;|$)/i

type State = 'size' | 'data' | 'data_end' | 'trailer'

/** Reads a body in chunked coding; extensions and trailers are skipped. (RFC 9112 section 7.1) */
export class ChunkedReader {
  #state: State = 'size'
  #line = ''
  #left = 0
  #trailers = 0

  /** Gives the bytes to `take`; the number of those behind the body's end, or -1 while it goes on. */
  feed(bytes: Buffer, take: (bytes: Buffer) => void): number {
    let at = 0
    while (at < bytes.byteLength) {
      if (this.#state === 'data') {
        const end = Math.min(bytes.byteLength, at + this.#left)
        this.#left -= end - at
        if (this.#left === 0) this.#state = 'data_end'
        take(bytes.subarray(at, end))
        at = end
        continue
      }
      const end = bytes.indexOf(LF, at)
      this.#line += bytes.toString('latin1', at, end < 0 ? bytes.byteLength : end + 1)
      if (this.#line.length > MAX_LINE) throw new MalformedAnswer('a chunk line without an end')
      if (end < 0) break
      at = end + 1
      if (this.#onLine()) return bytes.byteLength - at
    }
    return -1
  }

  /** Whether that was the last line. */
  #onLine(): boolean {
    if (!this.#line.endsWith('\r\n')) throw new MalformedAnswer('a chunk line that does not end in CR LF')
    const line = this.#line.slice(0, -2)
    this.#line = ''
    if (this.#state === 'trailer') {
      this.#trailers += line.length
      if (this.#trailers > MAX_TRAILERS) throw new MalformedAnswer('too many trailers')
      return line === ''
    }
    if (this.#state === 'data_end') {
      if (line !== '') throw new MalformedAnswer('a chunk longer than announced')
      this.#state = 'size'
      return false
    }
    const size = SIZE.exec(line)?.[1]
    if (size === undefined) throw new MalformedAnswer('a chunk without a size')
    this.#left = Number.parseInt(size, 16)
    this.#state = this.#left === 0 ? 'trailer' : 'data'
    return false
  }
}
