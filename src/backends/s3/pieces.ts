import { type Content, contentChunks } from '../../core/content.ts'
import type { CallContext } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'

/** Parts that one upload may have. (Amazon S3 multipart upload limits) */
export const MAX_PARTS = 10_000

/** One part's bytes. */
export interface Piece {
  readonly number: number
  readonly bytes: Buffer
  /** To be called when the service has the bytes and nobody will look at them again: their memory is filled anew. */
  readonly release?: (() => void) | undefined
}

/**
 * Cuts a content into parts, at least one. Those of an unknown length double every 1,000 parts, so that 5 TiB fit, unless
 * they must be `uniform`. Ends as soon as the call is aborted, also while the source hangs. Holds one part at a time.
 */
export async function* piecesOf(
  content: Content,
  partSize: number,
  ctx: CallContext,
  uniform = false,
): AsyncGenerator<Piece> {
  const { bytes, size } = content
  if (bytes !== undefined) {
    yield* slices(bytes, partSize)
    return
  }
  const grows = size === undefined && !uniform
  const sizeOf = (number: number) => (grows ? partSize * 2 ** Math.min(9, Math.floor((number - 1) / 1000)) : partSize)
  const free: Buffer[] = []
  let number = 1
  let part = new PartBuffer(sizeOf(number), Buffer.alloc(0))
  for await (const chunk of contentChunks(content, ctx)) {
    for (let rest = chunk; rest.byteLength > 0; ) {
      rest = part.take(rest)
      if (!part.full) continue
      const bytes = part.release()
      yield { number, bytes, release: () => void free.push(bytes) }
      if (++number > MAX_PARTS) throw tooManyParts()
      part = new PartBuffer(sizeOf(number), memoryOf(sizeOf(number), free))
    }
  }
  if (part.size > 0 || number === 1) yield { number, bytes: part.release() }
}

/** Bytes that are in memory anyway are not copied. */
function* slices(bytes: Uint8Array, partSize: number): Generator<Piece> {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let number = 1
  for (let start = 0; start === 0 || start < all.byteLength; start += partSize) {
    if (number > MAX_PARTS) throw tooManyParts()
    yield { number: number++, bytes: all.subarray(start, start + partSize) }
  }
}

/** A part that is being filled: chunks are copied into it, so that they can be freed at once. */
class PartBuffer {
  readonly #limit: number
  #bytes: Buffer
  size = 0

  /** The first part begins with little and grows, because the content may be small; the others have all the memory that they need. */
  constructor(limit: number, memory: Buffer) {
    this.#limit = limit
    this.#bytes = memory
  }

  get full(): boolean {
    return this.size >= this.#limit
  }

  /** Copies as much of a chunk as there is room for and gives the rest. */
  take(chunk: Uint8Array): Uint8Array {
    const room = this.#limit - this.size
    const end = this.size + Math.min(room, chunk.byteLength)
    if (end > this.#bytes.byteLength) this.#grow(end)
    this.#bytes.set(chunk.subarray(0, room), this.size)
    this.size = end
    return chunk.subarray(room)
  }

  /** The bytes; nothing is kept. */
  release(): Buffer {
    const bytes = this.#bytes.subarray(0, this.size)
    this.#bytes = Buffer.alloc(0)
    return bytes
  }

  #grow(wanted: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#limit, Math.max(wanted, this.#bytes.byteLength * 2, FIRST)))
    this.#bytes.copy(larger, 0, 0, this.size)
    this.#bytes = larger
  }
}

const FIRST = 64 * 1024

/** Memory of a part that was sent, where it has the size; new memory costs more than filling it. */
function memoryOf(size: number, free: Buffer[]): Buffer {
  const used = free.pop()
  return used?.byteLength === size ? used : Buffer.allocUnsafeSlow(size)
}

function tooManyParts(): StorageError {
  return new StorageError('too_large', 'The content needs more than 10,000 parts.')
}

/** Takes so many items, or all where there are fewer. */
export async function takeFirst<T>(items: AsyncIterator<T>, count: number): Promise<T[]> {
  const taken: T[] = []
  while (taken.length < count) {
    const next = await items.next()
    if (next.done) break
    taken.push(next.value)
  }
  return taken
}

/** What was taken beforehand, let go piece by piece, then the rest. */
export async function* followed<T>(taken: T[], rest: AsyncIterable<T>): AsyncGenerator<T> {
  while (taken.length > 0) yield taken.shift()!
  yield* rest
}

/** Runs `work` for each item, so many at once. The first failure is told to `stop`, waits for what is under way and is thrown. */
export async function parallel<I, R>(
  items: Iterator<I> | AsyncIterator<I>,
  limit: number,
  stop: (reason: unknown) => void,
  work: (item: I) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const running = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined
  const fail = (error: unknown): void => {
    if (failure !== undefined) return
    failure = { error }
    stop(error)
  }
  // A function of its own, so that no item is held here once its work is done.
  const startNext = async (): Promise<boolean> => {
    const next = await items.next()
    if (next.done || failure !== undefined) return false
    const job: Promise<void> = work(next.value)
      .then(result => void results.push(result), fail)
      .finally(() => running.delete(job))
    running.add(job)
    return true
  }
  try {
    while (await startNext()) if (running.size >= limit) await Promise.race(running)
  } catch (error) {
    fail(error)
  }
  await Promise.all(running)
  if (failure !== undefined) throw failure.error
  return results
}
