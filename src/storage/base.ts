import type { Readable } from 'node:stream'
import type { InspectOptions, inspect } from 'node:util'
import { checkedAttributes } from '../core/attributes.ts'
import { INSPECT, nodeUtil } from '../core/builtin.ts'
import type { CallOptions, FileRef } from '../core/call.ts'
import type { Content, ContentSource } from '../core/content.ts'
import type { Driver, FileAttributes, ObjectParameters, ReadStat, WriteOptions } from '../core/driver.ts'
import { ImproperlyConfigured, SuspiciousFileOperation } from '../core/errors.ts'
import { checkCallOptions } from '../core/known-options.ts'
import { guessType } from '../core/mime.ts'
import { checkedName, cleanName, isPlainPrefix, joinPlain, safeJoin } from '../core/names.ts'
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
import { CallRunner } from './call-runner.ts'
import { type CommonOptions, commonSettings } from './common-settings.ts'
import { Discovery } from './discovery.ts'
import { keptKey, nameIn } from './entry-keys.ts'
import { NamedFile } from './named-file.ts'
import { StorageDriver } from './storage-driver.ts'
import { supportsFeature } from './supports.ts'
import type {
  AvailableNameOptions,
  DeleteFileOptions,
  EntriesOptions,
  Entry,
  Feature,
  GivenSettings,
  NameOrEntry,
  OpenOptions,
  SaveOptions,
  Services,
  VersionOptions,
} from './types.ts'

/**
 * The base of every storage: options, driver, layers, and the mapping from names to keys. The public verbs are in `Storage`; the functions
 * beside it take a `StorageBase`, so that they do not depend on it.
 */
export abstract class StorageBase<O extends CommonOptions = CommonOptions> implements AsyncDisposable {
  /** Short name of the backend. */
  static readonly backendName: string = 'storage'
  static readonly settings: SettingsOf<CommonOptions> = commonSettings
  /** Option values that a subclass sets. They override settings object and environment; constructor options override them. */
  static readonly defaults: Readonly<Record<string, unknown>> = {}

  static {
    methods(StorageBase.prototype, { [INSPECT]: inspectStorage })
  }

  readonly options: O
  /** Where each option's value was found. */
  readonly origins: Readonly<Record<string, Origin>>
  readonly #services: Services
  #driver: StorageDriver | undefined
  #connected: Driver | undefined
  #runner: CallRunner | undefined
  readonly #discovery = new Discovery()
  #prefix: string | undefined
  /** Whether a name can be appended to the prefix without changes. */
  #isPlain: boolean | undefined

  /** Hook for a backend: derives options from others, where one setting stands for several. */
  static refineOptions<T>(
    found: ResolvedSettings<T>,
    _env: Readonly<Record<string, string | undefined>>,
  ): ResolvedSettings<T> {
    return found
  }

  /** Returns advice about a configuration for `holdall check`, one sentence each: settings of older versions, likely mistakes. */
  static advice(_given: GivenSettings): readonly string[] {
    return []
  }

  /** Reads the settings at once and connects at the first use. An unknown or invalid option is `improperly_configured`. */
  constructor(options: Input<O> = {}, services: Services = {}) {
    const self = new.target as unknown as typeof StorageBase
    const env = services.env ?? process.env
    const found = resolveSettings<O>(self.name, self.settings as unknown as SettingsOf<O>, options, {
      defaults: classDefaults(self),
      settings: services.settings ?? activeSettings(),
      env,
    })
    const resolved = self.refineOptions(found, env)
    this.options = discreetOptions(self.settings as unknown as SettingsOf<O>, resolved.options as O)
    this.origins = resolved.origins
    this.#services = services
  }

  /** Returns the driver for these options; the one method that a backend must implement. Called at the first use; does no I/O. */
  protected connect(_options: O, _services: Services): Driver {
    throw new ImproperlyConfigured(`${this.constructor.name} has no driver: override connect().`)
  }

  /** The account of the storage: all its containers (buckets), not only the one that this storage is in. */
  get driver(): StorageDriver {
    this.#driver ??= this.makeDriver()
    return this.#driver
  }

  /** Makes the object that `driver` returns; called once. A backend whose object has more methods overrides both. */
  protected makeDriver(): StorageDriver {
    return new StorageDriver(this)
  }

  /** The protocol's driver (`calls.driver`) and the layers around it; for backends and for code that extends Holdall. */
  get calls(): CallRunner {
    this.#connected ??= this.#services.driver ?? this.connect(this.options, this.#services)
    const { layers, alias } = this.#services
    this.#runner ??= new CallRunner(this.#connected, this.options, layers, { alias, bucket: this.bucket })
    return this.#runner
  }

  /** The bucket or container that the storage is in, where its service has these; for traces. */
  protected get bucket(): string | undefined {
    return undefined
  }

  /** The features that the server reported, or those that the driver knows without asking. */
  get features(): Driver['features'] {
    return this.#discovery.features ?? this.calls.driver.features
  }

  /** Asks the server once for its features; `supports` uses the answer from then on. */
  async discover(options: CallOptions = {}): Promise<void> {
    checkCallOptions('discover', options)
    this.calls.begin('discover', undefined, options)
    if (this.#discovery.features !== undefined) return
    await this.#discovery.run(this.calls.driver, this.calls, new NamedFile(this, '', ''), options)
  }

  /** Whether the backend has a feature, as far as this is known without asking the server. */
  supports(feature: Feature): boolean {
    return supportsFeature(this.calls.driver, this.features, feature)
  }

  /** The prefix of every key: '' or a path that ends in '/'. */
  get prefix(): string {
    const { location } = this.options
    this.#prefix ??= location === '' || location.endsWith('/') ? location : `${location}/`
    return this.#prefix
  }

  /** Returns the driver's key of a name. A name outside of the storage is `suspicious_name`. */
  keyOf(name: string): string {
    if (checkedName(name).includes('\0') || !name.isWellFormed()) {
      throw new SuspiciousFileOperation(`${nodeUtil().inspect(name)} has characters that no file name can have.`, {
        fileName: name,
      })
    }
    const { prefix } = this
    this.#isPlain ??= isPlainPrefix(prefix)
    return (this.#isPlain ? joinPlain(prefix, name) : undefined) ?? safeJoin(prefix, cleanName(name))
  }

  /** Returns the name of a driver's key. */
  nameOf(key: string): string {
    return key.startsWith(this.prefix) ? key.slice(this.prefix.length) : key
  }

  /** Whether a name is written as a listing returns the key, so that it means no other object. A folder's slash at the end is optional. */
  isSpelled(name: string, key: string): boolean {
    const spelled = this.prefix + name
    return spelled === key || `${spelled}/` === key
  }

  /**
   * Returns a file or folder that may exist, with its key and its parameters. It is made once per call and passed on to everything below.
   * An entry refers to the object that was listed. A name that is not written as a listing returns it (`a//b`, `./a`, `back\slash`) is
   * `suspicious_name`: in a bucket it is the name of another object.
   */
  ref(given: NameOrEntry): FileRef {
    const kept = keptKey(this, given)
    const name = nameIn(given)
    if (kept !== undefined) return new NamedFile(this, name, kept)
    const key = this.keyOf(name)
    if (!this.isRoot(key) && !this.isSpelled(name, key)) {
      const text = `The name '${name}' is not in its normal form; the file '${this.nameOf(key)}' is another one.`
      throw new SuspiciousFileOperation(text, { fileName: name })
    }
    return new NamedFile(this, name, key)
  }

  /** Like `ref`, for a file: the root and a folder's name with its slash are `suspicious_name`. */
  fileRef(given: NameOrEntry): FileRef {
    return this.#file(this.ref(given))
  }

  /** Returns a file or folder whose name is normalised first: for names that are written, listed, or only used in a URL. */
  normalRef(given: NameOrEntry): FileRef {
    const name = nameIn(given)
    return new NamedFile(this, name, keptKey(this, given) ?? this.keyOf(name))
  }

  /** Like `normalRef`, for a file: the root and a folder's name with its slash are `suspicious_name`. */
  newRef(given: NameOrEntry): FileRef {
    return this.#file(this.normalRef(given))
  }

  #file(ref: FileRef): FileRef {
    const { name, key } = ref
    if (!this.isRoot(key) && !key.endsWith('/')) return ref
    throw new SuspiciousFileOperation(`Could not derive file name from '${name}'`, { fileName: name })
  }

  /** Whether a key is the key of the storage's own folder. */
  isRoot(key: string): boolean {
    return key === '' || key === this.prefix
  }

  /** Returns the backend's own parameters for requests about one file, where it has such an option. */
  objectParametersOf(_name: string): ObjectParameters | undefined {
    return undefined
  }

  /** Returns the attributes that are stored with the bytes. Content type: the caller's, else the content's, else guessed from the name. */
  writeOptions(ref: FileRef, content: Content, given: FileAttributes & Pick<WriteOptions, 'extra'>): WriteOptions {
    const { extra } = given
    const attributes = checkedAttributes(given)
    const guessed = guessType(ref.name)
    const contentType = attributes.contentType ?? content.contentType ?? guessed.contentType
    const implied = contentType === guessed.contentType ? guessed.contentEncoding : undefined
    const contentEncoding = attributes.contentEncoding ?? implied
    return { ...attributes, contentType, contentEncoding, objectParameters: ref.objectParameters, extra }
  }

  /** Hook for a backend: transforms content before it is written (compresses it). */
  prepareContent(_name: string, content: Content, options: WriteOptions): { content: Content; options: WriteOptions } {
    return { content, options }
  }

  /** Hook for a backend: returns a transform that reverses `prepareContent` for a whole body with this stat, or undefined. */
  decoder(_stat: ReadStat & { readonly name?: string }): ((body: Readable) => Readable) | undefined {
    return undefined
  }

  /** Maximum size in UTF-8 bytes of one part of a name (between slashes), which alternative names respect. */
  get maxPartBytes(): number {
    return Number.POSITIVE_INFINITY
  }

  /** Ends connections. The storage can be used again afterwards. */
  async close(): Promise<void> {
    const driver = this.#connected
    this.#runner = undefined
    if (this.#services.driver === undefined) this.#connected = undefined
    await driver?.close?.()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Returns the class and the redacted options, so that no logger prints a secret. */
  toJSON(): Record<string, unknown> {
    const { settings } = this.constructor as typeof StorageBase
    const options = redactOptions(settings as unknown as SettingsOf<O>, this.options)
    return { storage: this.constructor.name, options }
  }

  abstract open<M extends OpenMode = 'rb'>(name: NameOrEntry, mode?: M, options?: OpenOptions): Promise<StorageFile<M>>
  abstract save(name: string | null | undefined, source: ContentSource, options?: SaveOptions): Promise<string>
  abstract delete(name: NameOrEntry, options?: DeleteFileOptions): Promise<void>
  abstract exists(name: NameOrEntry, options?: CallOptions): Promise<boolean>
  abstract stat(name: NameOrEntry, options?: VersionOptions): Promise<Entry>
  abstract entries(path?: string, options?: EntriesOptions): AsyncGenerator<Entry, void, undefined>
  abstract getAlternativeName(stem: string, suffixes: string): string
  abstract getAvailableName(name: string, options?: AvailableNameOptions): Promise<string>
  abstract isNameAvailable(name: string, options?: CallOptions): Promise<boolean>
}

/** A storage of any backend, for the functions below `Storage`. */
// biome-ignore lint/suspicious/noExplicitAny: the one place that stands for every options type
export type AnyBase = StorageBase<any>

function classDefaults(leaf: typeof StorageBase): Array<Readonly<Record<string, unknown>>> {
  const layers: Array<Readonly<Record<string, unknown>>> = []
  for (let type: typeof StorageBase = leaf; type !== StorageBase; type = Object.getPrototypeOf(type)) {
    if (Object.hasOwn(type, 'defaults')) layers.push(type.defaults)
  }
  return layers
}

/** Formats class and options for the console; secrets are redacted. */
function inspectStorage(this: StorageBase, _depth: number, options: InspectOptions, show: typeof inspect): string {
  const { storage, options: shown } = this.toJSON()
  return `${storage} ${show(shown, options)}`
}
