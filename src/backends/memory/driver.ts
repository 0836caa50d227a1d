import { Readable } from 'node:stream'
import { givenAttributes } from '../../core/attributes.ts'
import { StreamBody } from '../../core/body.ts'
import type { CallContext } from '../../core/call.ts'
import { type Content, contentChunks } from '../../core/content.ts'
import type { ResumableUploads } from '../../core/direct-uploads.ts'
import type {
  ByteRange,
  DeleteOptions,
  DeleteResult,
  Driver,
  Features,
  FileAttributes,
  Page,
  PageRequest,
  ReadOptions,
  ReadResult,
  Stat,
  WriteOptions,
} from '../../core/driver.ts'
import { type ErrorCode, isStorageError, StorageError } from '../../core/errors.ts'
import { joinUrl } from '../../core/urls.ts'
import { memoryUploads } from './resumable.ts'
import { type FileNode, isDirectory, MemoryTree, statOf } from './tree.ts'

const CHUNK_SIZE = 65_536

/** Options of a `MemoryDriver`. */
export interface MemoryDriverOptions {
  /** Base URL of `publicUrl`; without it, files have no URL. */
  readonly baseUrl?: string | null | undefined
}

/**
 * Files in this process's memory, with the rules of a file system: a file cannot be used as a folder (`not_a_directory`), nor a folder as a
 * file (`is_directory`). The reference for the other drivers.
 */
export class MemoryDriver implements Driver {
  readonly name: string = 'memory'
  readonly features: Features = {
    ranges: true,
    exclusiveCreate: true,
    ifMatch: true,
    deleteIfMatch: true,
    metadata: true,
    listRange: true,
  }
  readonly publicUrl?: (key: string) => string
  readonly resumable: ResumableUploads<WriteOptions, Stat>
  readonly #tree = new MemoryTree()
  #versions = 0

  constructor({ baseUrl }: MemoryDriverOptions = {}) {
    this.resumable = memoryUploads((key, bytes, options) => {
      this.#publish(key, bytes, ownAttributes(options), options)
    })
    if (typeof baseUrl === 'string') this.publicUrl = key => joinUrl(baseUrl, key)
  }

  /** Missing: `not_found`. A folder has size 0 and `isDirectory`. */
  async stat(key: string, ctx: CallContext): Promise<Stat> {
    ctx.signal.throwIfAborted()
    const node = this.#tree.find(key)
    return statOf(node ?? this.#tree.file(key))
  }

  /** Missing: `not_found`. A range that starts at or after the end: `invalid_range`, except 0 of an empty file. */
  async read(key: string, { range, ifMatch }: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    ctx.signal.throwIfAborted()
    const file = this.#tree.file(key)
    checkMatch(file, ifMatch, key)
    const body = new StreamBody(readableOf(sliceOf(file.bytes, range, key)))
    file.accessedAt = Date.now()
    return { body, stat: statOf(file) }
  }

  /** Existing file and `ifAbsent`: `exists`. Another etag than `ifMatch`: `precondition_failed`. A failed source changes nothing. */
  async write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    ctx.signal.throwIfAborted()
    this.#checkTarget(key, options)
    const bytes = await collect(content, options, ctx)
    ctx.signal.throwIfAborted()
    return this.#publish(key, bytes, ownAttributes(options), options)
  }

  /** A missing file is no error. An empty folder is deleted; a folder with files is `is_directory`. */
  async delete(key: string, ctx: CallContext, { ifMatch }: DeleteOptions = {}): Promise<void> {
    ctx.signal.throwIfAborted()
    const found = this.#tree.find(key)
    checkMatch(found?.kind === 'file' ? found : undefined, ifMatch, key)
    this.#tree.remove(key)
  }

  async deleteMany(keys: readonly string[], ctx: CallContext): Promise<readonly DeleteResult[]> {
    ctx.signal.throwIfAborted()
    return keys.map(key => {
      try {
        this.#tree.remove(key)
        return { key }
      } catch (error) {
        return { key, error }
      }
    })
  }

  /** Missing: an empty page. Default: 1000 entries per page. */
  async list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    ctx.signal.throwIfAborted()
    return this.#tree.page(prefix, page)
  }

  /** Source missing: `not_found`. Attributes that are not set come from the source. */
  async copy(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    ctx.signal.throwIfAborted()
    const source = this.#tree.file(from)
    return this.#publish(to, source.bytes, { ...source.attributes, ...ownAttributes(options) }, options)
  }

  /** Source missing: `not_found`. Moving a file to its own name changes nothing. */
  async move(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    ctx.signal.throwIfAborted()
    const source = this.#tree.file(from)
    if (from === to) {
      this.#checkTarget(to, options)
      return statOf(source)
    }
    const stat = this.#publish(to, source.bytes, { ...source.attributes, ...ownAttributes(options) }, options)
    this.#tree.remove(from)
    return stat
  }

  /** The version stays the same: its etag does not change. */
  async setModifiedAt(key: string, time: Date, ctx: CallContext): Promise<void> {
    ctx.signal.throwIfAborted()
    this.#tree.put(key, { ...this.#tree.file(key), modifiedAt: time.getTime() })
  }

  classify(error: unknown): ErrorCode | undefined {
    return isStorageError(error) ? error.code : undefined
  }

  #publish(key: string, bytes: Uint8Array, attributes: FileAttributes, options: WriteOptions): Stat {
    const old = this.#checkTarget(key, options)
    const modifiedAt = Date.now()
    const createdAt = old?.createdAt ?? modifiedAt
    const etag = (++this.#versions).toString(16)
    const file: FileNode = { kind: 'file', bytes, attributes, etag, createdAt, modifiedAt, accessedAt: modifiedAt }
    this.#tree.put(key, file)
    return statOf(file)
  }

  /** Checks whether the key may be written now; returns the file that would be replaced. */
  #checkTarget(key: string, { ifAbsent, ifMatch }: WriteOptions): FileNode | undefined {
    this.#tree.checkParents(key)
    const old = this.#tree.find(key)
    if (ifAbsent === true && old !== undefined) throw new StorageError('exists', `File exists: ${key}`)
    if (old?.kind === 'folder') throw isDirectory(key)
    checkMatch(old, ifMatch, key)
    return old
  }
}

function checkMatch(file: FileNode | undefined, etag: string | undefined, key: string): void {
  if (etag === undefined || file?.etag === etag) return
  throw new StorageError('precondition_failed', `${key} is not the version ${etag} any more.`)
}

function sliceOf(bytes: Uint8Array, range: ByteRange | undefined, key: string): Uint8Array {
  if (range === undefined) return bytes
  const { start, end = bytes.byteLength } = range
  const inside = start < bytes.byteLength && end > start
  if (start < 0 || !(inside || (start === 0 && bytes.byteLength === 0))) {
    throw new StorageError(
      'invalid_range',
      `${key} has ${bytes.byteLength} bytes; the range ${start}-${end} is not in it.`,
    )
  }
  return bytes.subarray(start, end)
}

/** Copies piece by piece, so that callers cannot change the stored bytes. */
function readableOf(bytes: Uint8Array): Readable {
  let position = 0
  return new Readable({
    read() {
      const chunk = Buffer.from(bytes.subarray(position, position + CHUNK_SIZE))
      position += chunk.byteLength
      this.push(chunk.byteLength === 0 ? null : chunk)
    },
  })
}

/** The attributes in the options, with a copy of the caller's metadata. */
function ownAttributes(options: FileAttributes): FileAttributes {
  const given = givenAttributes(options)
  return given.metadata === undefined ? given : { ...given, metadata: { ...given.metadata } }
}

/** Copies all bytes into new memory. */
async function collect(content: Content, { onProgress }: WriteOptions, ctx: CallContext): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of contentChunks(content, ctx, onProgress)) chunks.push(Uint8Array.from(chunk))
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}
