import type { Readable } from 'node:stream'
import { abortable } from '../core/abort.ts'
import type { CallContext } from '../core/call.ts'
import type { ByteRange, RandomAccess, Stat } from '../core/driver.ts'
import { type ErrorCode, StorageError } from '../core/errors.ts'
import { notWritable } from './modes.ts'
import { resumeBody } from './resume.ts'

/** Bytes skipped by reading on rather than by a new request. */
const SKIP = 64 * 1024
/** Bytes kept behind the stream's place for short steps back. */
const KEEP = 128 * 1024
/** Bytes read at once when a read begins near the end: directories of archives lie there. */
const TAIL = 256 * 1024

/** A stored file whose ranges can be requested. */
export interface RangeSource {
  /** Of the version that is read. */
  readonly stat: Stat
  /** Requests a range, with `stat.etag` as the condition, so that two versions are never mixed. The body outlives the call that asked for it. */
  read(range: ByteRange): Promise<Readable>
  /** The code of the driver's native errors. */
  classify?(error: unknown): ErrorCode | undefined
}

/**
 * Reads a remote file at any place: one open stream for sequential reading, a new range request only after a seek outside
 * what is buffered. A broken stream is continued where it was if the file has an etag.
 */
export class RangeReader implements RandomAccess {
  readonly #source: RangeSource
  #body: Readable | undefined
  #chunks: AsyncIterator<Buffer> | undefined
  #window: Buffer[] = []
  #windowStart = 0
  #windowEnd = 0
  #tail: { start: number; bytes: Buffer } | undefined
  #closed = false

  constructor(source: RangeSource) {
    this.#source = source
  }

  get knownSize(): number {
    return this.#source.stat.size
  }

  async size(): Promise<number> {
    return this.#source.stat.size
  }

  /** One call at a time. */
  async read(position: number, length: number, ctx: CallContext): Promise<Buffer> {
    const { size } = this.#source.stat
    if (position >= size || length <= 0) return Buffer.alloc(0)
    for (;;) {
      if (this.#closed) throw new StorageError('closed', 'I/O operation on closed file.')
      const found = this.#buffered(position, length)
      if (found !== undefined) return found
      if (this.#body !== undefined && position >= this.#windowEnd && position - this.#windowEnd <= SKIP) {
        if (await this.#pull(ctx)) continue
        if (this.#closed) continue
        // The stream ended before the size that was promised.
        throw new StorageError('unavailable', `The file ended at byte ${this.#windowEnd} of ${size}.`)
      }
      this.#cancel()
      if (position >= size - TAIL) await this.#readTail(Math.max(0, size - TAIL), ctx)
      else await this.#openAt(position, undefined, ctx)
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

  async #readTail(start: number, ctx: CallContext): Promise<void> {
    const parts: Buffer[] = []
    await this.#openAt(start, this.#source.stat.size, ctx)
    while (await this.#pull(ctx)) parts.push(this.#window.at(-1) as Buffer)
    this.#cancel()
    const bytes = Buffer.concat(parts)
    if (this.#closed) return
    if (start + bytes.length < this.#source.stat.size) {
      throw new StorageError(
        'unavailable',
        `The file ended at byte ${start + bytes.length} of ${this.#source.stat.size}.`,
      )
    }
    this.#tail = { start, bytes }
  }

  async #openAt(start: number, end: number | undefined, ctx: CallContext): Promise<void> {
    const { stat } = this.#source
    const request = (offset: number): Promise<Readable> =>
      this.#source.read(end === undefined ? { start: start + offset } : { start: start + offset, end })
    const first = await abortable(request(0), ctx.signal, late => late.on('error', () => undefined).destroy())
    this.#body = resumeBody(request, first, {
      maxAttempts: stat.etag === undefined ? 0 : undefined,
      length: stat.size - start,
      classify: this.#source.classify?.bind(this.#source),
    })
    this.#body.on('error', () => undefined)
    this.#chunks = this.#body[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    this.#window = []
    this.#windowStart = this.#windowEnd = start
    if (this.#closed) this.#cancel()
  }

  /** Takes one more chunk of the stream into the window; false at its end. */
  async #pull(ctx: CallContext): Promise<boolean> {
    ctx.signal.throwIfAborted()
    const body = this.#body
    const onAbort = (): unknown => body?.destroy(ctx.signal.reason)
    ctx.signal.addEventListener('abort', onAbort, { once: true })
    try {
      const next = await this.#chunks?.next()
      if (next === undefined || next.done) {
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
      ctx.signal.removeEventListener('abort', onAbort)
    }
    while (this.#windowEnd - this.#windowStart - (this.#window[0]?.length ?? 0) > KEEP) {
      this.#windowStart += this.#window.shift()?.length ?? 0
    }
    return true
  }

  /** Abandons the stream: its connection is given up, what it has delivered stays buffered. */
  #cancel(): void {
    this.#body?.destroy()
    this.#drop()
  }

  #drop(): void {
    this.#body = undefined
    this.#chunks = undefined
  }
}
