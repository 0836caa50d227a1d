import { constants as bufferConstants } from 'node:buffer'
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { CallOptions } from '../core/call.ts'
import { classifyErrno } from '../core/errno.ts'
import { abortedError, StorageError, wrapError } from '../core/errors.ts'
import type { StaticFile } from './types.ts'

/** Opening must not wait for a pipe that has replaced a file. Windows has no such flag. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)
/** Maximum number of bytes in one read: the system accepts at most 2 GiB. */
const MAX_READ = 1 << 30
const CHUNK = 256 * 1024

/**
 * A file of this machine. Its bytes are read by synchronous calls, one after the other: for 10,000 files of 2 KB they took 60 ms of
 * processor time, against 220 ms to 1,100 ms with promises.
 */
export class DiskFile implements StaticFile {
  readonly name: string
  readonly path: string

  constructor(name: string, path: string) {
    this.name = name
    this.path = path
  }

  get origin(): string {
    return this.path
  }

  async modifiedAt({ signal }: CallOptions = {}): Promise<Date | undefined> {
    try {
      this.#check(signal)
      return statSync(this.path).mtime
    } catch (error) {
      throw this.#failure(error)
    }
  }

  async readUpTo(limit: number, { signal }: CallOptions = {}): Promise<Buffer | undefined> {
    try {
      this.#check(signal)
      const descriptor = openSync(this.path, FLAGS)
      try {
        const size = this.#sizeOf(fstatSync(descriptor))
        return size > limit || size >= bufferConstants.MAX_LENGTH ? undefined : this.#read(descriptor, size)
      } finally {
        closeSync(descriptor)
      }
    } catch (error) {
      throw this.#failure(error)
    }
  }

  open({ signal }: CallOptions = {}): Readable {
    return Readable.from(this.#chunks(signal), { objectMode: false, highWaterMark: CHUNK })
  }

  async *#chunks(signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
    try {
      this.#check(signal)
      const handle = await open(this.path, FLAGS)
      try {
        const size = this.#sizeOf(await handle.stat())
        for (let count = 0; ; ) {
          this.#check(signal)
          const chunk = Buffer.allocUnsafe(CHUNK)
          const { bytesRead } = await handle.read(chunk, 0, CHUNK)
          count += bytesRead
          if (count > size || (bytesRead === 0 && count < size)) throw this.#changed()
          if (bytesRead === 0) return
          yield chunk.subarray(0, bytesRead)
        }
      } finally {
        await handle.close()
      }
    } catch (error) {
      throw this.#failure(error)
    }
  }

  #read(descriptor: number, size: number): Buffer {
    // One byte more than the file has: the same call then shows that the file has ended.
    const bytes = Buffer.allocUnsafe(size + 1)
    let count = 0
    do {
      const read = readSync(descriptor, bytes, count, Math.min(bytes.length - count, MAX_READ), null)
      if (read === 0) break
      count += read
    } while (count < size)
    if (count !== size) throw this.#changed()
    return bytes.subarray(0, size)
  }

  #sizeOf(stats: Stats): number {
    if (stats.isFile()) return stats.size
    const code = stats.isDirectory() ? 'is_directory' : 'unsupported'
    throw new StorageError(code, `read '${this.path}': it is not a regular file.`, this.#details)
  }

  #changed(): StorageError {
    const text = 'its length changed while it was read. Is a build still running?'
    return new StorageError('source_failed', `read '${this.path}': ${text}`, this.#details)
  }

  #check(signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw abortedError({ ...this.#details, outcome: 'not_applied' }, signal.reason)
  }

  #failure(error: unknown): StorageError {
    return error instanceof StorageError ? error : wrapError(error, this.#details, classifyErrno)
  }

  get #details(): { readonly operation: string; readonly fileName: string } {
    return { operation: 'read', fileName: this.path }
  }
}
