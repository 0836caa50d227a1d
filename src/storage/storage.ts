import type { Writable } from 'node:stream'
import type { CallOptions } from '../core/call.ts'
import type { ContentSource } from '../core/content.ts'
import { StorageError } from '../core/errors.ts'
import { checkCallOptions, checkKnownOptions } from '../core/known-options.ts'
import { alternativeName, generateFilename, getValidName, trimTrailingSlashes } from '../core/names.ts'
import type { OpenMode } from '../files/modes.ts'
import type { StorageFile } from '../files/storage-file.ts'
import { availableName } from './available-name.ts'
import { DELETE_OPTIONS, SWEEP_OPTIONS } from './call-options.ts'
import type { CommonOptions } from './common-settings.ts'
import { createOwnContainer } from './containers.ts'
import { type CopyFileOptions, copyFile, moveFile } from './copy.ts'
import { type DeletableNames, type DeletedFiles, deletedRef, deleteMany, deleteOne } from './delete-many.ts'
import { nameIn } from './entry-keys.ts'
import { type CopiedFiles, type CopyAllOptions, copyAll, deleteAll, type MovedFiles, moveAll } from './folders.ts'
import { saveJson } from './json.ts'
import { openFile } from './open.ts'
import { saveFile } from './save.ts'
import type { StaticPolicy } from './static-policy.ts'
import { StorageAccess } from './storage-access.ts'
import { writeStream } from './streams.ts'
import type {
  AvailableNameOptions,
  DeleteAllOptions,
  DeleteFileOptions,
  NameOrEntry,
  OpenOptions,
  SaveOptions,
  SweepOptions,
} from './types.ts'

/** A storage of files in any backend. A backend is a subclass that declares settings and makes a driver. */
export class Storage<O extends CommonOptions = CommonOptions> extends StorageAccess<O> {
  /**
   * Opens a file; the default mode reads bytes. A missing file that is opened for reading is `not_found` at once. Mode `x` on an existing
   * file is `exists`, at once or at `close`: where `supports('exclusiveCreate')` is false, two writers that close at the very same moment
   * can both succeed.
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

  /** Opens a file, runs `work` and commits. If `work` throws, the written bytes are discarded and the error is rethrown. */
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
   * Stores content and returns the stored name. It differs from `name` when that was taken and overwriting is off. `{ ifAbsent: true }`
   * fails with `exists` instead, and `{ ifMatch: etag }` with `precondition_failed` when the file is no longer that version; where the
   * service does not honour the condition, they are `unsupported`. The file is stored completely or not at all. The caller's content is
   * read from its beginning and never closed. `suspicious_name` writes nothing.
   * @example
   * const name = await storage.save('photos/cat.jpg', bytes)
   * await storage.save('lock', '', { ifAbsent: true })
   */
  override async save(
    name: string | null | undefined,
    source: ContentSource,
    options: SaveOptions = {},
  ): Promise<string> {
    return await this.calls.operation('save', name ?? undefined, options, () => saveFile(this, name, source, options))
  }

  /**
   * Removes a file; a missing file is no error. Where folders are real (local disk, memory), an empty folder is removed and one with files
   * is `is_directory`; elsewhere (S3) the name of a folder is no file, and nothing is done. A tree is never removed: use `deleteAll`. An
   * empty name is `invalid_argument`. With `ifMatch`, another version and a missing file are `precondition_failed`; `unsupported` where the
   * service has no such condition.
   */
  override async delete(name: NameOrEntry, options: DeleteFileOptions = {}): Promise<void> {
    checkKnownOptions('delete', options, DELETE_OPTIONS)
    const ref = this.calls.checked('delete', nameIn(name), () => deletedRef(this, name))
    await deleteOne(this, ref, options)
  }

  /**
   * Removes many files, by their names or by the entries of a listing, in batches where the backend can. Returns the names that failed with
   * their errors.
   */
  async deleteMany(names: DeletableNames, options: CallOptions = {}): Promise<DeletedFiles> {
    return this.calls.guard('deleteMany', undefined, options, () => deleteMany(this, names, options))
  }

  /**
   * Deletes all files below a folder, and where folders are real (local disk, memory, FTP, SFTP) the folders too. `a` and `a/` both mean
   * the folder `a/`: the files `a`, `a.txt` and those in `ab/` stay. A missing folder has no files. An empty path is `invalid_argument`
   * without `{ all: true }`. Returns the number of deleted files, and the files that could not be deleted with their errors.
   * @example
   * const { deleted, errors } = await storage.deleteAll('exports/2023')
   */
  async deleteAll(path: string, options: DeleteAllOptions = {}): Promise<DeletedFiles> {
    return this.calls.guard('deleteAll', path, options, () => deleteAll(this, path, options))
  }

  /** How static files are collected into the storage, where its class defines it. */
  get staticFiles(): StaticPolicy | undefined {
    return undefined
  }

  /** The storages that this one is made of; most have none. */
  protected get parts(): readonly AnyStorage[] {
    return []
  }

  /** Returns a stream that replaces the file when it ends. A stream that is destroyed before its end changes nothing. */
  createWriteStream(name: NameOrEntry, options: OpenOptions = {}): Writable {
    return writeStream(this, name, options)
  }

  /**
   * Stores a value as JSON in UTF-8, with the content type `application/json` by default; otherwise like `save`. A value that JSON cannot
   * represent (`undefined`, functions, BigInt, circular objects) is `invalid_argument`, and nothing is stored. (RFC 8259)
   * @example
   * await storage.saveJson('settings.json', { theme: 'dark' }, { overwrite: true })
   */
  async saveJson(name: string, value: unknown, options: SaveOptions = {}): Promise<string> {
    return saveJson(this, name, value, options)
  }

  /**
   * Copies a file, to another storage when `storage` is set; on the server where it can. The target name is chosen as in `save`. Returns
   * the stored name.
   */
  async copy(from: NameOrEntry, to: string, options: CopyFileOptions = {}): Promise<string> {
    return this.calls.guard('copy', nameIn(from), options, () => copyFile(this, from, to, options))
  }

  /**
   * Moves a file, to another storage when `storage` is set. The target name is chosen as in `save`; the source is deleted last. Returns the
   * stored name.
   */
  async move(from: NameOrEntry, to: string, options: CopyFileOptions = {}): Promise<string> {
    return this.calls.guard('move', nameIn(from), options, () => moveFile(this, from, to, options))
  }

  /**
   * Copies all files below a folder into another one, of this storage or of `storage`; `''` is the whole storage. Names relative to the
   * folder do not change. A file that fails is listed in `errors`, and the others are still copied. Without overwriting, a taken name fails
   * with `exists`; no other name is tried. A target that is the source or lies in it is `invalid_argument` before anything is copied. Runs
   * `concurrency` copies at a time, by default 8.
   * @example
   * const { copied, errors } = await storage.copyAll('2024', 'archive/2024', { storage: archive })
   */
  async copyAll(from: string, to: string, options: CopyAllOptions = {}): Promise<CopiedFiles> {
    return this.calls.guard('copyAll', from, options, () => copyAll(this, from, to, options))
  }

  /** Moves all files below a folder into another one, like `copyAll`. Where folders are real, those that are then empty are removed. */
  async moveAll(from: string, to: string, options: CopyAllOptions = {}): Promise<MovedFiles> {
    return this.calls.guard('moveAll', from, options, () => moveAll(this, from, to, options))
  }

  /** Makes the bucket or root folder; `unsupported` where Holdall cannot make it. */
  async createContainer(options: CallOptions = {}): Promise<void> {
    await createOwnContainer(this.calls, options)
  }

  /**
   * Removes the leftovers of uploads that were never finished: temporary files of killed processes (local disk), uploads in parts that were
   * neither completed nor aborted (S3). Returns their number. Calling it is optional: leftovers are neither listed nor served.
   * `unsupported` where services discard them by themselves, or they cannot be found.
   */
  async sweep(options: SweepOptions = {}): Promise<number> {
    checkKnownOptions('sweep', options, SWEEP_OPTIONS)
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

  /** Returns a valid form of a file name; Django's rule by default. */
  getValidName(name: string): string {
    return getValidName(name)
  }

  /** Returns another name for one that is taken. */
  override getAlternativeName(stem: string, suffixes: string): string {
    return alternativeName(stem, suffixes, this.options.nameStrategy)
  }

  /** Returns a free name that resembles `name`, within `maxLength`. With overwriting on, it is `name` itself, shortened to fit. */
  override async getAvailableName(name: string, options: AvailableNameOptions = {}): Promise<string> {
    this.calls.begin('getAvailableName', name, options)
    return await availableName(this, name, options)
  }

  /** Returns whether a name can be used unchanged. */
  override async isNameAvailable(name: string, options: CallOptions = {}): Promise<boolean> {
    checkCallOptions('isNameAvailable', options)
    return !(await this.exists(name, options))
  }

  /** Makes the last part of a path valid and normalises the rest; `..` is `suspicious_name`. */
  generateFilename(name: string): string {
    return generateFilename(name, last => this.getValidName(last))
  }

  /** Maximum length of a name in the backend, in UTF-16 units. */
  getNameMaxLength(): number {
    return Math.max(0, 1024 - this.prefix.length)
  }
}

/** A storage of any backend. */
// biome-ignore lint/suspicious/noExplicitAny: the one place that stands for every options type
export type AnyStorage = Storage<any>
