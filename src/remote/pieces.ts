import type { CallContext } from '../core/call.ts'
import { type Content, contentChunks } from '../core/content.ts'
import { StorageError } from '../core/errors.ts'

/** A service's limits for the parts of one upload. */
export interface PartLimits {
  /** Minimum size in bytes of every part but the last. */
  readonly minPart: number
  /** Maximum size of a part in bytes. Default: no limit. */
  readonly maxPart?: number | undefined
  /** Maximum number of parts of one upload. */
  readonly maxParts: number
  /** Every part but the last is a multiple of this number of bytes. Default: 1. */
  readonly align?: number | undefined
  /** Whether all parts but the last must have the same size. */
  readonly uniform?: boolean | undefined
  /** Whether parts are sent one at a time and in order; the last one is marked. */
  readonly sequential?: boolean | undefined
}

/** The position of a part in the whole. */
export interface PieceRange {
  /** 1 for the first. */
  readonly number: number
  /** Bytes before it. */
  readonly offset: number
  readonly size: number
  /** Whether it is the last part; absent if that is known only after reading on. */
  readonly last?: boolean | undefined
}

/** The bytes of one part, as a sequence of chunks. */
export interface Piece extends PieceRange {
  readonly chunks: readonly Uint8Array[]
  /** Call this when the service has the bytes and they are not needed any more: the memory is reused. */
  readonly release?: (() => void) | undefined
}

/** Size of a part in bytes. It is increased if the wanted size would need more parts than the service allows. */
export function partSizeFor(size: number | undefined, wanted: number, limits: PartLimits): number {
  const { minPart, maxPart = Number.POSITIVE_INFINITY, maxParts, align = 1 } = limits
  const least = size === undefined ? 0 : Math.ceil(size / maxParts)
  return Math.min(roundUp(Math.max(minPart, wanted, least, 1), align), roundDown(maxPart, align))
}

function roundUp(size: number, align: number): number {
  return Math.ceil(size / align) * align
}

function roundDown(size: number, align: number): number {
  return size === Number.POSITIVE_INFINITY ? size : Math.max(align, Math.floor(size / align) * align)
}

/**
 * Splits content into parts, at least one. For content of unknown length, the part size doubles each time a tenth of the permitted parts is
 * used, unless parts must be `uniform`. Ends as soon as the call is aborted, even if the source hangs. Holds one part at a time. For
 * `sequential` parts, a full part is sent only when the next byte, or the end, has shown whether it is the last.
 */
export async function* piecesOf(
  content: Content,
  partSize: number,
  limits: Pick<PartLimits, 'maxParts' | 'maxPart' | 'align' | 'uniform' | 'sequential'>,
  ctx: CallContext,
): AsyncGenerator<Piece> {
  const { bytes, size } = content
  if (bytes !== undefined) {
    yield* slices(bytes, partSize, limits.maxParts)
    return
  }
  const { maxParts } = limits
  const largest = roundDown(limits.maxPart ?? Number.POSITIVE_INFINITY, limits.align ?? 1)
  const grows = size === undefined && limits.uniform !== true
  const step = Math.max(1, Math.ceil(maxParts / 10))
  const sizeOf = (number: number): number =>
    grows ? Math.min(largest, partSize * 2 ** Math.min(9, Math.floor((number - 1) / step))) : partSize
  const free: Buffer[] = []
  let number = 1
  let offset = 0
  let part = new PieceBuilder(sizeOf(number), free)
  const piece = (): Piece => {
    const built = part.finish()
    const range = { number, offset, last: size === undefined ? undefined : offset + built.size === size }
    offset += built.size
    return { ...range, ...built }
  }
  let full: Piece | undefined
  for await (const chunk of contentChunks(content, ctx)) {
    const keep = content.refills !== true && isKept(chunk)
    for (let rest = chunk; rest.byteLength > 0; ) {
      // Fails only when there is another byte: the last permitted part may be full.
      if (number > maxParts) throw tooManyParts(maxParts)
      if (full !== undefined) yield full
      full = undefined
      rest = part.take(rest, keep)
      if (!part.full) continue
      if (limits.sequential === true) full = piece()
      else yield piece()
      number++
      part = new PieceBuilder(sizeOf(number), free)
    }
  }
  if (full !== undefined) yield { ...full, last: true }
  else if (part.size > 0 || number === 1) yield { ...piece(), last: true }
}

/** Bytes that are in memory are not copied. */
function* slices(bytes: Uint8Array, partSize: number, maxParts: number): Generator<Piece> {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (const range of rangesOf(all.byteLength, partSize)) {
    if (range.number > maxParts) throw tooManyParts(maxParts)
    yield { ...range, chunks: [all.subarray(range.offset, range.offset + range.size)] }
  }
}

/** The ranges of equal parts, at least one. */
export function* rangesOf(total: number, partSize: number): Generator<PieceRange> {
  for (let number = 1, offset = 0; number === 1 || offset < total; number++, offset += partSize) {
    const size = Math.min(partSize, total - offset)
    yield { number, offset, size, last: offset + size === total }
  }
}

/** The rest of a piece from an absolute offset within it; the service already has the bytes before. */
export function restOf(piece: Piece, offset: number): Piece {
  let skip = offset - piece.offset
  if (skip === 0) return piece
  const chunks: Uint8Array[] = []
  for (const chunk of piece.chunks) {
    if (skip < chunk.byteLength) chunks.push(chunk.subarray(skip))
    skip = Math.max(0, skip - chunk.byteLength)
  }
  return { ...piece, offset, size: piece.size - (offset - piece.offset), chunks }
}

/**
 * Smaller chunks are copied: garbage collection of memory that lives until its part is sent costs more than copying 64 KiB, a file's chunk.
 */
const KEPT = 128 * 1024
const FIRST_BLOCK = 64 * 1024
const BLOCK = 1024 * 1024

/** Whether a chunk is sent without a copy. A chunk that is a piece of larger memory would keep all of that memory alive. */
function isKept({ byteLength, buffer }: Uint8Array): boolean {
  return byteLength >= KEPT && byteLength >= buffer.byteLength * 0.875
}

/** A piece that is being filled: large chunks are used directly, small ones are copied together, so that their memory is freed at once. */
class PieceBuilder {
  readonly #limit: number
  readonly #free: Buffer[]
  readonly #chunks: Uint8Array[] = []
  readonly #blocks: Buffer[] = []
  #block: Buffer = Buffer.alloc(0)
  #start = 0
  #end = 0
  size = 0

  /** `free` is memory of parts that were sent. It is reused first: allocating new memory costs more than filling it. */
  constructor(limit: number, free: Buffer[]) {
    this.#limit = limit
    this.#free = free
  }

  get full(): boolean {
    return this.size >= this.#limit
  }

  /** Takes as much of a chunk as there is room for and returns the rest. */
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
  finish(): Pick<Piece, 'chunks' | 'size' | 'release'> {
    this.#endCopies()
    const free = this.#free
    const blocks = this.#blocks
    // If chunks are large, memory for small ones is not needed any more.
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

  // The first blocks are small, because the content may be small.
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

function tooManyParts(maxParts: number): StorageError {
  return new StorageError('too_large', `The content needs more than ${maxParts.toLocaleString('en')} parts.`)
}

/** Takes `count` items, or all if there are fewer. */
export async function takeFirst<T>(items: AsyncIterator<T>, count: number): Promise<T[]> {
  const taken: T[] = []
  while (taken.length < count) {
    const next = await items.next()
    if (next.done) break
    taken.push(next.value)
  }
  return taken
}

/** The items that were taken before, released one by one, then the rest. */
export async function* followed<T>(taken: T[], rest: AsyncIterable<T>): AsyncGenerator<T> {
  while (taken.length > 0) yield taken.shift()!
  yield* rest
}
