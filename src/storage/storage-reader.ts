import type { Readable } from 'node:stream'
import type { CallOptions } from '../core/call.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { StorageBase } from './base.ts'
import { versionOf } from './bodies.ts'
import type { CommonOptions } from './common-settings.ts'
import { nameIn, statEntry } from './entry-keys.ts'
import { entriesBelow, listFolder, pageBelow } from './listing.ts'
import { readStream, readWhole } from './streams.ts'
import type {
  EntriesOptions,
  Entry,
  EntryPage,
  NameOrEntry,
  PageOptions,
  ReadStreamOptions,
  VersionOptions,
} from './types.ts'

/** The methods of `Storage` that read: what is known of files, folders, and bytes. */
export abstract class StorageReader<O extends CommonOptions = CommonOptions> extends StorageBase<O> {
  /** Whether the name is taken. False only for `not_found`; any other failure is thrown. The root exists. */
  override async exists(name: NameOrEntry, options: CallOptions = {}): Promise<boolean> {
    return this.calls.operation('exists', nameIn(name), options, async () => {
      try {
        await this.stat(name, options)
        return true
      } catch (error) {
        if (isStorageError(error, 'not_found')) return false
        throw error
      }
    })
  }

  /** What the backend knows of a file: size in bytes, times, etag, types, metadata. Missing: `not_found`. */
  override async stat(name: NameOrEntry, options: VersionOptions = {}): Promise<Entry> {
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

  /** Names of the folders and of the files in a folder, relative to it. Missing: both empty. */
  listdir(path = '', options: CallOptions = {}): Promise<[directories: string[], files: string[]]> {
    return this.calls.guard('list', path, options, () => listFolder(this, path, options))
  }

  /**
   * One page of a folder, with the token of the next one. The tokens of a listing may be used by other processes, and again after a failure;
   * workers share a folder by `startAfter` and `until`. Missing folder: no entries.
   *
   * @example
   * const { entries, next } = await storage.page('photos', { recursive: true, limit: 1000, startAfter: 'photos/k', until: 'photos/p' })
   */
  page(path = '', options: PageOptions = {}): Promise<EntryPage> {
    return this.calls.guard('list', path, options, () => pageBelow(this, path, options))
  }

  /** Goes through a folder page by page, so that memory does not grow with it; `recursive` gives all files below and no folders. */
  override entries(path = '', options: EntriesOptions = {}): AsyncGenerator<Entry, void, undefined> {
    return entriesBelow(this, path, options)
  }

  /** Stored bytes. Missing: `not_found`. */
  async size(name: NameOrEntry, options: CallOptions = {}): Promise<number> {
    return (await this.stat(name, options)).size
  }

  /** When the bytes last changed. Missing: `not_found`; not kept: `unsupported`. */
  async getModifiedTime(name: NameOrEntry, options: CallOptions = {}): Promise<Date> {
    return this.#time(name, 'modifiedAt', options)
  }

  /** When the file was made. Missing: `not_found`; not kept: `unsupported`. */
  async getCreatedTime(name: NameOrEntry, options: CallOptions = {}): Promise<Date> {
    return this.#time(name, 'createdAt', options)
  }

  /** When the file was last read. Missing: `not_found`; not kept: `unsupported`. */
  async getAccessedTime(name: NameOrEntry, options: CallOptions = {}): Promise<Date> {
    return this.#time(name, 'accessedAt', options)
  }

  async #time(
    name: NameOrEntry,
    field: 'modifiedAt' | 'createdAt' | 'accessedAt',
    options: CallOptions,
  ): Promise<Date> {
    const time = (await this.stat(name, options))[field]
    if (time !== undefined) return time
    throw new StorageError('unsupported', `${this.constructor.name} does not keep ${field}.`, {
      fileName: nameIn(name),
    })
  }

  /** Absolute path on this machine; `unsupported` for remote backends. */
  path(name: string): string {
    const { driver } = this.calls
    if (driver.localPath !== undefined) return driver.localPath(this.keyOf(name))
    throw new StorageError('unsupported', "This backend doesn't support absolute paths.", { fileName: name })
  }

  /** All bytes of a file, or of a range of it, in one request where the backend can. Missing: `not_found`. */
  readBytes(name: NameOrEntry, options: ReadStreamOptions = {}): Promise<Buffer> {
    return readWhole(this, name, options)
  }

  /** The same as text in UTF-8. Missing: `not_found`. */
  async readText(name: NameOrEntry, options: ReadStreamOptions = {}): Promise<string> {
    return (await readWhole(this, name, options)).toString('utf8')
  }

  /** A stream of the file or of a range of it. Errors, `not_found` among them, come as the stream's `error`. */
  createReadStream(name: NameOrEntry, options: ReadStreamOptions = {}): Readable {
    return readStream(this, name, options)
  }
}
