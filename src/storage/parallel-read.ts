import { StreamBody, streamOf } from '../core/body.ts'
import type { FileRef } from '../core/call.ts'
import type { ByteRange } from '../core/driver.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { ResumedBody } from '../files/resume.ts'
import type { AnyBase } from './base.ts'
import { type Reading, readVersion, type Version } from './bodies.ts'
import type { ParallelOptions, ReadStreamOptions } from './types.ts'

/** Bytes of a part by default. */
export const PART_SIZE: number = 8 * 1024 * 1024
/** Maximum size in bytes of a chunk that is passed on, so that the streams behind do not hold a part in memory a second time. */
const SLICE = 64 * 1024

/** Whether a read is to use several parallel requests. Counts that are not positive whole numbers are `invalid_argument`. */
export function isParallel({ features }: AnyBase, { parallel = 1, partSize = PART_SIZE }: ParallelOptions): boolean {
  checkCount('parallel', parallel)
  checkCount('partSize', partSize)
  return parallel > 1 && features.ranges
}

/**
 * Reads like `readVersion`, by at most `parallel` requests at a time for parts of one version. The parts come in order; the requested ones
 * are held in memory. A single request reads all bytes where the first answer has no size, or no value that distinguishes versions: then
 * nothing proves that the parts belong together.
 */
export async function readInParts(
  storage: AnyBase,
  ref: FileRef,
  range: ByteRange | undefined,
  version: Version,
  options: ReadStreamOptions,
): Promise<Reading> {
  const { partSize = PART_SIZE } = options
  const { start, end = Number.POSITIVE_INFINITY } = range ?? { start: 0 }
  const head = { start, end: Math.min(end, start + partSize) }
  let first: Reading | undefined
  try {
    first = await readVersion(storage, ref, head, version, options)
  } catch (error) {
    // A file that the service unpacks before it sends it has no ranges, but can be read as a whole.
    if (!isStorageError(error, 'unsupported')) throw error
  }
  if (first?.continues) return inParts(storage, ref, range, { ...first, until: head.end }, version, options)
  first?.body.release()
  return readVersion(storage, ref, range, version, options)
}

/** The answer to the first request for a range. */
export interface FirstReading extends Reading {
  /** The end of the part that this answer is used for (exclusive). */
  readonly until: number
  /** Whether the body continues behind that end. */
  readonly isLonger?: boolean | undefined
}

/** Returns the bytes of a range: its beginning from the answer of a request, the rest by further requests. */
export function inParts(
  storage: AnyBase,
  ref: FileRef,
  range: ByteRange | undefined,
  { until, isLonger = false, ...first }: FirstReading,
  version: Version,
  options: ReadStreamOptions,
): Reading {
  const { parallel = 1, partSize = PART_SIZE, signal } = options
  const { start, end = Number.POSITIVE_INFINITY } = range ?? { start: 0 }
  const { size = 0, etag, modifiedAt } = first.stat ?? {}
  const last = Math.min(end, size)
  const isWhole = start === 0 && last === size
  const checks = {
    length: Math.max(0, last - start),
    expected: isWhole ? first.whole : undefined,
    signal,
    details: { operation: 'read', fileName: ref.name, backend: storage.calls.driver.name },
  }
  if (last <= until) return { ...first, body: new ResumedBody(first.body, checks) }

  const stop = new AbortController()
  const given = { ...options, signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]) }
  const same = { ...version, etag, size, modifiedAt }
  const read = async (part: ByteRange): Promise<Buffer> => {
    const { body } = await readVersion(storage, ref, part, same, given)
    return body.bytes()
  }
  const parts = inOrder(
    isLonger ? cut(first, until - start) : (first.body.stream() as AsyncIterable<Buffer>),
    partsOf(until, last, partSize),
    parallel,
    read,
  )
  const stream = streamOf(parts, () => {
    stop.abort()
    first.body.release()
  })
  return { ...first, body: new ResumedBody(new StreamBody(stream), checks) }
}

/** Passes on this many bytes of a body and discards the rest. */
async function* cut({ body }: Reading, length: number): AsyncGenerator<Buffer> {
  let left = length
  for await (const chunk of body.stream() as AsyncIterable<Buffer>) {
    const part = chunk.subarray(0, left)
    left -= part.byteLength
    yield part
    if (left === 0) return
  }
}

/** Returns the first bytes, then those of all parts. At most `parallel` of them are requested at a time; the first bytes count as one. */
async function* inOrder(
  first: AsyncIterable<Buffer>,
  parts: Iterator<ByteRange>,
  parallel: number,
  read: (part: ByteRange) => Promise<Buffer>,
): AsyncGenerator<Buffer> {
  const asked: Promise<Buffer>[] = []
  const ask = (): void => {
    const next = parts.next()
    if (next.done === true) return
    const bytes = read(next.value)
    // A part before it may fail first.
    bytes.catch(() => undefined)
    asked.push(bytes)
  }
  for (let i = 1; i < parallel; i++) ask()
  yield* first
  ask()
  for (let bytes = asked.shift(); bytes !== undefined; bytes = asked.shift()) {
    const part = await bytes
    for (let at = 0; at < part.byteLength; at += SLICE) yield part.subarray(at, at + SLICE)
    ask()
  }
}

function* partsOf(start: number, end: number, size: number): Generator<ByteRange> {
  for (let at = start; at < end; at += size) yield { start: at, end: Math.min(at + size, end) }
}

function checkCount(name: string, count: number): void {
  if (Number.isSafeInteger(count) && count >= 1) return
  throw new StorageError('invalid_argument', `${name}: expected a whole number from 1, got ${count}.`)
}
