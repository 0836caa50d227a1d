import type { IncomingHttpHeaders } from 'node:http'
import { release } from '../core/abort.ts'
import type { Body } from '../core/body.ts'
import type { ByteRange } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { countOf } from './headers.ts'
import { PartBody } from './part-body.ts'

/** Maximum number of bytes that are read and discarded if a server ignores ranges and sends the whole file. */
const MAX_SKIP = 8 * 1024 * 1024

/** The answer to a GET. */
export interface GetAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders
  readonly body: Body
}

/** The checked answer to a GET. */
export interface CheckedRead {
  /** Exactly the bytes that were requested; reading fails if fewer or more arrive. */
  readonly body: Body
  /** Size of the whole file in bytes; undefined if the answer does not contain it. */
  readonly size: number | undefined
}

/**
 * Checks a successful answer to a GET against the requested range, and returns exactly its bytes. (RFC 9110, sections 14.4, 15.3.1 and
 * 15.3.7)
 *
 * - 206 must have a `Content-Range` in bytes that starts where the range does. Several parts (`multipart/byteranges`), another unit or
 *   position, a header that cannot be parsed, and lengths that contradict each other are code `unknown`.
 * - 200 means that the server ignored the range. Bytes before the range are skipped, up to 8 MiB; beyond that the read is `unsupported`. A
 *   range that starts after the end is `invalid_range`.
 * - Any other status is code `unknown`.
 *
 * The body of a refused answer is discarded.
 */
export function checkedRead(range: ByteRange | undefined, answer: GetAnswer): CheckedRead {
  try {
    if (answer.status === 200) return wholeAnswer(range, answer)
    if (answer.status === 206) return partAnswer(range, answer)
    throw refused(range, `status ${answer.status}`)
  } catch (error) {
    release(answer)
    throw error
  }
}

function wholeAnswer(range: ByteRange | undefined, { headers, body }: GetAnswer): CheckedRead {
  const size = countOf(headers['content-length'])
  if (range === undefined) return { body, size }
  const { start, end } = range
  if (start > 0 && start >= (size ?? Number.POSITIVE_INFINITY)) throw beyond(size, start)
  if (start > MAX_SKIP) {
    const text = `The server ignored the range that begins at byte ${start} and sent the whole file; no more than ${MAX_SKIP} bytes are skipped.`
    throw new StorageError('unsupported', text)
  }
  return { body: new PartBody(body, { announced: size, start, end }), size }
}

function partAnswer(range: ByteRange | undefined, { headers, body }: GetAnswer): CheckedRead {
  const told = headers['content-range']
  if (told === undefined) {
    const isMany = /^\s*multipart\/byteranges/i.test(headers['content-type'] ?? '')
    throw refused(range, isMany ? 'several parts (multipart/byteranges)' : 'status 206 without a Content-Range')
  }
  const { start, end = Number.POSITIVE_INFINITY } = range ?? { start: 0 }
  const size = /^bytes \d{1,15}-(?:-1|\d{1,15})\/(\d{1,15})$/i.exec(told)?.[1]
  // There are no bytes at this position; azurite answers that with a success status.
  if (size !== undefined && start >= Number(size)) throw beyond(Number(size), start)
  const part = partOf(told)
  // If the size of the file is unknown, a part is known to be complete only if it reaches the last byte that was requested.
  if (part === undefined || part.start !== start || (part.size === undefined && part.end < end)) {
    throw refused(range, `Content-Range: ${told}`)
  }
  const announced = part.end - part.start
  const length = countOf(headers['content-length'])
  if (length !== undefined && length !== announced) {
    throw refused(range, `Content-Range: ${told} and Content-Length: ${length}`)
  }
  const wanted = Math.min(end, part.size ?? end) - start
  // HTTP itself checks a body of the announced length.
  if (length === wanted) return { body, size: part.size }
  return { body: new PartBody(body, { announced, start: 0, end: wanted, whole: true }), size: part.size }
}

/** A parsed `Content-Range`; `end` is exclusive. */
interface Part {
  readonly start: number
  readonly end: number
  readonly size: number | undefined
}

/** `bytes 0-9/100` or `bytes 0-9/*`; undefined for anything else. (RFC 9110, section 14.4) */
function partOf(header: string): Part | undefined {
  const [, first, last, whole] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(header) ?? []
  const part = { start: Number(first), end: Number(last) + 1, size: whole === '*' ? undefined : Number(whole) }
  return part.start < part.end && part.end <= (part.size ?? Number.POSITIVE_INFINITY) ? part : undefined
}

function refused(range: ByteRange | undefined, answer: string): StorageError {
  const asked = range === undefined ? 'the whole file' : `the bytes from ${range.start} to ${range.end ?? 'the end'}`
  return new StorageError('unknown', `Asked for ${asked}, the server answered with ${answer.slice(0, 200)}.`)
}

function beyond(size: number | undefined, start: number): StorageError {
  return new StorageError('invalid_range', `The file has ${size} bytes; none at ${start}.`)
}
