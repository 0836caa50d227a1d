import { type Content, contentChunks } from '../../core/content.ts'
import type { CallContext } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'

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
  const gathered = new Gathered()
  let number = 1
  for await (const chunk of contentChunks(content, ctx)) {
    for (let rest = chunk; rest.byteLength > 0; ) {
      const room = sizeOf(number) - gathered.size
      gathered.add(rest.subarray(0, room), isWhole(chunk))
      rest = rest.subarray(room)
      if (gathered.size < sizeOf(number)) continue
      yield { number, ...gathered.take() }
      if (++number > MAX_PARTS) throw tooManyParts()
    }
  }
  if (gathered.size > 0 || number === 1) yield { number, ...gathered.take() }
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

/** Chunks of at least so many bytes are kept; smaller ones are copied together into blocks of this size. */
const BLOCK = 128 * 1024

/** Whether a chunk may be kept for what it is: its memory is hardly more than its bytes. */
function isWhole({ byteLength, buffer }: Uint8Array): boolean {
  return byteLength >= BLOCK && byteLength >= buffer.byteLength * 0.875
}

/** The chunks of one part after the other, in about as much memory as they have bytes, however small they come. */
class Gathered {
  readonly #free: Buffer[] = []
  #chunks: Uint8Array[] = []
  #blocks: Buffer[] = []
  #start = BLOCK
  #end = BLOCK
  size = 0

  /** Adds bytes; they are copied unless they are to be kept. */
  add(bytes: Uint8Array, keep: boolean): void {
    this.size += bytes.byteLength
    if (keep) {
      this.#closeCopies()
      this.#chunks.push(bytes)
    } else this.#copy(bytes)
  }

  /** All since the last time. */
  take(): Pick<Piece, 'chunks' | 'size' | 'release'> {
    this.#closeCopies()
    const { size } = this
    const chunks = this.#chunks
    const blocks = this.#blocks
    this.#chunks = []
    this.#blocks = []
    this.#start = this.#end = BLOCK
    this.size = 0
    return { chunks, size, release: () => void this.#free.push(...blocks) }
  }

  #copy(bytes: Uint8Array): void {
    for (let rest = bytes; rest.byteLength > 0; ) {
      if (this.#end === BLOCK) {
        this.#closeCopies()
        this.#blocks.push(this.#free.pop() ?? Buffer.allocUnsafeSlow(BLOCK))
        this.#start = this.#end = 0
      }
      const fitting = rest.subarray(0, BLOCK - this.#end)
      this.#blocks.at(-1)!.set(fitting, this.#end)
      this.#end += fitting.byteLength
      rest = rest.subarray(fitting.byteLength)
    }
  }

  #closeCopies(): void {
    if (this.#end > this.#start) this.#chunks.push(this.#blocks.at(-1)!.subarray(this.#start, this.#end))
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
