import { StreamBody, streamOf } from '../core/body.ts'
import type { FileRef } from '../core/call.ts'
import type { ByteRange } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { strongEtag } from '../core/etags.ts'
import { ResumedBody } from '../files/resume.ts'
import type { AnyBase } from './base.ts'
import { type Reading, readVersion, type Version } from './bodies.ts'
import type { ParallelOptions, ReadStreamOptions } from './types.ts'

const PART_SIZE = 8 * 1024 * 1024

/** Whether a read is to be made by several requests side by side; `invalid_argument` for counts that are none. */
export function isParallel({ features }: AnyBase, { concurrency = 1, partSize = PART_SIZE }: ParallelOptions): boolean {
  checkCount('concurrency', concurrency)
  checkCount('partSize', partSize)
  return concurrency > 1 && features.ranges
}

/**
 * Reads as `readVersion` does, by at most `concurrency` requests at a time for parts of one version. The parts come in order; as many as are under
 * way are held in memory. One request reads all where the first answer has no strong etag or no size, since then nothing proves that the parts
 * belong together.
 */
export async function readInParts(
  storage: AnyBase,
  ref: FileRef,
  range: ByteRange | undefined,
  version: Version,
  options: ReadStreamOptions,
): Promise<Reading> {
  const { concurrency = 1, partSize = PART_SIZE, signal } = options
  const { start, end = Number.POSITIVE_INFINITY } = range ?? { start: 0 }
  const head = { start, end: Math.min(end, start + partSize) }
  const first = await readVersion(storage, ref, head, version, options)
  const { size, etag } = first.stat ?? {}
  if (size === undefined || strongEtag(etag) === undefined) {
    first.body.release()
    return readVersion(storage, ref, range, version, options)
  }
  const last = Math.min(end, size)
  const isWhole = start === 0 && last === size
  const checks = {
    length: Math.max(0, last - start),
    expected: isWhole ? first.whole : undefined,
    signal,
    details: { operation: 'read', fileName: ref.name, backend: storage.calls.driver.name },
  }
  if (last <= head.end) return { ...first, body: new ResumedBody(first.body, checks) }

  const stop = new AbortController()
  const given = { ...options, signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]) }
  const read = async (part: ByteRange): Promise<Buffer> => {
    const { body } = await readVersion(storage, ref, part, { ...version, etag, size }, given)
    return body.bytes()
  }
  const parts = inOrder(first.body, partsOf(head.end, last, partSize), concurrency, read)
  const stream = streamOf(parts, () => {
    stop.abort()
    first.body.release()
  })
  return { ...first, body: new ResumedBody(new StreamBody(stream), checks) }
}

/** The first body, then the bytes of all parts; `concurrency` of them are asked for at a time, the first body being one. */
async function* inOrder(
  first: ResumedBody,
  parts: Iterator<ByteRange>,
  concurrency: number,
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
  for (let i = 1; i < concurrency; i++) ask()
  yield* first.stream() as AsyncIterable<Buffer>
  ask()
  for (let bytes = asked.shift(); bytes !== undefined; bytes = asked.shift()) {
    yield await bytes
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
