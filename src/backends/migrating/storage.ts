import type { Readable } from 'node:stream'
import { checkedAttributes } from '../../core/attributes.ts'
import type { CallOptions, FileRef } from '../../core/call.ts'
import type { Content } from '../../core/content.ts'
import type { Driver, FileAttributes, ReadStat, WriteOptions } from '../../core/driver.ts'
import { ImproperlyConfigured, StorageError } from '../../core/errors.ts'
import { checkCallOptions } from '../../core/known-options.ts'
import type { Input, SettingsOf } from '../../core/settings.ts'
import type { OpenMode } from '../../files/modes.ts'
import type { StorageFile } from '../../files/storage-file.ts'
import { nameIn } from '../../storage/entry-keys.ts'
import { type AnyStorage, Storage } from '../../storage/storage.ts'
import type { NameOrEntry, OpenOptions, Services, UrlOptions, UrlSigning } from '../../storage/types.ts'
import { versionIn } from './conditions.ts'
import { MigratingDriver } from './driver.ts'
import { LateCopies, type LateCopyCounts } from './late-copies.ts'
import { type MigratingOptions, migratingSettings } from './settings.ts'
import type { Side } from './side.ts'
import { type Sides, sidesOf } from './sides.ts'

/**
 * Two storages as one, while the files of an application move from one to the other. By default it reads in `to`, then in `from`, and writes in
 * `to`. The options `read` and `write` change that; `copyOnRead` copies what is read.
 *
 * Code `improperly_configured` for a missing storage, an alias that names itself, and options that contradict each other.
 * @example
 * const storage = new MigratingStorage({
 *   from: new LocalStorage({ location: 'media' }),
 *   to: new S3Storage({ bucketName: 'media' }),
 *   copyOnRead: true,
 * })
 */
export class MigratingStorage<O extends MigratingOptions = MigratingOptions> extends Storage<O> {
  static override readonly backendName: string = 'migrating'
  static override readonly settings: SettingsOf<MigratingOptions> = migratingSettings

  readonly #sides: Sides
  readonly #copies: LateCopies

  constructor(options: Input<O> = {}, services: Services = {}) {
    const sides = sidesOf(options as Input<MigratingOptions>, services)
    const { fileOverwrite = sides.first.storage.options.fileOverwrite } = options as Input<MigratingOptions>
    super({ ...options, fileOverwrite } as Input<O>, services)
    const { keepSha256, copyOnRead, read } = this.options
    if (keepSha256) throw new ImproperlyConfigured('keepSha256: set it for the storages from and to.')
    if (copyOnRead && read !== 'both') {
      throw new ImproperlyConfigured(`copyOnRead: expected read: 'both' with it, got '${read}'.`)
    }
    const { first } = sides
    const { driver } = first
    if (copyOnRead && driver.discover === undefined && !driver.features.exclusiveCreate) {
      const text = `'${first.title}' cannot create a file only if its name is free, so a copy could replace a newer file`
      throw new ImproperlyConfigured(`copyOnRead: ${text}.`)
    }
    this.#sides = sides
    this.#copies = new LateCopies(sides.second, sides.first)
  }

  /** The storage that the files leave. */
  get from(): AnyStorage {
    return this.#side('from').storage
  }

  /** The storage that gets the files. */
  get to(): AnyStorage {
    return this.#side('to').storage
  }

  protected override get parts(): readonly AnyStorage[] {
    return [this.from, this.to]
  }

  #side(title: 'from' | 'to'): Side {
    const { first, second } = this.#sides
    return first.title === title ? first : second
  }

  /** How many files were copied after a read since the storage was made. */
  get lateCopies(): LateCopyCounts {
    return this.#copies.counts
  }

  /**
   * Copies a file that only the second storage has to the first one, with its attributes. Does nothing if the first has a file of that name, or
   * neither has one. `unsupported` where only one storage is read.
   */
  async bring(name: NameOrEntry, options: CallOptions = {}): Promise<void> {
    checkCallOptions('bring', options)
    if (!this.#sides.fallsBack) {
      throw new StorageError(
        'unsupported',
        "bring: expected read: 'both'; with another one a file is not looked up twice.",
      )
    }
    await this.#bring('bring', name, options)
  }

  /** Resolves when every copy that a read has started is done or has failed; never rejects because of a copy. `close` waits for the same. */
  async whenCopied(): Promise<void> {
    await this.#copies.settled()
  }

  protected override connect({ copyOnRead, readOnly }: O): Driver {
    return new MigratingDriver({ sides: this.#sides, copies: this.#copies, copyOnRead: copyOnRead && !readOnly })
  }

  get #driver(): MigratingDriver {
    return this.calls.driver as MigratingDriver
  }

  /** Modes that change a file without truncating it need it in the storage that is written: a file that only `from` has is copied first. */
  override async open<M extends OpenMode = 'rb'>(
    name: NameOrEntry,
    mode?: M,
    options: OpenOptions = {},
  ): Promise<StorageFile<M>> {
    const isChange = /^(?:r.*\+|a)/.test(String(mode ?? 'rb'))
    if (isChange && this.#sides.fallsBack && !this.options.readOnly && options.versionId === undefined) {
      await this.#bring('open', name, options)
    }
    return super.open(name, mode, options)
  }

  async #bring(operation: string, name: NameOrEntry, { signal }: CallOptions): Promise<void> {
    await this.calls.guard(operation, nameIn(name), { signal }, async () => {
      this.calls.begin(operation, nameIn(name), { signal }, true)
      await this.#copies.bring(this.fileRef(name).key, this.calls.context({ signal }).signal)
    })
  }

  /** The storage that is written determines content type and encoding. */
  override writeOptions(
    ref: FileRef,
    _content: Content,
    given: FileAttributes & Pick<WriteOptions, 'extra'>,
  ): WriteOptions {
    const { extra } = given
    return { ...checkedAttributes(given), objectParameters: ref.objectParameters, extra }
  }

  /** Each storage unpacks its own files. */
  override decoder(stat: ReadStat & { readonly name?: string }): ((body: Readable) => Readable) | undefined {
    const { first } = this.#sides
    const side = stat.etag === undefined ? first : versionIn(this.#sides, stat.etag).side
    return side.storage.decoder(stat)
  }

  /**
   * Returns the URL of the file in the storage that has it; of the storage that is read first if neither has it. With `read: 'both'` this costs
   * one request, and two for a file in `from`. `method: 'PUT'` is a URL of the storage that is read first. `method: 'DELETE'` is
   * `unsupported`, since it would delete the file in one storage only.
   */
  override async url(name: NameOrEntry, options: UrlOptions = {}): Promise<string> {
    const { method = 'GET', signal } = options
    const { calls } = this
    return calls.guard('url', nameIn(name), options, async () => {
      calls.begin('signUrl', nameIn(name), options, method === 'PUT' || method === 'DELETE')
      if (method === 'DELETE') throw deletesOne(nameIn(name))
      const { key } = this.normalRef(name)
      const isLookedUp = method !== 'PUT' && !this.isRoot(key) && !key.endsWith('/')
      const { signal: own } = calls.context({ signal })
      const side = isLookedUp ? await this.#driver.holder(key, { signal: own }) : this.#sides.first
      return side.storage.url(side.entry(key), options)
    })
  }

  override get urlSigning(): UrlSigning | undefined {
    return this.#sides.first.storage.urlSigning
  }

  override get maxPartBytes(): number {
    return Math.min(this.from.maxPartBytes, this.to.maxPartBytes)
  }

  override getValidName(name: string): string {
    return this.#sides.first.storage.getValidName(name)
  }

  override getNameMaxLength(): number {
    const longest = Math.min(this.from.getNameMaxLength(), this.to.getNameMaxLength())
    return Math.max(0, longest - this.prefix.length)
  }

  /** Waits for copies in the background, then ends the connections of both storages. They can be used again afterwards. */
  override async close(): Promise<void> {
    await this.#copies.settled()
    await super.close()
  }
}

function deletesOne(fileName: string): StorageError {
  const text = 'A URL cannot delete a file in two storages: delete it in a request handler.'
  return new StorageError('unsupported', text, { fileName, operation: 'url' })
}
