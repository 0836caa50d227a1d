import type { Readable } from 'node:stream'
import { abortable, onAbort } from '../core/abort.ts'
import type { CallContext } from '../core/call.ts'
import type { ByteRange, RandomAccess } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { notWritable } from './modes.ts'
import type { ResumedBody } from './resume.ts'

/** Maximum number of bytes that are skipped by reading on, not by a new request. */
const SKIP = 64 * 1024
/** Number of bytes kept behind the stream's position for short steps back. */
const KEEP = 128 * 1024
/**
 * Number of bytes read at once when a read begins near the end: archives have their directories there. A smaller file is read as a whole.
 */
const TAIL = 256 * 1024

/** A stored file whose ranges can be requested. */
export interface RangeSource {
  /** Size in bytes of the version that is read. */
  readonly size: number
  /** The body of the whole file, where it was requested already. */
  readonly first?: ResumedBody | undefined
  /** Requests a range of the same version, so that two versions are never mixed. The body stays valid after the call that requested it. */
  read(range: ByteRange): Promise<ResumedBody>
}

/**
 * Reads a remote file at any position: one open stream for sequential reading, a new range request only after a seek outside of the buffer.
 */
export class RangeReader implements RandomAccess {
  readonly #source: RangeSource
  #body: ResumedBody | undefined
  #chunks: AsyncIterator<Buffer> | undefined
  #window: Buffer[] = []
  #windowStart = 0
  #windowEnd = 0
  #tail: { start: number; bytes: Buffer } | undefined
  #closed = false

  constructor(source: RangeSource) {
    this.#source = source
    this.#body = source.first
    if (source.size === 0) this.#cancel()
  }

  get knownSize(): number {
    return this.#source.size
  }

  async size(): Promise<number> {
    return this.#source.size
  }

  /** Allows one call at a time. */
  async read(position: number, length: number, ctx: CallContext): Promise<Buffer> {
    const { size } = this.#source
    if (position >= size || length <= 0) return Buffer.alloc(0)
    for (;;) {
      if (this.#closed) throw closedError()
      const found = this.#buffered(position, length)
      if (found !== undefined) return found
      if (this.#follows(position)) {
        if (await this.#pull(ctx)) continue
        if (this.#closed) continue
        // The stream ended before the announced size.
        throw endedAt(this.#windowEnd, size)
      }
      if (position >= size - TAIL) await this.#readTail(Math.max(0, size - TAIL), ctx)
      else await this.#openAt({ start: position }, ctx)
    }
  }

  write(): Promise<void> {
    return Promise.reject(notWritable())
  }

  truncate(): Promise<void> {
    return Promise.reject(notWritable())
  }

  async commit(): Promise<void> {
    await this.discard()
  }

  async discard(): Promise<void> {
    this.#closed = true
    this.#cancel()
    this.#tail = undefined
  }

  #buffered(position: number, length: number): Buffer | undefined {
    if (position >= this.#windowStart && position < this.#windowEnd) {
      let start = this.#windowStart
      for (const chunk of this.#window) {
        const from = position - start
        if (from < chunk.length) return Buffer.from(chunk.subarray(from, from + length))
        start += chunk.length
      }
    }
    if (this.#tail === undefined || position < this.#tail.start) return undefined
    const from = position - this.#tail.start
    return Buffer.from(this.#tail.bytes.subarray(from, from + length))
  }

  /** Whether the open stream will reach this position soon. */
  #follows(position: number): boolean {
    if (this.#body === undefined || this.#source.size <= TAIL) return false
    return position >= this.#windowEnd && position - this.#windowEnd <= SKIP
  }

  /** Reads the last bytes, or all of a small file, for which the first request is enough. */
  async #readTail(start: number, ctx: CallContext): Promise<void> {
    const { size } = this.#source
    if (start > 0 || this.#body === undefined) await this.#openAt({ start, end: size }, ctx)
    const body = this.#body
    if (body === undefined) return
    const off = onAbort(ctx.signal, () => this.#cancel())
    try {
      ctx.signal.throwIfAborted()
      const bytes = await abortable(body.bytes(), ctx.signal)
      ctx.progress()
      if (this.#closed) return
      if (start + bytes.length < size) throw endedAt(start + bytes.length, size)
      this.#tail = { start, bytes }
    } catch (error) {
      if (!this.#closed) throw error
    } finally {
      off()
      this.#drop()
    }
  }

  async #openAt(range: ByteRange, ctx: CallContext): Promise<void> {
    this.#cancel()
    this.#body = await abortable(this.#source.read(range), ctx.signal, late => late.release())
    this.#window = []
    this.#windowStart = this.#windowEnd = range.start
    if (this.#closed) this.#cancel()
  }

  /** Reads one more chunk of the stream into the window; false at its end. */
  async #pull(ctx: CallContext): Promise<boolean> {
    ctx.signal.throwIfAborted()
    const off = onAbort(ctx.signal, () => this.#body?.stream().destroy(ctx.signal.reason))
    try {
      this.#chunks ??= chunksOf(this.#body!.stream())
      const next = await this.#chunks.next()
      if (next.done) {
        this.#drop()
        return false
      }
      this.#window.push(next.value)
      this.#windowEnd += next.value.length
      ctx.progress()
    } catch (error) {
      this.#drop()
      if (this.#closed) return false
      throw error
    } finally {
      off()
    }
    while (this.#windowEnd - this.#windowStart - (this.#window[0]?.length ?? 0) > KEEP) {
      this.#windowStart += this.#window.shift()?.length ?? 0
    }
    return true
  }

  /** Abandons the stream: its connection is closed, the delivered bytes stay in the buffer. */
  #cancel(): void {
    this.#body?.release()
    this.#drop()
  }

  #drop(): void {
    this.#body = undefined
    this.#chunks = undefined
  }
}

function chunksOf(body: Readable): AsyncIterator<Buffer> {
  // Between two reads no code listens; the next read reports the error.
  body.on('error', () => undefined)
  return body[Symbol.asyncIterator]() as AsyncIterator<Buffer>
}

function endedAt(position: number, size: number): StorageError {
  return new StorageError('unavailable', `The file ended at byte ${position} of ${size}.`)
}

function closedError(): StorageError {
  return new StorageError('closed', 'I/O operation on closed file.')
}
