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
/** Bytes that are passed on at once, so that a part in memory is not held a second time by the streams behind. */
const SLICE = 64 * 1024

/** Whether a read is to be made by several requests side by side; `invalid_argument` for counts that are none. */
export function isParallel({ features }: AnyBase, { parallel = 1, partSize = PART_SIZE }: ParallelOptions): boolean {
  checkCount('parallel', parallel)
  checkCount('partSize', partSize)
  return parallel > 1 && features.ranges
}

/**
 * Reads as `readVersion` does, by at most `parallel` requests at a time for parts of one version. The parts come in order; as many as are under
 * way are held in memory. One request reads all where the first answer has no size, or nothing by which versions are told apart, since then nothing proves that
 * the parts belong together.
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
    // A file that the service unpacks on the way has no ranges, and may be read as a whole.
    if (!isStorageError(error, 'unsupported')) throw error
  }
  if (first?.continues) return inParts(storage, ref, range, { ...first, until: head.end }, version, options)
  first?.body.release()
  return readVersion(storage, ref, range, version, options)
}

/** The answer to the first request for a range. */
export interface FirstReading extends Reading {
  /** Where the part ends that it is read for. */
  readonly until: number
  /** Whether the body goes on behind that place. */
  readonly isLonger?: boolean | undefined
}

/** The bytes of a range by the answer to a request for its beginning, and by requests for the rest. */
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

/** So many bytes of a body; the rest is given up. */
async function* cut({ body }: Reading, length: number): AsyncGenerator<Buffer> {
  let left = length
  for await (const chunk of body.stream() as AsyncIterable<Buffer>) {
    const part = chunk.subarray(0, left)
    left -= part.byteLength
    yield part
    if (left === 0) return
  }
}

/** The first bytes, then those of all parts; `parallel` of them are asked for at a time, the first bytes being one. */
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
    // The one before it may fail first.
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
