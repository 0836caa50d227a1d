import { Readable } from 'node:stream'
import type { Content } from '../../core/content.ts'
import { type HeaderReader, type ImageInfo, PART, type Wanted } from './wanted.ts'

/** Maximum number of requested parts: a hostile file could lead through many. */
const MAX_STEPS = 100
/** Maximum number of requested bytes. */
const MAX_BYTES = 1024 * 1024

/** The parts that a reader requests, within these limits. */
class Steps {
  wanted: Wanted | undefined
  info: ImageInfo | undefined
  readonly #reader: HeaderReader
  #steps = 0
  #bytes = 0

  constructor(reader: HeaderReader) {
    this.#reader = reader
    this.#take(() => reader.next())
  }

  give(bytes: Uint8Array): void {
    this.#take(() => this.#reader.next(bytes))
  }

  #take(step: () => IteratorResult<Wanted, ImageInfo | undefined>): void {
    this.wanted = undefined
    let result: IteratorResult<Wanted, ImageInfo | undefined>
    try {
      result = step()
    } catch {
      return // A number that points outside of the file: the size is unknown.
    }
    if (result.done) {
      this.info = result.value
      return
    }
    this.#steps += 1
    this.#bytes += result.value.length
    const { offset, length } = result.value
    const isPlace = Number.isSafeInteger(offset + length) && offset >= 0 && length >= 0
    if (isPlace && this.#steps <= MAX_STEPS && this.#bytes <= MAX_BYTES) this.wanted = result.value
  }
}

/** Reads a header by ranges. */
export async function readByRanges(
  reader: HeaderReader,
  read: (start: number, end: number) => Promise<Uint8Array>,
): Promise<ImageInfo | undefined> {
  const steps = new Steps(reader)
  let part: Uint8Array = new Uint8Array()
  let from = 0
  for (let { wanted } = steps; wanted !== undefined; wanted = steps.wanted) {
    const { offset, length } = wanted
    const isAtHand = offset >= from && offset + length <= from + part.length
    if (!isAtHand) {
      // Reads a little more than requested, to save the next requests.
      part = await read(offset, offset + Math.max(length, PART))
      from = offset
    }
    steps.give(part.subarray(offset - from, offset - from + length))
  }
  return steps.info
}

/** Returns content whose header is read while it is streamed; only the requested part is kept in memory. */
export function observed(
  content: Content,
  begin: () => HeaderReader,
): { readonly content: Content; found(): ImageInfo | undefined } {
  if (content.bytes !== undefined) {
    const { bytes } = content
    let steps: Steps | undefined
    const found = (): ImageInfo | undefined => {
      if (steps !== undefined) return steps.info
      steps = new Steps(begin())
      for (let { wanted } = steps; wanted !== undefined; wanted = steps.wanted) {
        steps.give(bytes.subarray(wanted.offset, wanted.offset + wanted.length))
      }
      return steps.info
    }
    return { content, found }
  }
  let latest: Passing | undefined
  const open = (): Readable => {
    const passing = new Passing(new Steps(begin()))
    latest = passing
    const chunks = passing.through(content.open())
    return Object.assign(Readable.from(chunks, { objectMode: false }), { [Symbol.asyncIterator]: () => chunks })
  }
  // A file that the storage may move away would not be streamed.
  return { content: { ...content, temporaryPath: undefined, open }, found: () => latest?.finish() }
}

/** A stream whose bytes are passed to a reader. The last bytes are kept, since readers go back a little. */
class Passing {
  readonly #steps: Steps
  #position = 0
  #tail: Uint8Array = new Uint8Array()
  #parts: Uint8Array[] = []
  #held = 0

  constructor(steps: Steps) {
    this.#steps = steps
  }

  async *through(source: Readable): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of source) {
      const bytes: Uint8Array = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      if (this.#steps.wanted !== undefined) this.#see(bytes)
      this.#position += bytes.length
      yield bytes
    }
  }

  /** Returns the result at the end of the stream: a part beyond it does not exist. */
  finish(): ImageInfo | undefined {
    while (this.#steps.wanted !== undefined) {
      this.#next()
      this.#see(new Uint8Array())
    }
    return this.#steps.info
  }

  #see(chunk: Uint8Array): void {
    const bytes = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk])
    const from = this.#position - this.#tail.length
    for (let { wanted } = this.#steps; wanted !== undefined; wanted = this.#steps.wanted) {
      const start = wanted.offset + this.#held - from
      // The part was streamed before it was requested, or comes later.
      if (start < 0 || start >= bytes.length) break
      const part = bytes.slice(start, start + wanted.length - this.#held)
      this.#parts.push(part)
      this.#held += part.length
      if (this.#held < wanted.length) break
      this.#next()
    }
    this.#tail = bytes.slice(-PART)
  }

  #next(): void {
    const part = Buffer.concat(this.#parts)
    this.#parts = []
    this.#held = 0
    this.#steps.give(part)
  }
}
