import { constants } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeCrypto } from '../core/builtin.ts'
import type { CallContext } from '../core/call.ts'
import { bytesContent, type Content } from '../core/content.ts'
import type { RandomAccess } from '../core/driver.ts'
import { classifyErrno } from '../core/errno.ts'
import { type ErrorCode, messageOf, StorageError } from '../core/errors.ts'
import { accessStream } from './access-stream.ts'
import { writeAll } from './write-all.ts'

/** The maximum memory of a spool, and the folder for the rest. */
export interface SpoolOptions {
  /** Bytes kept in memory before all bytes are moved to a temporary file; 0 keeps everything in memory. */
  readonly maxMemorySize: number
  /** Folder of the temporary file; default: the system's. */
  readonly tempDir?: string | undefined
}

/** Codes of a temporary file's errors that mean the same for the call; any other code means that its folder is not writable. */
const KEPT_CODES: ReadonlySet<ErrorCode> = new Set(['no_space', 'unavailable', 'permission_denied', 'too_large'])

/**
 * Bytes of this process only: in memory, and beyond `maxMemorySize` in a file of mode 0600 whose name is already removed. Where that fails,
 * the error is `no_space`, `unavailable`, `permission_denied`, `improperly_configured` ... with outcome `not_applied`.
 */
export class Spool implements RandomAccess {
  readonly #max: number
  readonly #tempDir: string
  #memory: Buffer = Buffer.alloc(0)
  #size = 0
  #file: FileHandle | undefined
  #disposed = false

  constructor(options: SpoolOptions) {
    this.#max = options.maxMemorySize
    this.#tempDir = options.tempDir ?? tmpdir()
  }

  /** Number of bytes in the spool. */
  get knownSize(): number {
    return this.#size
  }

  /** Whether the bytes are in a temporary file. */
  get onDisk(): boolean {
    return this.#file !== undefined
  }

  async size(): Promise<number> {
    return this.#size
  }

  /** Adds bytes at the end. */
  append(bytes: Uint8Array): Promise<void> {
    return this.write(this.#size, bytes)
  }

  /** Adds all chunks of a stream or another iterable. A failure ends the iterable. */
  async fill(source: AsyncIterable<Uint8Array | string>, ctx?: CallContext): Promise<void> {
    for await (const chunk of source) {
      ctx?.signal.throwIfAborted()
      await this.append(typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk)
      ctx?.progress()
    }
  }

  async read(position: number, length: number): Promise<Buffer> {
    this.#check()
    const count = Math.max(0, Math.min(length, this.#size - position))
    if (count === 0) return Buffer.alloc(0)
    if (this.#file === undefined) return Buffer.from(this.#memory.subarray(position, position + count))
    const reading = this.#file.read(Buffer.allocUnsafe(count), 0, count, position)
    const { buffer, bytesRead } = await this.#disk(reading)
    return buffer.subarray(0, bytesRead)
  }

  async write(position: number, data: Uint8Array): Promise<void> {
    this.#check()
    if (data.byteLength === 0) return
    const end = position + data.byteLength
    const file = await this.#fileFor(end)
    if (file !== undefined) await this.#disk(writeAll(file, data, position))
    else {
      this.#reserve(end)
      if (position > this.#size) this.#memory.fill(0, this.#size, position)
      this.#memory.set(data, position)
    }
    this.#size = Math.max(this.#size, end)
  }

  async truncate(size: number): Promise<void> {
    this.#check()
    const file = await this.#fileFor(size)
    if (file !== undefined) await this.#disk(file.truncate(size))
    else if (size > this.#size) {
      this.#reserve(size)
      this.#memory.fill(0, this.#size, size)
    }
    this.#size = size
  }

  /** Returns the current bytes, to be read any number of times until `dispose`. */
  asContent(): Content {
    this.#check()
    if (this.#file === undefined) return bytesContent(this.#memory.subarray(0, this.#size))
    const size = this.#size
    return {
      size,
      replayable: true,
      open: () => accessStream((at, length) => this.read(at, Math.min(length, size - at))),
    }
  }

  /** Only releases: a spool publishes nothing. */
  async commit(): Promise<void> {
    await this.dispose()
  }

  async discard(): Promise<void> {
    await this.dispose()
  }

  /** Releases memory and file; may be repeated. Never fails. */
  async dispose(): Promise<void> {
    this.#disposed = true
    const file = this.#file
    this.#file = undefined
    this.#memory = Buffer.alloc(0)
    await file?.close().catch(() => undefined)
  }

  #check(): void {
    if (this.#disposed) throw new StorageError('closed', 'The spool was released.')
  }

  #reserve(size: number): void {
    if (size <= this.#memory.length) return
    const grown = Buffer.allocUnsafe(Math.max(size, Math.min(this.#memory.length * 2, size + 64 * 1024 * 1024)))
    this.#memory.copy(grown, 0, 0, this.#size)
    this.#memory = grown
  }

  async #fileFor(size: number): Promise<FileHandle | undefined> {
    if (this.#file !== undefined || this.#max === 0 || size <= this.#max) return this.#file
    const file = await this.#disk(openUnlinked(this.#tempDir))
    try {
      await this.#disk(writeAll(file, this.#memory.subarray(0, this.#size), 0))
      this.#check()
    } catch (error) {
      await file.close().catch(() => undefined)
      throw error
    }
    this.#memory = Buffer.alloc(0)
    this.#file = file
    return file
  }

  async #disk<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      this.#check()
      const code = classifyErrno(error) ?? 'unknown'
      const known = code === 'unknown' || KEPT_CODES.has(code) ? code : 'improperly_configured'
      const text = `A temporary file in ${this.#tempDir} (set by FILE_UPLOAD_TEMP_DIR or tempDir) failed: ${messageOf(error)}`
      throw new StorageError(known, text, { cause: error, outcome: 'not_applied' })
    }
  }
}

async function openUnlinked(folder: string): Promise<FileHandle> {
  const path = join(folder, `holdall-${nodeCrypto().randomBytes(12).toString('hex')}.tmp`)
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)
  const file = await open(path, flags, 0o600)
  try {
    await unlink(path)
  } catch (error) {
    // A system that cannot remove an open file may remove a closed one.
    await file.close().catch(() => undefined)
    await unlink(path).catch(() => undefined)
    throw error
  }
  return file
}
