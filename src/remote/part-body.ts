import type { Readable } from 'node:stream'
import { type Body, BytesBody, derivedStream } from '../core/body.ts'
import { StorageError } from '../core/errors.ts'

/** Which bytes of a body are wanted. */
export interface WantedPart {
  /** Bytes that the body should have, where that is known. */
  readonly announced: number | undefined
  /** The first wanted byte of the body. */
  readonly start: number
  /** The first byte that is not wanted; absent: all to the end. */
  readonly end?: number | undefined
  /** Whether a body that ends before `end` has too few bytes. */
  readonly whole?: boolean | undefined
}

/** A part of another body. One that has more bytes than announced fails with code `unknown`, one with fewer with `unavailable`. */
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
    // The stream says what is wrong.
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
  // Where the body should end with the part, only its end shows that it does.
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

/** What is wrong with a body that has so many bytes. */
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
