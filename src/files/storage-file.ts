import type { Readable } from 'node:stream'
import { INSPECT } from '../core/builtin.ts'
import type { CallContext, CallOptions } from '../core/call.ts'
import { asContent, type Content, type ContentProvider } from '../core/content.ts'
import type { RandomAccess } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { itemsOf } from '../core/items.ts'
import { checkCallOptions } from '../core/known-options.ts'
import { accessStream } from './access-stream.ts'
import { chunkSizeOf, countOf } from './counts.ts'
import { FileBytes, type Whence } from './file-bytes.ts'
import { FileCalls, type FileServices } from './file-calls.ts'
import { methods } from './methods.ts'
import { type Data, type OpenMode, parseMode } from './modes.ts'

// Merged, since a class cannot declare Holdall's symbol under `isolatedDeclarations`.
// biome-ignore lint/correctness/noUnusedVariables: both halves must have the same parameters
export interface StorageFile<M extends OpenMode = 'rb'> extends ContentProvider {
  /** Returns the bytes from the beginning, independent of the position and without moving it; the file stays open. */
  [asContent](): Content
}

/**
 * An open file of any storage: text in the modes without `b`, bytes in those with it. Calls on one file run one after another. The signal
 * that it was opened with ends all calls, and that of a call this one call.
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
  #bytes: FileBytes<M>
  #closed = false
  #discarded = false
  #closing: Promise<void> | undefined
  readonly #calls: FileCalls
  readonly #services: FileServices

  constructor(name: string, mode: M, access: RandomAccess, services: FileServices) {
    this.name = name
    this.#bytes = new FileBytes(mode, access)
    this.#services = services
    this.#calls = new FileCalls(name, services)
  }

  /** The mode that the file was opened with last. */
  get mode(): M {
    return this.#bytes.mode
  }

  /** Whether `close` or `discard` was called. */
  get closed(): boolean {
    return this.#closed
  }

  /** Returns the size in bytes, including the bytes written so far. */
  size(options: CallOptions = {}): Promise<number> {
    return this.#run('size', options, ctx => this.#bytes.access.size(ctx))
  }

  /** Reads `n` bytes, or code points in a text mode; without `n` all the rest. Empty at the end. */
  read(n?: number | null, options: CallOptions = {}): Promise<Data<M>> {
    return this.#run('read', options, async ctx => this.#bytes.read(countOf(n), ctx))
  }

  /** Returns the next line with its line end, empty at the end of the file. Bytes are split at `\n` only, text at every line end. */
  readLine(options: CallOptions = {}): Promise<Data<M>> {
    return this.#line(!this.#bytes.binary, options, 'readLine')
  }

  /** Returns all lines from the current position on. */
  async readLines(options: CallOptions = {}): Promise<Data<M>[]> {
    checkCallOptions('readLines', options)
    const lines: Data<M>[] = []
    for (;;) {
      const line = await this.readLine(options)
      if (line.length === 0) return lines
      lines.push(line)
    }
  }

  /** Returns the whole file from its beginning in pieces of `size` bytes, or code points in a text mode. */
  async *chunks(size?: number, options: CallOptions = {}): AsyncGenerator<Data<M>, void, undefined> {
    checkCallOptions('chunks', options)
    const count = chunkSizeOf(size)
    await this.seek(0, 0, options)
    for (;;) {
      const chunk = await this.read(count, options)
      if (chunk.length === 0) return
      yield chunk
    }
  }

  /** Whether `chunks(size)` would return more than one piece. */
  async multipleChunks(size?: number, options: CallOptions = {}): Promise<boolean> {
    checkCallOptions('multipleChunks', options)
    return (await this.size(options)) > chunkSizeOf(size)
  }

  /**
   * Returns the lines from the beginning of the file; bytes too are split at `\n`, `\r\n` and a lone `\r`. A loop that reads to the end
   * closes a file that was opened for reading only. A loop that is left early leaves it open, and a file that can be written stays open,
   * too.
   * @example
   * for await (const line of await storage.open('notes.txt', 'r')) console.log(line)
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Data<M>, void, undefined> {
    await this.seek(0)
    for (let line = await this.#line(true, {}); line.length > 0; line = await this.#line(true, {})) yield line
    if (!this.#bytes.writable) await this.close()
  }

  /** Moves to an offset in bytes and returns the new position. A position before the beginning is `invalid_argument`. */
  seek(offset: number, whence: Whence = 0, options: CallOptions = {}): Promise<number> {
    return this.#run('seek', options, ctx => this.#bytes.seek(offset, whence, ctx))
  }

  /** Returns the current position in bytes; in an append mode the end is known only after the first call. */
  tell(): number {
    return this.#bytes.position
  }

  /** Writes at the position, in append mode at the end, and returns the number of bytes written. Text is written as UTF-8. */
  write(data: string | Uint8Array, options: CallOptions = {}): Promise<number> {
    return this.#run('write', options, ctx => this.#bytes.write(data, ctx))
  }

  /** Writes the pieces one after another, without adding line ends. */
  async writeLines(
    lines: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
    options: CallOptions = {},
  ): Promise<void> {
    checkCallOptions('writeLines', options)
    await this.#calls.run('write', options, async ({ signal }) => {
      for await (const line of itemsOf(lines, signal, 'lines')) await this.write(line, options)
    })
  }

  /** Cuts or extends the file with zeros to `size` bytes, by default to the position. The position does not change. Returns the size. */
  truncate(size?: number, options: CallOptions = {}): Promise<number> {
    return this.#run('truncate', options, ctx => this.#bytes.truncate(size, ctx))
  }

  /** Returns the bytes from the current position on, without moving it; the file stays open. */
  stream(options: CallOptions = {}): Readable {
    checkCallOptions('stream', options)
    this.#bytes.mayRead()
    return this.#positional(this.#bytes.position, options)
  }

  /** Goes back to the beginning of an open file; opens a closed one again, or fails with code `closed`. */
  async open(mode?: OpenMode, options: CallOptions = {}): Promise<this> {
    checkCallOptions('open', options)
    if (!this.#closed) {
      await this.seek(0, 0, options)
      return this
    }
    await this.#calls.queue(() => this.#reopen(mode ?? this.mode, options))
    return this
  }

  /** Publishes the written bytes and releases the file. After a failed write nothing is published and that error is thrown again. */
  close(options: CallOptions = {}): Promise<void> {
    try {
      checkCallOptions('close', options)
    } catch (error) {
      return Promise.reject(error)
    }
    this.#closing ??= this.#calls.queue(() => this.#finish(options))
    this.#closed = true
    return this.#closing
  }

  /** Releases the file and publishes nothing; also ends a call in progress. */
  discard(): Promise<void> {
    this.#closing ??= this.#drop()
    this.#closed = true
    return this.#closing.catch(() => undefined)
  }

  /** Like `close`, but an error that a write has already reported is not thrown again. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#calls.idle()
    if (this.#bytes.failed !== undefined && this.#closing === undefined) await this.discard()
    else await this.close()
  }

  /** The name. */
  toString(): string {
    return this.name
  }

  async #reopen(mode: OpenMode, options: CallOptions): Promise<void> {
    await this.#closing?.catch(() => undefined)
    if (!this.#closed) return
    if (this.#services.reopen === undefined)
      throw new StorageError('closed', 'The file cannot be reopened.', { operation: 'open', fileName: this.name })
    parseMode(mode)
    this.#bytes = new FileBytes(mode as M, await this.#services.reopen(mode, options))
    this.#closing = undefined
    this.#discarded = false
    this.#closed = false
  }

  #content(): Content {
    if (this.#closed) throw closedError('read', this.name)
    this.#bytes.mayRead()
    return {
      size: this.#bytes.access.knownSize,
      replayable: true,
      name: this.name === '' ? undefined : this.name,
      open: () => this.#positional(0, {}),
    }
  }

  #line(universal: boolean, options: CallOptions, method = 'read'): Promise<Data<M>> {
    return this.#run('read', options, ctx => this.#bytes.line(universal, ctx), method)
  }

  #positional(start: number, options: CallOptions): Readable {
    const { access } = this.#bytes
    const read = (at: number, length: number): Promise<Buffer> =>
      this.#run('read', options, ctx => {
        if (access !== this.#bytes.access) throw closedError('read', this.name)
        return access.read(at, length, ctx)
      })
    return accessStream(read, start)
  }

  #run<T>(
    operation: string,
    options: CallOptions,
    work: (ctx: CallContext) => Promise<T>,
    method = operation,
  ): Promise<T> {
    if (this.#closed) return Promise.reject(closedError(operation, this.name))
    return this.#calls.queue(() =>
      this.#calls.run(operation, options, async ctx => {
        checkCallOptions(method, options)
        if (this.#discarded) throw closedError(operation, this.name)
        await this.#bytes.begin(ctx)
        return work(ctx)
      }),
    )
  }

  async #finish(options: CallOptions): Promise<void> {
    const { access, failed, writable } = this.#bytes
    const wanted = writable && failed === undefined
    if (!wanted || this.#calls.isAborted(options)) await access.discard()
    if (wanted) await this.#calls.run('close', options, ctx => access.commit(ctx))
    if (failed !== undefined) throw failed.error
  }

  async #drop(): Promise<void> {
    this.#discarded = true
    await this.#bytes.access.discard()
  }
}

function closedError(operation: string, fileName: string): StorageError {
  return new StorageError('closed', 'I/O operation on closed file.', { operation, fileName })
}
