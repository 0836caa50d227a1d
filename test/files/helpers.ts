import { Readable } from 'node:stream'
import { StreamBody } from '../../src/core/body.ts'
import type { CallContext } from '../../src/core/call.ts'
import type { ByteRange, Stat } from '../../src/core/driver.ts'
import type { OpenMode } from '../../src/files/modes.ts'
import type { RangeSource } from '../../src/files/range-reader.ts'
import { ResumedBody } from '../../src/files/resume.ts'
import { Spool } from '../../src/files/spool.ts'
import { StorageFile } from '../../src/files/storage-file.ts'

/** A context that nobody ends, unless a signal is given. */
export function context(signal: AbortSignal = new AbortController().signal): CallContext {
  const ctx: CallContext = { signal, attempt: 1, progress: () => undefined, step: (_name, _again, run) => run(ctx) }
  return ctx
}

/** An open file over bytes in memory. */
export async function fileOf<M extends OpenMode>(mode: M, content: string | Uint8Array = ''): Promise<StorageFile<M>> {
  const spool = new Spool({ maxMemorySize: 0 })
  await spool.append(Buffer.from(content as string))
  return new StorageFile('dir/file.txt', mode, spool, { ctx: () => context() })
}

/** A remote file that is computed, not stored: counts requests, bytes handed out and streams still open. */
export class CountingSource implements RangeSource {
  readonly stat: Stat
  readonly ranges: ByteRange[] = []
  bytes = 0
  open = 0
  readonly #byteAt: (position: number, length: number) => Buffer
  readonly #chunk: number
  /** Breaks the next stream after so many bytes. */
  breakAfter: number | undefined

  constructor(stat: Stat, byteAt: (position: number, length: number) => Buffer, chunk: number = 16384) {
    this.stat = stat
    this.#byteAt = byteAt
    this.#chunk = chunk
  }

  get size(): number {
    return this.stat.size
  }

  async read(range: ByteRange): Promise<ResumedBody> {
    const { start, end } = range
    const again = async (offset: number) => new StreamBody(this.#stream({ start: start + offset, end }))
    const length = Math.min(end ?? this.size, this.size) - start
    return new ResumedBody(await again(0), { length, again: this.stat.etag === undefined ? undefined : again })
  }

  #stream(range: ByteRange): Readable {
    this.ranges.push(range)
    this.open += 1
    const end = Math.min(range.end ?? this.stat.size, this.stat.size)
    let position = range.start
    let left = this.breakAfter ?? Number.POSITIVE_INFINITY
    this.breakAfter = undefined
    const source = this
    return new Readable({
      read() {
        if (left <= 0) {
          this.destroy(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }))
          return
        }
        const length = Math.min(source.#chunk, end - position, left)
        if (length === 0) {
          this.push(null)
          return
        }
        const bytes = source.#byteAt(position, length)
        position += length
        left -= length
        source.bytes += length
        this.push(bytes)
      },
      destroy(error, done) {
        source.open -= 1
        done(error)
      },
    })
  }
}

/** Everything that an async iterable gives. */
export async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of source) items.push(item)
  return items
}

/** All bytes of a stream. */
export async function bytesOf(source: Readable): Promise<Buffer> {
  return Buffer.concat(await all<Buffer>(source))
}
