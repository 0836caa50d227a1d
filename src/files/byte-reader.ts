import type { CallContext } from '../core/call.ts'
import type { RandomAccess } from '../core/driver.ts'

const BLOCK = 64 * 1024
const LARGE = 1024 * 1024
const LF = 10
const CR = 13

/** Buffered sequential reading over a `RandomAccess`, so that a line does not cost one read per byte. */
export class ByteReader {
  /** Offset in bytes of the next read. */
  position = 0
  readonly #access: RandomAccess
  #buffer: Buffer = Buffer.alloc(0)
  #start = 0

  constructor(access: RandomAccess) {
    this.#access = access
  }

  /** Discards the buffer: the bytes below have changed. */
  invalidate(): void {
    this.#buffer = Buffer.alloc(0)
  }

  /** Returns exactly `length` bytes unless the end comes first; without `length` all the rest. */
  async bytes(length: number | undefined, ctx: CallContext): Promise<Buffer> {
    const wanted = length ?? Number.POSITIVE_INFINITY
    const parts: Buffer[] = []
    let got = 0
    while (got < wanted) {
      const missing = wanted - got
      let part = this.#rest()
      if (part.length > 0) part = part.subarray(0, Math.min(part.length, missing))
      else if (missing >= BLOCK) part = await this.#access.read(this.position, Math.min(missing, LARGE), ctx)
      else part = (await this.#atLeast(1, ctx)).subarray(0, missing)
      if (part.length === 0) break
      parts.push(part)
      got += part.length
      this.position += part.length
    }
    const only = parts.length === 1 ? parts[0] : undefined
    // Bytes from the buffer are copied, since callers may change the result.
    return only !== undefined && only.length >= BLOCK ? only : Buffer.concat(parts, got)
  }

  /**
   * Returns exactly `count` code points unless the end comes first. `\r\n` counts as one and is returned as `\n`, and so is a lone `\r`.
   */
  async text(count: number | undefined, ctx: CallContext): Promise<string> {
    if (count === undefined) return decode(await this.bytes(undefined, ctx))
    const parts: Buffer[] = []
    let missing = count
    while (missing > 0) {
      const view = await this.#atLeast(4, ctx)
      if (view.length === 0) break
      const last = view.length < 4 ? view.length : view.length - 3
      let end = 0
      while (end < last && missing > 0) {
        end += unitLength(view, end)
        missing -= 1
      }
      parts.push(view.subarray(0, end))
      this.position += end
    }
    return decode(Buffer.concat(parts))
  }

  /** Returns the next line with its line end, empty at the end of the file. With `universal`, a lone `\r` also ends a line. */
  async line(universal: boolean, ctx: CallContext): Promise<Buffer> {
    const parts: Buffer[] = []
    for (;;) {
      const view = await this.#atLeast(1, ctx)
      if (view.length === 0) break
      const end = universal ? newlineIn(view) : view.indexOf(LF)
      const part = end === -1 ? view : view.subarray(0, end + 1)
      parts.push(part)
      this.position += part.length
      if (end === -1) continue
      if (view[end] === CR) {
        const next = await this.#atLeast(1, ctx)
        if (next[0] === LF) {
          parts.push(next.subarray(0, 1))
          this.position += 1
        }
      }
      break
    }
    return Buffer.concat(parts)
  }

  #rest(): Buffer {
    const from = this.position - this.#start
    return from >= 0 && from < this.#buffer.length ? this.#buffer.subarray(from) : this.#buffer.subarray(0, 0)
  }

  /** Returns the buffered bytes from `position` on: at least `length` of them unless the file ends before. */
  async #atLeast(length: number, ctx: CallContext): Promise<Buffer> {
    let rest = this.#rest()
    while (rest.length < length) {
      const more = await this.#access.read(this.position + rest.length, BLOCK, ctx)
      if (more.length === 0) break
      rest = rest.length === 0 ? more : Buffer.concat([rest, more])
      this.#buffer = rest
      this.#start = this.position
    }
    return rest
  }
}

/** Decodes UTF-8 to text with `\n` as the only line end; an invalid byte becomes U+FFFD. */
export function decode(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text
}

function unitLength(view: Buffer, at: number): number {
  const lead = view[at] as number
  if (lead < 0x80) return lead === CR && view[at + 1] === LF ? 2 : 1
  const whole = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1
  let length = 1
  while (length < whole && ((view[at + length] ?? 0) & 0xc0) === 0x80) length += 1
  return length
}

function newlineIn(view: Buffer): number {
  for (let at = 0; at < view.length; at += 1) {
    const byte = view[at]
    if (byte === LF || byte === CR) return at
  }
  return -1
}
