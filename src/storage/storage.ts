import type { Readable, Writable } from 'node:stream'
import type { InspectOptions, inspect } from 'node:util'
import { INSPECT, nodeUtil } from '../core/builtin.ts'
import type { CallOptions } from '../core/call.ts'
import type { Content, ContentSource } from '../core/content.ts'
import type { Driver, FileAttributes, Stat, WriteOptions } from '../core/driver.ts'
import { ImproperlyConfigured, isStorageError, StorageError, SuspiciousFileOperation } from '../core/errors.ts'
import { guessType } from '../core/mime.ts'
import { alternativeName, checkedName, cleanName, generateFilename, getValidName, safeJoin } from '../core/names.ts'
import {
  activeSettings,
  discreetOptions,
  type Input,
  type Origin,
  type ResolvedSettings,
  redactOptions,
  resolveSettings,
  type SettingsOf,
} from '../core/settings.ts'
import { methods } from '../files/methods.ts'
import type { OpenMode } from '../files/modes.ts'
import type { StorageFile } from '../files/storage-file.ts'
import { availableName } from './available-name.ts'
import { versionOf } from './bodies.ts'
import { CallRunner } from './call-runner.ts'
import { type CommonOptions, commonSettings } from './common-settings.ts'
import { type CopyFileOptions, copyFile, moveFile } from './copy.ts'
import { type DeletableNames, type DeletedFiles, deletedKey, deleteMany } from './delete-many.ts'
import { Discovery } from './discovery.ts'
import { fileKeyOf, isRoot } from './file-key.ts'
import { type EntriesOptions, entriesBelow, listFolder } from './listing.ts'
import { openFile } from './open.ts'
import { saveFile } from './save.ts'
import { readStream, readWhole, writeStream } from './streams.ts'
import type {
  AvailableNameOptions,
  Entry,
  Feature,
  OpenOptions,
  ReadStreamOptions,
  SaveOptions,
  Services,
  UrlOptions,
  VersionOptions,
} from './types.ts'

/** One storage of files, whatever holds them. A backend is a subclass that declares settings and makes a driver. */
export class Storage<O extends CommonOptions = CommonOptions> implements AsyncDisposable {
  /** Short name of the backend. */
  static readonly backendName: string = 'storage'
  static readonly settings: SettingsOf<CommonOptions> = commonSettings
  /** What a subclass fixes: wins over the settings object and the environment, loses to constructor options. */
  static readonly defaults: Readonly<Record<string, unknown>> = {}

  static {
    methods(Storage.prototype, { [INSPECT]: inspectStorage })
  }

  readonly options: O
  /** Where each option's value was found. */
  readonly origins: Readonly<Record<string, Origin>>
  readonly #services: Services
  #driver: Driver | undefined
  #runner: CallRunner | undefined
  readonly #discovery = new Discovery()

  /** A backend's chance to make some options of others, where one setting stands for several. */
  static refineOptions<T>(found: ResolvedSettings<T>): ResolvedSettings<T> {
    return found
  }

  /** Reads the settings now and connects at the first use; an unknown or bad option is `improperly_configured`. */
  constructor(options: Input<O> = {}, services: Services = {}) {
    const self = new.target as unknown as typeof Storage
    const found = resolveSettings<O>(self.name, self.settings as unknown as SettingsOf<O>, options, {
      defaults: classDefaults(self),
      settings: services.settings ?? activeSettings(),
      env: services.env ?? process.env,
    })
    const resolved = self.refineOptions(found)
    this.options = discreetOptions(self.settings as unknown as SettingsOf<O>, resolved.options as O)
    this.origins = resolved.origins
    this.#services = services
  }

  /** The backend's one duty: its driver for these options. Called at first use; must do no I/O. */
  protected connect(_options: O): Driver {
    throw new ImproperlyConfigured(`${this.constructor.name} has no driver: override connect().`)
  }

  /** The protocol underneath; for what only this backend can do. */
  get driver(): Driver {
    this.#driver ??= this.#services.driver ?? this.connect(this.options)
    return this.#driver
  }

  /** The layers around the driver; for backends and for code that extends Holdall. */
  get calls(): CallRunner {
    this.#runner ??= new CallRunner(this.driver, this.options, this.#services.layers)
    return this.#runner
  }

  /** Opens a file; the default mode gives bytes. Reading a missing one is `not_found` at once; `x` on an existing one is `exists`. */
  open<M extends OpenMode = 'rb'>(name: string, mode?: M, options: OpenOptions = {}): Promise<StorageFile<M>> {
    return openFile(this, name, (mode ?? 'rb') as M, options)
  }

  /** Opens, runs `work`, commits; a throw discards what was written and is rethrown. */
  async edit<M extends OpenMode, T>(
    name: string,
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
  async save(name: string | null | undefined, source: ContentSource, options: SaveOptions = {}): Promise<string> {
    return this.calls.guard('save', name ?? undefined, options, () => saveFile(this, name, source, options))
  }

  /** Removes a file; a missing one is no error. An empty name is `invalid_argument`. */
  async delete(name: string, options: CallOptions = {}): Promise<void> {
    const key = deletedKey(this, name)
    await this.calls.run('delete', key, options, ctx => this.driver.delete(key, ctx))
  }

  /** Removes many files, by their names or as `entries` gives them, in batches where the backend can; gives the names that failed with their errors. */
  async deleteMany(names: DeletableNames, options: CallOptions = {}): Promise<DeletedFiles> {
    return this.calls.guard('deleteMany', undefined, options, () => deleteMany(this, names, options))
  }

  /** Whether the name is taken. False only for `not_found`; any other failure is thrown. The root exists. */
  async exists(name: string, options: CallOptions = {}): Promise<boolean> {
    try {
      await this.stat(name, options)
      return true
    } catch (error) {
      if (isStorageError(error, 'not_found')) return false
      throw error
    }
  }

  /** What the backend knows of a file: size in bytes, times, etag, types, metadata. Missing: `not_found`. */
  async stat(name: string, options: VersionOptions = {}): Promise<Entry> {
    const key = this.keyOf(name)
    this.calls.begin('stat', name, options)
    if (isRoot(this, key)) return { name: '', isDirectory: true, size: 0 }
    const version = versionOf(this, name, options)
    const stat = await this.calls.run('stat', key, options, ctx => this.driver.stat(key, ctx, version))
    return { ...stat, name: this.nameOf(key), isDirectory: stat.isDirectory ?? false }
  }

  /** Names of the folders and of the files in a folder, relative to it. Missing: both empty. */
  listdir(path = '', options: CallOptions = {}): Promise<[directories: string[], files: string[]]> {
    return listFolder(this, path, options)
  }

  /** Goes through a folder page by page, so that memory does not grow with it; `recursive` gives all files below and no folders. */
  entries(path = '', options: EntriesOptions = {}): AsyncGenerator<Entry, void, undefined> {
    return entriesBelow(this, path, options)
  }

  /** Stored bytes. Missing: `not_found`. */
  async size(name: string, options: CallOptions = {}): Promise<number> {
    return (await this.stat(name, options)).size
  }

  /** A URL at which the file can be fetched: signed where the backend signs, else public. Whether the file exists is not asked. */
  async url(name: string, options: UrlOptions = {}): Promise<string> {
    const { driver } = this
    const key = this.keyOf(name)
    const { signal, expiresInSecs = this.urlLifeSecs, method = 'GET', ...rest } = options
    this.calls.begin('signUrl', name, options, method === 'PUT' || method === 'DELETE')
    if (driver.signUrl !== undefined) {
      fileKeyOf(this, name)
      if (!(expiresInSecs > 0)) {
        throw new StorageError('invalid_argument', `expiresInSecs: expected seconds above 0, got ${expiresInSecs}.`)
      }
      const sign = { ...rest, method, expiresInSecs }
      return this.calls.run('signUrl', key, { signal }, ctx => driver.signUrl!(key, sign, ctx))
    }
    if (driver.publicUrl === undefined || method !== 'GET') {
      throw new StorageError('unsupported', 'This file is not accessible via a URL.', {
        fileName: name,
        operation: 'url',
      })
    }
    return driver.publicUrl(key)
  }

  /** Life of a signed URL, in seconds, when the caller names none. */
  protected get urlLifeSecs(): number {
    return 3600
  }

  /** When the bytes last changed. Missing: `not_found`; not kept: `unsupported`. */
  async getModifiedTime(name: string, options: CallOptions = {}): Promise<Date> {
    return this.#time(name, 'modifiedAt', options)
  }

  /** When the file was made. Missing: `not_found`; not kept: `unsupported`. */
  async getCreatedTime(name: string, options: CallOptions = {}): Promise<Date> {
    return this.#time(name, 'createdAt', options)
  }

  /** When the file was last read. Missing: `not_found`; not kept: `unsupported`. */
  async getAccessedTime(name: string, options: CallOptions = {}): Promise<Date> {
    return this.#time(name, 'accessedAt', options)
  }

  async #time(name: string, field: 'modifiedAt' | 'createdAt' | 'accessedAt', options: CallOptions): Promise<Date> {
    const time = (await this.stat(name, options))[field]
    if (time !== undefined) return time
    throw new StorageError('unsupported', `${this.constructor.name} does not keep ${field}.`, { fileName: name })
  }

  /** Absolute path on this machine; `unsupported` for remote backends. */
  path(name: string): string {
    const { driver } = this
    if (driver.localPath !== undefined) return driver.localPath(this.keyOf(name))
    throw new StorageError('unsupported', "This backend doesn't support absolute paths.", { fileName: name })
  }

  /** All bytes of a file, or of a range of it, in one request where the backend can. Missing: `not_found`. */
  readBytes(name: string, options: ReadStreamOptions = {}): Promise<Buffer> {
    return readWhole(this, name, options)
  }

  /** The same as text in UTF-8. Missing: `not_found`. */
  async readText(name: string, options: ReadStreamOptions = {}): Promise<string> {
    return (await readWhole(this, name, options)).toString('utf8')
  }

  /** A stream of the file or of a range of it. Errors, `not_found` among them, come as the stream's `error`. */
  createReadStream(name: string, options: ReadStreamOptions = {}): Readable {
    return readStream(this, name, options)
  }

  /** A stream that replaces the file when it ends; destroyed before, it leaves everything as it was. */
  createWriteStream(name: string, options: OpenOptions = {}): Writable {
    return writeStream(this, name, options)
  }

  /** Copies a file, to another storage when `storage` is given; the server does it where it can. Names are chosen as by `save`. */
  async copy(from: string, to: string, options: CopyFileOptions = {}): Promise<string> {
    return this.calls.guard('copy', from, options, () => copyFile(this, from, to, options))
  }

  /** Moves a file, to another storage when `storage` is given. Names are chosen as by `save`; the source goes last. */
  async move(from: string, to: string, options: CopyFileOptions = {}): Promise<string> {
    return this.calls.guard('move', from, options, () => moveFile(this, from, to, options))
  }

  /** What the server said it can do, or what the driver knows beforehand. */
  get features(): Driver['features'] {
    return this.#discovery.features ?? this.driver.features
  }

  /** Whether the backend can do something, as far as is known without asking the server. */
  supports(feature: Feature): boolean {
    const { driver } = this
    switch (feature) {
      case 'copy':
      case 'move':
      case 'createContainer':
        return driver[feature] !== undefined
      case 'path':
        return driver.localPath !== undefined
      case 'publicUrl':
        return driver.publicUrl !== undefined
      case 'signedUrl':
        return driver.signUrl !== undefined
      default:
        return this.features[feature] ?? false
    }
  }

  /** Makes the bucket or root folder; `unsupported` where that is not ours to do. */
  async createContainer(options: CallOptions = {}): Promise<void> {
    const { driver } = this
    this.calls.begin('createContainer', undefined, options, true)
    if (driver.createContainer === undefined) {
      throw new StorageError('unsupported', `${this.constructor.name} cannot create its container.`)
    }
    await this.calls.run('createContainer', undefined, options, ctx => driver.createContainer!(ctx))
  }

  /** Asks the server, once, what it can do; later answers of `supports` rest on it. */
  async discover(options: CallOptions = {}): Promise<void> {
    await this.#discovery.run(this, options)
  }

  /** Makes a file name valid; Django's rule by default. */
  getValidName(name: string): string {
    return getValidName(name)
  }

  /** Another name for a taken one. */
  getAlternativeName(stem: string, suffixes: string): string {
    return alternativeName(stem, suffixes, this.options.nameStrategy)
  }

  /** A free name like the given one, within `maxLength`. With overwriting on it is the name itself, cut to fit. */
  async getAvailableName(name: string, options: AvailableNameOptions = {}): Promise<string> {
    this.calls.begin('getAvailableName', name, options)
    return availableName(this, name, options)
  }

  /** Whether a name can be used as it is. */
  async isNameAvailable(name: string, options: CallOptions = {}): Promise<boolean> {
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

  /** Bytes that a part of a name between slashes may have, as UTF-8: no alternative name is longer. */
  get maxPartBytes(): number {
    return Number.POSITIVE_INFINITY
  }

  /** What goes with the bytes: the type is the caller's, else the content's own, else guessed from the name. */
  writeOptions(
    name: string,
    content: Content,
    given: FileAttributes & Pick<WriteOptions, 'extra' | 'onProgress'>,
  ): WriteOptions {
    const { contentDisposition, contentLanguage, cacheControl, metadata, extra, onProgress } = given
    const guessed = guessType(name)
    const contentType = given.contentType ?? content.contentType ?? guessed.contentType
    const implied = contentType === guessed.contentType ? guessed.contentEncoding : undefined
    return {
      contentType,
      contentEncoding: given.contentEncoding ?? implied,
      contentDisposition,
      contentLanguage,
      cacheControl,
      metadata,
      extra,
      onProgress,
    }
  }

  /** A backend's chance to transform what is written (compress it). */
  prepareContent(_name: string, content: Content, options: WriteOptions): { content: Content; options: WriteOptions } {
    return { content, options }
  }

  /** A backend's chance to undo `prepareContent`: a transform of the whole body of a file with this stat, or undefined. */
  decoder(_stat: Stat & { readonly name?: string }): ((body: Readable) => Readable) | undefined {
    return undefined
  }

  /** What every key begins with: '' or a path that ends in '/'. */
  get prefix(): string {
    const { location } = this.options
    return location === '' || location.endsWith('/') ? location : `${location}/`
  }

  /** The driver's key of a name; outside the storage it is `suspicious_name`. */
  keyOf(name: string): string {
    if (checkedName(name).includes('\0') || !name.isWellFormed()) {
      throw new SuspiciousFileOperation(`${nodeUtil().inspect(name)} has characters that no file name can have.`, {
        fileName: name,
      })
    }
    return safeJoin(this.prefix, cleanName(name))
  }

  /** The name of a driver's key. */
  nameOf(key: string): string {
    return key.startsWith(this.prefix) ? key.slice(this.prefix.length) : key
  }

  /** Ends connections. The storage can be used again afterwards. */
  async close(): Promise<void> {
    const driver = this.#driver
    this.#runner = undefined
    if (this.#services.driver === undefined) this.#driver = undefined
    await driver?.close?.()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Class and redacted options, so that no logger prints a secret. */
  toJSON(): Record<string, unknown> {
    const { settings } = this.constructor as typeof Storage
    const options = redactOptions(settings as unknown as SettingsOf<O>, this.options)
    return { storage: this.constructor.name, options }
  }
}

function classDefaults(leaf: typeof Storage): Array<Readonly<Record<string, unknown>>> {
  const layers: Array<Readonly<Record<string, unknown>>> = []
  for (let type: typeof Storage | null = leaf; type !== null && type !== Storage; type = Object.getPrototypeOf(type)) {
    if (Object.hasOwn(type, 'defaults')) layers.push(type.defaults)
  }
  return layers
}

/** Class and options for the console, secrets redacted. */
function inspectStorage(this: Storage, _depth: number, options: InspectOptions, show: typeof inspect): string {
  const { storage, options: shown } = this.toJSON()
  return `${storage} ${show(shown, options)}`
}
