import type { Readable } from 'node:stream'
import { type Body, BytesBody, derivedStream } from '../core/body.ts'
import { StorageError } from '../core/errors.ts'

/** The wanted bytes of a body. */
export interface WantedPart {
  /** Number of bytes that the answer announced; undefined if unknown. */
  readonly announced: number | undefined
  /** The first wanted byte of the body. */
  readonly start: number
  /** The first byte after the wanted ones. Default: the end of the body. */
  readonly end?: number | undefined
  /** Whether a body that ends before `end` is an error. */
  readonly whole?: boolean | undefined
}

/** A part of another body. A body with more bytes than announced fails with code `unknown`, a body with fewer with `unavailable`. */
export class PartBody implements Body {
  #body: Body
  readonly #part: WantedPart
  #stream: Readable | undefined

  constructor(body: Body, part: WantedPart) {
    this.#body = body
    this.#part = part
  }

  take(): Buffer | undefined {
    if (this.#stream !== undefined) return undefined
    const bytes = this.#body.take()
    if (bytes === undefined) return undefined
    const { start, end } = this.#part
    if (failureOf(bytes.byteLength, this.#part) === undefined) return bytes.subarray(start, end)
    // The stream then throws the error.
    this.#body = new BytesBody(bytes)
    return undefined
  }

  stream(): Readable {
    if (this.#stream === undefined) {
      const source = this.#body.stream()
      this.#stream = derivedStream(source, partOf(source, this.#part))
    }
    return this.#stream
  }
}

async function* partOf(body: Readable, part: WantedPart): AsyncGenerator<Uint8Array> {
  const { start, end = Number.POSITIVE_INFINITY, announced } = part
  // If the body should end with the part, read to its end to check that.
  const isCut = (announced ?? Number.POSITIVE_INFINITY) > end
  let place = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    const wanted = chunk.subarray(Math.max(0, start - place), Math.max(0, end - place))
    place += chunk.byteLength
    if (place > (announced ?? Number.POSITIVE_INFINITY)) throw tooLong(announced)
    if (wanted.byteLength > 0) yield wanted
    if (isCut && place >= end) return
  }
  const failure = failureOf(place, part)
  if (failure !== undefined) throw failure
}

/** The error of a body with this number of bytes; undefined if it is correct. */
function failureOf(size: number, { announced, start, end, whole }: WantedPart): StorageError | undefined {
  if (announced !== undefined && size > announced) return tooLong(announced)
  const least = Math.max(announced ?? 0, whole === true ? (end ?? 0) : 0)
  if (size < least) return new StorageError('unavailable', `The answer ended at byte ${size} of ${least}.`)
  if (start > 0 && start >= size) {
    return new StorageError('invalid_range', `The file has ${size} bytes; none at ${start}.`)
  }
  return undefined
}

function tooLong(announced: number | undefined): StorageError {
  return new StorageError('unknown', `The answer has more than the ${announced} bytes that it announced.`)
}
