import type { CallContext } from '../core/call.ts'
import { type Content, contentChunks } from '../core/content.ts'
import { StorageError } from '../core/errors.ts'

/** Parts that one upload may have. (Amazon S3 multipart upload limits) */
export const MAX_PARTS = 10_000

/** One part's bytes, one chunk after the other. */
export interface Piece {
  readonly number: number
  readonly chunks: readonly Uint8Array[]
  /** Bytes of all chunks. */
  readonly size: number
  /** To be called when the service has the bytes and nobody will look at them again: memory of ours is filled anew. */
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
  let part = new Part(sizeOf(number), free)
  for await (const chunk of contentChunks(content, ctx)) {
    const keep = content.refills !== true && isKept(chunk)
    for (let rest = chunk; rest.byteLength > 0; ) {
      rest = part.take(rest, keep)
      if (!part.full) continue
      yield { number, ...part.finish() }
      if (++number > MAX_PARTS) throw tooManyParts()
      part = new Part(sizeOf(number), free)
    }
  }
  if (part.size > 0 || number === 1) yield { number, ...part.finish() }
}

/** Bytes that are in memory anyway are not copied. */
function* slices(bytes: Uint8Array, partSize: number): Generator<Piece> {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let number = 1
  for (let start = 0; start === 0 || start < all.byteLength; start += partSize) {
    if (number > MAX_PARTS) throw tooManyParts()
    const bytes = all.subarray(start, start + partSize)
    yield { number: number++, chunks: [bytes], size: bytes.byteLength }
  }
}

/** Smaller chunks are copied: to collect what lives until its part is sent costs more than to copy 64 KiB, a chunk of a file. */
const KEPT = 128 * 1024
const FIRST_BLOCK = 64 * 1024
const BLOCK = 1024 * 1024

/** Whether a chunk is sent as it came; one that is a piece of larger memory would hold all of it. */
function isKept({ byteLength, buffer }: Uint8Array): boolean {
  return byteLength >= KEPT && byteLength >= buffer.byteLength * 0.875
}

/** A part that is being filled: large chunks as they came, small ones copied together, so that they can be freed at once. */
class Part {
  readonly #limit: number
  readonly #free: Buffer[]
  readonly #chunks: Uint8Array[] = []
  readonly #blocks: Buffer[] = []
  #block: Buffer = Buffer.alloc(0)
  #start = 0
  #end = 0
  size = 0

  /** `free` is memory of parts that were sent, which is taken first: new memory costs more than filling it. */
  constructor(limit: number, free: Buffer[]) {
    this.#limit = limit
    this.#free = free
  }

  get full(): boolean {
    return this.size >= this.#limit
  }

  /** Takes as much of a chunk as there is room for and gives the rest. */
  take(chunk: Uint8Array, keep: boolean): Uint8Array {
    const fitting = chunk.subarray(0, this.#limit - this.size)
    if (keep) {
      this.#endCopies()
      this.#chunks.push(fitting)
      this.size += fitting.byteLength
    } else this.#copy(fitting)
    return chunk.subarray(fitting.byteLength)
  }

  /** All that was taken. */
  finish(): Omit<Piece, 'number'> {
    this.#endCopies()
    const free = this.#free
    const blocks = this.#blocks
    // Where chunks are large, memory for small ones is not needed any more.
    if (blocks.length === 0) free.length = 0
    return { chunks: this.#chunks, size: this.size, release: () => void free.push(...blocks) }
  }

  #copy(bytes: Uint8Array): void {
    for (let rest = bytes; rest.byteLength > 0; ) {
      if (this.#end === this.#block.byteLength) this.#nextBlock()
      const fitting = rest.subarray(0, this.#block.byteLength - this.#end)
      this.#block.set(fitting, this.#end)
      this.#end += fitting.byteLength
      this.size += fitting.byteLength
      rest = rest.subarray(fitting.byteLength)
    }
  }

  // Blocks begin small, because the content may be.
  #nextBlock(): void {
    this.#endCopies()
    const wanted = Math.min(BLOCK, Math.max(FIRST_BLOCK, this.size), this.#limit - this.size)
    this.#block = this.#free.pop() ?? Buffer.allocUnsafeSlow(wanted)
    this.#blocks.push(this.#block)
    this.#start = this.#end = 0
  }

  #endCopies(): void {
    if (this.#end > this.#start) this.#chunks.push(this.#block.subarray(this.#start, this.#end))
    this.#start = this.#end
  }
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
