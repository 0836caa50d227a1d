import type { Readable, Writable } from 'node:stream'
import type { CallOptions } from '../core/call.ts'
import type { ContentSource } from '../core/content.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { alternativeName, generateFilename, getValidName, trimTrailingSlashes } from '../core/names.ts'
import type { OpenMode } from '../files/modes.ts'
import type { StorageFile } from '../files/storage-file.ts'
import { availableName } from './available-name.ts'
import { StorageBase } from './base.ts'
import { versionOf } from './bodies.ts'
import type { CommonOptions } from './common-settings.ts'
import { createOwnContainer } from './containers.ts'
import { type CopyFileOptions, copyFile, moveFile } from './copy.ts'
import { type DeletableNames, type DeletedFiles, deletedRef, deleteMany, deleteOne } from './delete-many.ts'
import { nameIn, statEntry } from './entry-keys.ts'
import { entriesBelow, listFolder, pageBelow } from './listing.ts'
import { openFile } from './open.ts'
import { saveFile } from './save.ts'
import type { StaticPolicy } from './static-policy.ts'
import { readStream, readWhole, writeStream } from './streams.ts'
import type {
  AvailableNameOptions,
  EntriesOptions,
  Entry,
  EntryPage,
  NameOrEntry,
  OpenOptions,
  PageOptions,
  ReadStreamOptions,
  SaveOptions,
  SweepOptions,
  UrlOptions,
  UrlSigning,
  VersionOptions,
} from './types.ts'
import { urlOf } from './url.ts'

/** One storage of files, whatever holds them. A backend is a subclass that declares settings and makes a driver. */
export class Storage<O extends CommonOptions = CommonOptions> extends StorageBase<O> {
  /**
   * Opens a file; the default mode gives bytes. Reading a missing one is `not_found` at once. `x` on an existing one is `exists`, now or at
   * `close`: where `supports('exclusiveCreate')` is false, two writers who close in the very same moment can both succeed.
   * @example
   * await using file = await storage.open('notes.txt', 'r')
   * console.log(await file.read())
   */
  override open<M extends OpenMode = 'rb'>(
    name: NameOrEntry,
    mode?: M,
    options: OpenOptions = {},
  ): Promise<StorageFile<M>> {
    return openFile(this, name, (mode ?? 'rb') as M, options)
  }

  /** Opens, runs `work`, commits; a throw discards what was written and is rethrown. */
  async edit<M extends OpenMode, T>(
    name: NameOrEntry,
    mode: M,
    work: (file: StorageFile<M>) => Promise<T> | T,
    options: OpenOptions = {},
  ): Promise<T> {
    const file = await this.open(name, mode, options)
    let result: T
    try {
      result = await work(file)
    } catch (error) {
      await file.discard()
      throw error
    }
    await file.close()
    return result
  }

  /**
   * Stores content and gives the name it got: another one when the name was taken and overwriting is off.
   * All or nothing; the caller's content is read from its beginning and never closed. `suspicious_name` writes nothing.
   */
  override async save(
    name: string | null | undefined,
    source: ContentSource,
    options: SaveOptions = {},
  ): Promise<string> {
    return await this.calls.guard('save', name ?? undefined, options, () => saveFile(this, name, source, options))
  }

  /**
   * Removes a file; a missing one is no error. A folder that is not empty is `is_directory` where folders are real (local disk, memory), and an
   * empty one is removed; where they are not (S3), there is no such file and nothing is done. A tree is never removed: that is
   * `deleteMany(entries(...))`. An empty name is `invalid_argument`.
   */
  override async delete(name: NameOrEntry, options: CallOptions = {}): Promise<void> {
    const ref = this.calls.checked('delete', nameIn(name), () => deletedRef(this, name))
    await deleteOne(this, ref, options)
  }

  /** Removes many files, by their names or as `entries` gives them, in batches where the backend can; gives the names that failed with their errors. */
  async deleteMany(names: DeletableNames, options: CallOptions = {}): Promise<DeletedFiles> {
    return this.calls.guard('deleteMany', undefined, options, () => deleteMany(this, names, options))
  }

  /** Whether the name is taken. False only for `not_found`; any other failure is thrown. The root exists. */
  override async exists(name: NameOrEntry, options: CallOptions = {}): Promise<boolean> {
    try {
      await this.stat(name, options)
      return true
    } catch (error) {
      if (isStorageError(error, 'not_found')) return false
      throw error
    }
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

  /** A URL at which the file can be fetched: signed where the backend signs, else public. Whether the file exists is not asked. */
  async url(name: NameOrEntry, options: UrlOptions = {}): Promise<string> {
    return urlOf(this, name, { ...options, expiresInSecs: options.expiresInSecs ?? this.urlLifeSecs })
  }

  /** Life of a signed URL, in seconds, when the caller names none. */
  protected get urlLifeSecs(): number {
    return 3600
  }

  /** That URLs of downloads are signed, and the remedy, as far as the settings say; undefined where they are plain. Nothing is asked of the network. */
  get urlSigning(): UrlSigning | undefined {
    if (this.calls.driver.signUrl === undefined) return undefined
    return { remedy: 'use a storage whose URLs are not signed' }
  }

  /** How static files are collected into the storage, where its class says so. */
  get staticFiles(): StaticPolicy | undefined {
    return undefined
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

  /** A stream that replaces the file when it ends; destroyed before, it leaves everything as it was. */
  createWriteStream(name: NameOrEntry, options: OpenOptions = {}): Writable {
    return writeStream(this, name, options)
  }

  /** Copies a file, to another storage when `storage` is given; the server does it where it can. Names are chosen as by `save`. */
  async copy(from: NameOrEntry, to: string, options: CopyFileOptions = {}): Promise<string> {
    return this.calls.guard('copy', nameIn(from), options, () => copyFile(this, from, to, options))
  }

  /** Moves a file, to another storage when `storage` is given. Names are chosen as by `save`; the source goes last. */
  async move(from: NameOrEntry, to: string, options: CopyFileOptions = {}): Promise<string> {
    return this.calls.guard('move', nameIn(from), options, () => moveFile(this, from, to, options))
  }

  /** Makes the bucket or root folder; `unsupported` where that is not ours to do. */
  async createContainer(options: CallOptions = {}): Promise<void> {
    await createOwnContainer(this.calls, options)
  }

  /**
   * Removes what uploads that were never finished have left: temporary files of killed processes (local disk), uploads in parts that were neither
   * completed nor aborted (S3). Returns how many. To be called now and then, or never: such leftovers are neither listed nor served. `unsupported`
   * where services discard them by themselves, or they cannot be found.
   */
  async sweep(options: SweepOptions = {}): Promise<number> {
    const { minAgeSecs = 86_400, path = '', dryRun = false, signal } = options
    const { driver } = this.calls
    this.calls.begin('sweep', undefined, options, !dryRun)
    if (driver.sweep === undefined) {
      throw new StorageError('unsupported', `${this.constructor.name} cannot find unfinished uploads.`)
    }
    const prefix = path === '' ? this.prefix : `${trimTrailingSlashes(this.normalRef(path).key)}/`
    const request = { prefix, minAgeMs: minAgeSecs * 1000, dryRun }
    return this.calls.run('sweep', undefined, { signal }, ctx => driver.sweep!(request, ctx))
  }

  /** Makes a file name valid; Django's rule by default. */
  getValidName(name: string): string {
    return getValidName(name)
  }

  /** Another name for a taken one. */
  override getAlternativeName(stem: string, suffixes: string): string {
    return alternativeName(stem, suffixes, this.options.nameStrategy)
  }

  /** A free name like the given one, within `maxLength`. With overwriting on it is the name itself, cut to fit. */
  override async getAvailableName(name: string, options: AvailableNameOptions = {}): Promise<string> {
    this.calls.begin('getAvailableName', name, options)
    return await availableName(this, name, options)
  }

  /** Whether a name can be used as it is. */
  override async isNameAvailable(name: string, options: CallOptions = {}): Promise<boolean> {
    return !(await this.exists(name, options))
  }

  /** Makes the last part of a path valid and normalises the rest; `..` is `suspicious_name`. */
  generateFilename(name: string): string {
    return generateFilename(name, last => this.getValidName(last))
  }

  /** Longest name that the backend can hold, in UTF-16 units. */
  getNameMaxLength(): number {
    return Math.max(0, 1024 - this.prefix.length)
  }
}

/** A storage of any backend. */
// biome-ignore lint/suspicious/noExplicitAny: the one place that stands for every options type
export type AnyStorage = Storage<any>
