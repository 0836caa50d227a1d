import type { Readable } from 'node:stream'
import { INSPECT } from '../core/builtin.ts'
import type { CallContext, CallOptions } from '../core/call.ts'
import { asContent, type Content, type ContentProvider } from '../core/content.ts'
import type { RandomAccess } from '../core/driver.ts'
import { abortReason, notBegun, StorageError } from '../core/errors.ts'
import { itemsOf } from '../core/items.ts'
import { accessStream } from './access-stream.ts'
import { ByteReader, decode } from './byte-reader.ts'
import { chunkSizeOf, countOf } from './counts.ts'
import { methods } from './methods.ts'
import { type Data, notReadable, notWritable, type OpenMode, type ParsedMode, parseMode } from './modes.ts'

/** From where `seek` counts: 0 or 'start', 1 or 'current', 2 or 'end'. */
export type Whence = 0 | 1 | 2 | 'start' | 'current' | 'end'

/** What a file needs from the storage that opened it. */
export interface FileServices {
  /** The context of the file's next call, which ends when its own signal or the file's fires. */
  ctx(options: CallOptions): CallContext
  /** Opens the same name again; without it a closed file stays closed. */
  reopen?(mode: OpenMode, options: CallOptions): Promise<RandomAccess>
  /** Makes a `StorageError` of what the bytes below threw. */
  wrap?(error: unknown, operation: string): unknown
}

// Merged, since a class cannot declare a symbol of ours under `isolatedDeclarations`.
// biome-ignore lint/correctness/noUnusedVariables: both halves must have the same parameters
export interface StorageFile<M extends OpenMode = 'rb'> extends ContentProvider {
  /** The bytes from the beginning, whatever the position is, without moving it; the file stays open. */
  [asContent](): Content
}

/**
 * An open file of any storage: text in the modes without `b`, bytes in those with it. Calls on one file run one after another. The
 * signal that it was opened with ends all of them, and that of a call the one call.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: see above
export class StorageFile<M extends OpenMode = 'rb'> implements AsyncDisposable {
  static {
    methods(StorageFile.prototype, {
      [asContent](this: StorageFile<OpenMode>) {
        return this.#content()
      },
      [INSPECT](this: StorageFile<OpenMode>) {
        return `<File: ${this.name || 'None'}>`
      },
    })
  }

  readonly name: string
  #mode: M
  #parsed: ParsedMode
  #access: RandomAccess
  #reader: ByteReader
  #atEnd: boolean
  #closed = false
  #discarded = false
  #closing: Promise<void> | undefined
  #failed: { error: unknown } | undefined
  #queue: Promise<unknown> = Promise.resolve()
  readonly #services: FileServices

  constructor(name: string, mode: M, access: RandomAccess, services: FileServices) {
    this.name = name
    this.#mode = mode
    this.#parsed = parseMode(mode)
    this.#access = access
    this.#reader = new ByteReader(access)
    this.#atEnd = this.#parsed.append
    this.#services = services
  }

  /** The mode that the file was opened with last. */
  get mode(): M {
    return this.#mode
  }

  /** Whether `close` or `discard` was called. */
  get closed(): boolean {
    return this.#closed
  }

  /** Bytes in the file, with what was written so far. */
  size(options: CallOptions = {}): Promise<number> {
    return this.#run('size', options, ctx => this.#access.size(ctx))
  }

  /** `n` bytes, or code points in a text mode; all the rest without `n`. Empty at the end. */
  read(n?: number | null, options: CallOptions = {}): Promise<Data<M>> {
    return this.#run('read', options, async ctx => {
      this.#mayRead()
      const count = countOf(n)
      const { binary } = this.#parsed
      return (await (binary ? this.#reader.bytes(count, ctx) : this.#reader.text(count, ctx))) as Data<M>
    })
  }

  /** The next line with its end, empty at the end of the file. Bytes are split at `\n` only, text at every line end. */
  readLine(options: CallOptions = {}): Promise<Data<M>> {
    return this.#line(!this.#parsed.binary, options)
  }

  /** All lines from the current position on. */
  async readLines(options: CallOptions = {}): Promise<Data<M>[]> {
    const lines: Data<M>[] = []
    for (;;) {
      const line = await this.readLine(options)
      if (line.length === 0) return lines
      lines.push(line)
    }
  }

  /** The whole file from its beginning in pieces of `size` bytes, or code points in a text mode. */
  async *chunks(size?: number, options: CallOptions = {}): AsyncGenerator<Data<M>, void, undefined> {
    const count = chunkSizeOf(size)
    await this.seek(0, 0, options)
    for (;;) {
      const chunk = await this.read(count, options)
      if (chunk.length === 0) return
      yield chunk
    }
  }

  /** Whether `chunks(size)` would give more than one piece. */
  async multipleChunks(size?: number, options: CallOptions = {}): Promise<boolean> {
    return (await this.size(options)) > chunkSizeOf(size)
  }

  /** The lines from the beginning of the file; bytes too are split at `\n`, `\r\n` and a lone `\r`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Data<M>, void, undefined> {
    await this.seek(0)
    for (;;) {
      const line = await this.#line(true, {})
      if (line.length === 0) return
      yield line
    }
  }

  /** Moves to a byte and gives its position. A position before the beginning is an `invalid_argument`. */
  seek(offset: number, whence: Whence = 0, options: CallOptions = {}): Promise<number> {
    return this.#run('seek', options, async ctx => {
      let base = 0
      if (whence === 1 || whence === 'current') base = this.#reader.position
      else if (whence === 2 || whence === 'end') base = await this.#access.size(ctx)
      else if (whence !== 0 && whence !== 'start')
        throw new StorageError('invalid_argument', `Invalid whence ${whence}.`)
      const position = base + offset
      if (!Number.isSafeInteger(position) || position < 0) {
        throw new StorageError('invalid_argument', `Cannot seek to byte ${position}.`)
      }
      this.#reader.position = position
      return position
    })
  }

  /** The current position in bytes; in an append mode the end is only known after the first call. */
  tell(): number {
    return this.#reader.position
  }

  /** Writes at the position, in append mode at the end, and gives the bytes written. Text is written as UTF-8. */
  write(data: string | Uint8Array, options: CallOptions = {}): Promise<number> {
    return this.#run('write', options, async ctx => {
      if (!this.#parsed.write) throw notWritable()
      const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data
      if (!(bytes instanceof Uint8Array)) {
        throw new StorageError('invalid_argument', `write takes a string or bytes, not ${typeof data}.`)
      }
      await this.#change(async () => {
        const position = this.#parsed.append ? await this.#access.size(ctx) : this.#reader.position
        await this.#access.write(position, bytes, ctx)
        this.#reader.position = position + bytes.byteLength
      })
      return bytes.byteLength
    })
  }

  /** Writes the pieces one after another, without adding line ends. */
  async writeLines(
    lines: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
    options: CallOptions = {},
  ): Promise<void> {
    await this.#call('write', options, async ({ signal }) => {
      for await (const line of itemsOf(lines, signal, 'lines')) await this.write(line, options)
    })
  }

  /** Cuts or extends with zeros to `size` bytes, by default to the position, which stays; gives the size. */
  truncate(size?: number, options: CallOptions = {}): Promise<number> {
    return this.#run('truncate', options, async ctx => {
      if (!this.#parsed.write) throw notWritable()
      const length = size ?? this.#reader.position
      if (!Number.isSafeInteger(length) || length < 0) {
        throw new StorageError('invalid_argument', `Cannot truncate to ${length} bytes.`)
      }
      await this.#change(() => this.#access.truncate(length, ctx))
      return length
    })
  }

  /** The bytes from the current position on, without moving it; the file stays open. */
  stream(options: CallOptions = {}): Readable {
    this.#mayRead()
    return this.#positional(this.#reader.position, options)
  }

  /** Goes back to the beginning of an open file; opens a closed one again, or fails with code `closed`. */
  async open(mode?: OpenMode, options: CallOptions = {}): Promise<this> {
    if (!this.#closed) {
      await this.seek(0, 0, options)
      return this
    }
    await this.#enqueue(() => this.#reopen(mode ?? this.#mode, options))
    return this
  }

  /** Publishes what was written and releases the file. After a failed write nothing is published and that error is thrown again. */
  close(options: CallOptions = {}): Promise<void> {
    this.#closing ??= this.#enqueue(() => this.#finish(options))
    this.#closed = true
    return this.#closing
  }

  /** Releases the file and publishes nothing; also ends a call that is under way. */
  discard(): Promise<void> {
    this.#closing ??= this.#drop()
    this.#closed = true
    return this.#closing.catch(() => undefined)
  }

  /** As `close`, but an error that a write has already reported is not thrown again. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue
    if (this.#failed !== undefined && this.#closing === undefined) await this.discard()
    else await this.close()
  }

  /** The name. */
  toString(): string {
    return this.name
  }

  async #reopen(mode: OpenMode, options: CallOptions): Promise<void> {
    await this.#closing?.catch(() => undefined)
    if (!this.#closed) return
    if (this.#services.reopen === undefined) throw new StorageError('closed', 'The file cannot be reopened.')
    const parsed = parseMode(mode)
    this.#access = await this.#services.reopen(mode, options)
    this.#parsed = parsed
    this.#reader = new ByteReader(this.#access)
    this.#mode = mode as M
    this.#atEnd = parsed.append
    this.#failed = undefined
    this.#closing = undefined
    this.#discarded = false
    this.#closed = false
  }

  #content(): Content {
    if (this.#closed) throw closedError()
    this.#mayRead()
    return {
      size: this.#access.knownSize,
      replayable: true,
      name: this.name === '' ? undefined : this.name,
      open: () => this.#positional(0, {}),
    }
  }

  #line(universal: boolean, options: CallOptions): Promise<Data<M>> {
    return this.#run('read', options, async ctx => {
      this.#mayRead()
      const line = await this.#reader.line(universal, ctx)
      return (this.#parsed.binary ? line : decode(line)) as Data<M>
    })
  }

  #positional(start: number, options: CallOptions): Readable {
    const access = this.#access
    const read = (at: number, length: number): Promise<Buffer> =>
      this.#run('read', options, ctx => {
        if (access !== this.#access) throw closedError()
        return access.read(at, length, ctx)
      })
    return accessStream(read, start)
  }

  #mayRead(): void {
    if (!this.#parsed.read) throw notReadable()
  }

  async #change(work: () => Promise<void>): Promise<void> {
    this.#reader.invalidate()
    try {
      await work()
    } catch (error) {
      this.#failed ??= { error }
      throw error
    }
  }

  #run<T>(operation: string, options: CallOptions, work: (ctx: CallContext) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(closedError())
    return this.#enqueue(() =>
      this.#call(operation, options, async ctx => {
        if (this.#discarded) throw closedError()
        if (this.#atEnd) {
          this.#reader.position = await this.#access.size(ctx)
          this.#atEnd = false
        }
        return work(ctx)
      }),
    )
  }

  async #call<T>(operation: string, options: CallOptions, work: (ctx: CallContext) => Promise<T>): Promise<T> {
    const ctx = this.#services.ctx(options)
    const { signal } = ctx
    const details = { operation, fileName: this.name }
    try {
      if (signal.aborted) throw notBegun(signal, details)
      return await work(ctx)
    } catch (error) {
      const failure = signal.aborted ? abortReason(signal, error, details) : error
      throw this.#services.wrap?.(failure, operation) ?? failure
    }
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work)
    this.#queue = result.catch(() => undefined)
    return result
  }

  async #finish(options: CallOptions): Promise<void> {
    const wanted = this.#parsed.write && this.#failed === undefined
    if (!wanted || this.#services.ctx(options).signal.aborted) await this.#access.discard()
    if (wanted) await this.#call('close', options, ctx => this.#access.commit(ctx))
    if (this.#failed !== undefined) throw this.#failed.error
  }

  async #drop(): Promise<void> {
    this.#discarded = true
    await this.#access.discard()
  }
}

function closedError(): StorageError {
  return new StorageError('closed', 'I/O operation on closed file.')
}
