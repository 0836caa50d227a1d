import { ChunkedReader } from './chunked.ts'
import { type AnswerHead, MalformedAnswer, parseHead } from './head.ts'

/** Told what an answer consists of, in this order. */
export interface AnswerParts {
  /** The server wants the body that was announced by `expect: 100-continue`. */
  onContinue(): void
  onHead(head: AnswerHead): void
  onBody(bytes: Buffer): void
}

const MAX_HEAD = 64 * 1024
const END_OF_HEAD = Buffer.from('\r\n\r\n')

/** How the end of a body shows: by its length, by its last chunk, or by the end of the connection. */
type Framing = 'length' | 'chunked' | 'close'

/** Reads the answers that come over one connection, one at a time. (RFC 9112) */
export class AnswerParser {
  #parts: AnswerParts | undefined
  #method = ''
  #framing: Framing | undefined
  #left = 0
  #chunked: ChunkedReader | undefined
  #unread: Buffer | undefined
  #reusable = false
  #keepAlive: string | undefined

  /** Whether an answer is expected or has begun. */
  get active(): boolean {
    return this.#parts !== undefined
  }

  /** Whether another request may follow on the connection, after the end of an answer. */
  get reusable(): boolean {
    return this.#reusable
  }

  /** The header `keep-alive` of the last answer. */
  get keepAlive(): string | undefined {
    return this.#keepAlive
  }

  /** Expects the answer to a request. */
  start(method: string, parts: AnswerParts): void {
    this.#method = method
    this.#parts = parts
    this.#framing = undefined
  }

  /** Takes bytes; whether the answer is over with them. Throws `MalformedAnswer`. */
  feed(bytes: Buffer): boolean {
    const parts = this.#parts
    if (parts === undefined) throw new MalformedAnswer('bytes that nobody asked for')
    let rest = bytes
    while (this.#framing === undefined) {
      const after = this.#readHead(rest, parts)
      if (after === undefined) return false
      rest = after
      if (this.#parts === undefined) return true
    }
    if (rest.byteLength === 0) return false
    if (this.#framing === 'length') return this.#readLength(rest, parts)
    if (this.#framing === 'chunked') {
      const behind = this.#chunked!.feed(rest, piece => parts.onBody(piece))
      if (behind >= 0) this.#end(behind === 0)
      return behind >= 0
    }
    parts.onBody(rest)
    return false
  }

  /** The server has said that no more comes; whether that is the end of the answer. */
  finish(): boolean {
    if (this.#framing !== 'close') return false
    this.#end(false)
    return true
  }

  /** Gives what follows the head, or nothing while it is incomplete. */
  #readHead(bytes: Buffer, parts: AnswerParts): Buffer | undefined {
    const all = this.#unread === undefined ? bytes : Buffer.concat([this.#unread, bytes])
    this.#unread = undefined
    const end = all.indexOf(END_OF_HEAD)
    if (end < 0 || end > MAX_HEAD) {
      if (all.byteLength > MAX_HEAD) throw new MalformedAnswer(`more than ${MAX_HEAD} bytes of headers`)
      if (!mayBeHttp(all)) throw new MalformedAnswer('no status line')
      this.#unread = all
      return undefined
    }
    const rest = all.subarray(end + 4)
    const head = parseHead(all.toString('latin1', 0, end))
    const { status } = head
    if (status === 101) throw new MalformedAnswer('an upgrade that nobody asked for')
    if (status < 200) {
      if (status === 100) parts.onContinue()
      return rest
    }
    this.#frame(head)
    parts.onHead(head)
    if (this.#framing === 'length' && this.#left === 0) this.#end(rest.byteLength === 0)
    return rest
  }

  /** Finds out how long the body is. (RFC 9112 section 6.3) */
  #frame({ status, headers, old }: AnswerHead): void {
    const { connection, 'transfer-encoding': coding, 'content-length': length } = headers
    const keepAlive = headers['keep-alive']
    this.#keepAlive = typeof keepAlive === 'string' ? keepAlive : undefined
    this.#reusable = old ? hasToken(connection, 'keep-alive') : !hasToken(connection, 'close')
    this.#framing = 'length'
    if (this.#method === 'HEAD' || status === 204 || status === 304) this.#left = 0
    else if (coding !== undefined) {
      if (coding.toLowerCase() !== 'chunked') throw new MalformedAnswer('an unknown transfer coding')
      // Of two framings the length does not count, and HTTP/1.0 has no such coding: the server is not to be trusted
      // with another request. (RFC 9112 sections 6.1 and 6.3)
      if (length !== undefined || old) this.#reusable = false
      this.#framing = 'chunked'
      this.#chunked = new ChunkedReader()
    } else if (length !== undefined) {
      if (!/^\d{1,15}$/.test(length)) throw new MalformedAnswer('a length that is no number')
      this.#left = Number(length)
    } else this.#framing = 'close'
  }

  #readLength(bytes: Buffer, parts: AnswerParts): boolean {
    const behind = bytes.byteLength - this.#left
    this.#left = Math.max(0, -behind)
    parts.onBody(behind > 0 ? bytes.subarray(0, -behind) : bytes)
    if (behind < 0) return false
    this.#end(behind === 0)
    return true
  }

  #end(clean: boolean): void {
    this.#reusable &&= clean
    this.#parts = undefined
    this.#framing = undefined
    this.#chunked = undefined
  }
}

function mayBeHttp(bytes: Buffer): boolean {
  const begin = bytes.toString('latin1', 0, 7)
  return 'HTTP/1.'.startsWith(begin)
}

function hasToken(value: string | undefined, token: string): boolean {
  if (value === undefined) return false
  const lower = value.toLowerCase()
  return lower === token || lower.split(',').some(part => part.trim() === token)
}
