import type { Readable } from 'node:stream'
import type { CallOptions } from '../core/call.ts'
import type { ChecksumName } from '../core/driver.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { checkCallOptions, checkKnownOptions } from '../core/known-options.ts'
import { isTraced } from '../layers/trace.ts'
import { type AnyBase, StorageBase } from './base.ts'
import { versionOf } from './bodies.ts'
import { VERSION_OPTIONS } from './call-options.ts'
import { checksumOfFile } from './checksum.ts'
import type { CommonOptions } from './common-settings.ts'
import { nameIn, statEntry } from './entry-keys.ts'
import { entriesBelow, listFolder, pageBelow } from './listing.ts'
import { checkedStream, readJson, readPart, webStream } from './reads.ts'
import type {
  EntriesOptions,
  Entry,
  EntryPage,
  NameOrEntry,
  PageOptions,
  ReadStreamOptions,
  VersionOptions,
} from './types.ts'

/** The methods of `Storage` that read files, folders and attributes. */
export abstract class StorageReader<O extends CommonOptions = CommonOptions> extends StorageBase<O> {
  /** Returns whether the name is taken. False only for `not_found`; any other failure is thrown. The root exists. */
  override async exists(name: NameOrEntry, options: CallOptions = {}): Promise<boolean> {
    checkCallOptions('exists', options)
    if (!isTraced('exists')) return await isThere(this, name, options)
    return await this.calls.operation('exists', nameIn(name), options, () => isThere(this, name, options))
  }

  /** Returns the attributes of a file: size in bytes, times, etag, types, metadata. Missing: `not_found`. */
  override async stat(name: NameOrEntry, options: VersionOptions = {}): Promise<Entry> {
    checkKnownOptions('stat', options, VERSION_OPTIONS)
    const ref = this.calls.checked('stat', nameIn(name), () => this.ref(name))
    const { key } = ref
    this.calls.begin('stat', ref.name, options)
    if (this.isRoot(key)) return { name: '', isDirectory: true, size: 0 }
    const { versionId } = versionOf(this, ref.name, options)
    const stat = await this.calls.run('stat', ref, options, ctx => {
      const { objectParameters } = ref
      return this.calls.driver.stat(key, ctx, { versionId, objectParameters })
    })
    return statEntry(this, name, key, stat)
  }

  /** Returns the names of the folders and of the files in a folder, relative to it. Missing folder: both lists are empty. */
  listdir(path = '', options: CallOptions = {}): Promise<[directories: string[], files: string[]]> {
    return this.calls.guard('list', path, options, () => listFolder(this, path, options))
  }

  /**
   * Returns one page of a folder, with the token of the next page. Another process may use the tokens of a listing, and they stay valid
   * after a failure. Workers share a folder by `startAfter` and `until`. Missing folder: no entries.
   * @example
   * const { entries, next } = await storage.page('photos', { recursive: true, limit: 1000, startAfter: 'photos/k', until: 'photos/p' })
   */
  page(path = '', options: PageOptions = {}): Promise<EntryPage> {
    return this.calls.guard('list', path, options, () => pageBelow(this, path, options))
  }

  /** Iterates over a folder page by page, so that memory does not grow with it. `recursive` returns all files below and no folders. */
  override entries(path = '', options: EntriesOptions = {}): AsyncGenerator<Entry, void, undefined> {
    return entriesBelow(this, path, options)
  }

  /** Returns the size of the stored bytes. Missing: `not_found`. */
  async size(name: NameOrEntry, options: CallOptions = {}): Promise<number> {
    checkCallOptions('size', options)
    return (await this.stat(name, options)).size
  }

  /**
   * Returns the digest of the bytes that `readBytes` returns, in lower-case hexadecimal: `sha256`, `md5`, `sha1`, `crc32`, `crc32c`,
   * `crc64nvme`, or Dropbox's `content_hash` as `dropbox`. Where the service reports it for the whole file, this costs one request for the
   * stat; otherwise the bytes are read as a stream. Missing: `not_found`; a folder: `is_directory`; an unknown digest name:
   * `invalid_argument`.
   * @example
   * const same = (await storage.checksum('a.bin', 'sha256')) === (await backup.checksum('a.bin', 'sha256'))
   */
  checksum(name: NameOrEntry, algorithm: ChecksumName, options: CallOptions = {}): Promise<string> {
    return this.calls.guard('checksum', nameIn(name), options, () => {
      checkCallOptions('checksum', options)
      return checksumOfFile(this, name, algorithm, options)
    })
  }

  /** Returns when the bytes last changed. Missing: `not_found`; not kept by the backend: `unsupported`. */
  async getModifiedTime(name: NameOrEntry, options: CallOptions = {}): Promise<Date> {
    return this.#time('getModifiedTime', name, 'modifiedAt', options)
  }

  /** Returns when the file was made. Missing: `not_found`; not kept by the backend: `unsupported`. */
  async getCreatedTime(name: NameOrEntry, options: CallOptions = {}): Promise<Date> {
    return this.#time('getCreatedTime', name, 'createdAt', options)
  }

  /** Returns when the file was last read. Missing: `not_found`; not kept by the backend: `unsupported`. */
  async getAccessedTime(name: NameOrEntry, options: CallOptions = {}): Promise<Date> {
    return this.#time('getAccessedTime', name, 'accessedAt', options)
  }

  async #time(
    method: string,
    name: NameOrEntry,
    field: 'modifiedAt' | 'createdAt' | 'accessedAt',
    options: CallOptions,
  ): Promise<Date> {
    checkCallOptions(method, options)
    const time = (await this.stat(name, options))[field]
    if (time !== undefined) return time
    throw new StorageError('unsupported', `${this.constructor.name} does not keep ${field}.`, {
      fileName: nameIn(name),
    })
  }

  /** Returns the absolute path on this machine; `unsupported` for remote backends. */
  path(name: string): string {
    const { driver } = this.calls
    if (driver.localPath !== undefined) return driver.localPath(this.keyOf(name))
    throw new StorageError('unsupported', "This backend doesn't support absolute paths.", { fileName: name })
  }

  /**
   * Returns all bytes of a file, or of a range of it (`start`, and `end` or `length`; `end` is exclusive), in one request where the backend
   * can. Missing: `not_found`; a range that begins beyond the end: `invalid_range`.
   * @example
   * const head = await storage.readBytes('video.mp4', { start: 0, length: 4096 })
   * return new Response(await storage.readBytes('logo.png'))
   */
  async readBytes(name: NameOrEntry, options: ReadStreamOptions = {}): Promise<Buffer<ArrayBuffer>> {
    return await readPart('readBytes', this, name, options)
  }

  /** Like `readBytes`, as text in UTF-8. Missing: `not_found`. */
  async readText(name: NameOrEntry, options: ReadStreamOptions = {}): Promise<string> {
    return (await readPart('readText', this, name, options)).toString('utf8')
  }

  /**
   * Returns the value in a JSON file in UTF-8, with or without a byte order mark. Text that is not valid JSON is `invalid_argument`; the
   * message names the file and the position, not the content. Missing: `not_found`. Only the syntax is checked, not the type `T`. (RFC
   * 8259)
   * @example
   * const { theme } = await storage.readJson<{ theme: string }>('settings.json')
   */
  readJson<T = unknown>(name: NameOrEntry, options: VersionOptions = {}): Promise<T> {
    return readJson(this, name, options)
  }

  /**
   * Returns a stream of the file or of a range of it. **`end` is exclusive**, unlike that of Node's `fs.createReadStream`: `{ start: 0,
   * end: 10 }` is 10 bytes, and so is `{ start: 0, length: 10 }`. Both `end` and `length` are `invalid_argument`. The request is made when
   * the stream is first read. All errors, including `not_found`, are reported by the stream's `error`.
   * @example
   * await pipeline(storage.createReadStream('video.mp4', { start, length: 1_048_576 }), response)
   */
  createReadStream(name: NameOrEntry, options: ReadStreamOptions = {}): Readable {
    return checkedStream(this, name, options)
  }

  /**
   * Like `createReadStream`, as a web stream of bytes, for `new Response(...)` and `fetch`. No request is made before the first read, and
   * no more is read than is consumed. `cancel` ends the request. Reads reject with a `StorageError`: a missing file is `not_found`. (WHATWG
   * Streams, readable byte streams)
   * @example
   * return new Response(storage.webStream('video.mp4', { start: 0, length: 1_048_576 }))
   */
  webStream(name: NameOrEntry, options: ReadStreamOptions = {}): ReadableStream<Uint8Array<ArrayBuffer>> {
    return webStream(this, name, options)
  }
}

async function isThere(storage: AnyBase, name: NameOrEntry, options: CallOptions): Promise<boolean> {
  try {
    await storage.stat(name, options)
    return true
  } catch (error) {
    if (isStorageError(error, 'not_found')) return false
    throw error
  }
}
