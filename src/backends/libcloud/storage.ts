import type { FileRef } from '../../core/call.ts'
import type { Content } from '../../core/content.ts'
import type { Driver, FileAttributes, ObjectParameters, WriteOptions } from '../../core/driver.ts'
import { ImproperlyConfigured, messageOf, StorageError } from '../../core/errors.ts'
import { kindOf } from '../../core/kind.ts'
import type { Input, ResolvedSettings, SettingsOf } from '../../core/settings.ts'
import type { Layer } from '../../layers/layer.ts'
import { keptKey, listedEntry, nameIn } from '../../storage/entry-keys.ts'
import { type AnyStorage, Storage } from '../../storage/storage.ts'
import type { GivenSettings, NameOrEntry, Services, UrlOptions, UrlSigning } from '../../storage/types.ts'
import { libCloudAdvice } from './advice.ts'
import { LibCloudDriver } from './driver.ts'
import { entryName, type FoundEntry, findEntry } from './entry.ts'
import { withContainers } from './local-containers.ts'
import { type LibCloudOptions, libCloudSettings } from './settings.ts'
import { makeStore, type Store } from './store.ts'
import type { Terms } from './terms.ts'

/** Maximum number of storages of other containers that are kept for further calls. */
const MAX_CONTAINERS = 256

/**
 * Files in a bucket of one of the providers in `LIBCLOUD_PROVIDERS`. It uses the storage of the provider's backend, and has that storage's
 * names, URLs and conditions.
 *
 * @example
 * const store = new LibCloudStorage('amazon_1')
 * await store.driver.createContainer('bucket-1')
 * await store.save('notes.txt', 'text')
 */
export class LibCloudStorage<O extends LibCloudOptions = LibCloudOptions> extends Storage<O> {
  static override readonly settings: SettingsOf<LibCloudOptions> = libCloudSettings
  static override readonly backendName: string = 'libcloud'

  /** The time-out of the entry is used for the storage, unless the program sets another one. */
  static override refineOptions<T>(found: ResolvedSettings<T>): ResolvedSettings<T> {
    const { options, origins } = found as unknown as ResolvedSettings<LibCloudOptions>
    const { name, entry } = entryOf(options)
    if (entry.timeout === null || origins.timeoutSecs.from === 'option') return found
    const origin = { from: 'setting', key: `${entryName(name)}.timeout` } as const
    const refined = {
      options: Object.freeze({ ...options, timeoutSecs: entry.timeout }),
      origins: { ...origins, timeoutSecs: origin },
    }
    return refined as unknown as ResolvedSettings<T>
  }

  /** Closed services, old names, and unusable entries. */
  static override advice(given: GivenSettings): readonly string[] {
    return libCloudAdvice(given)
  }

  readonly #found: FoundEntry
  readonly #given: Services
  readonly #explanation: Explanation
  #store: Store | undefined
  /** Storages of whole containers, for the driver's methods. */
  readonly #containers: Map<string, AnyStorage> = new Map()

  /**
   * The storage of an entry. Default: that of `DEFAULT_LIBCLOUD_PROVIDER`. Code `improperly_configured` for a missing or bad entry, and for
   * a provider whose connection would lack certificates. Does no network I/O.
   */
  constructor(provider: string | Input<O> | null = {}, services: Services = {}) {
    const explanation = new Explanation()
    super(optionsOf(provider), { ...services, layers: [...(services.layers ?? []), explanation.layer] })
    this.#given = services
    this.#explanation = explanation
    this.#found = entryOf(this.options)
    if (placeholderIn(this.#found) === undefined) void this.backend
  }

  /** The name of the entry. */
  get provider(): string {
    return this.#found.name
  }

  /** The bucket or container of the files. */
  override get bucket(): string {
    return this.#found.entry.bucket ?? ''
  }

  /** The type of the provider, by libcloud's name: `S3_EU_WEST`. */
  get providerType(): string {
    return this.#stored.type.tag
  }

  /** The storage of the backend that does the work: an `S3Storage` if the provider has the S3 protocol. It is closed with this one. */
  get backend(): AnyStorage {
    return this.#stored.storage
  }

  get #stored(): Store {
    const placeholder = placeholderIn(this.#found)
    if (placeholder !== undefined) throw new ImproperlyConfigured(placeholder)
    this.#store ??= makeStore(this.#found, this.options, this.#given)
    this.#explanation.terms = this.#store.terms
    return this.#store
  }

  protected override connect(): Driver {
    const { driver } = this.backend.calls
    const { user, path } = this.#found.entry
    return this.providerType === 'LOCAL' ? withContainers(driver, user ?? path ?? '') : driver
  }

  /** The account: its containers and their objects, with the methods of libcloud's drivers. */
  override get driver(): LibCloudDriver {
    return super.driver as LibCloudDriver
  }

  protected override makeDriver(): LibCloudDriver {
    return new LibCloudDriver(this)
  }

  /**
   * A storage of a whole container of the same account, independent of `location`. The last 256 are kept, and closed with this one. Code
   * `invalid_argument` for a name that the service never accepts.
   */
  storageOf(container: string): AnyStorage {
    if (container === this.bucket && this.options.location === '') return this.backend
    const known = this.#containers.get(container)
    if (known !== undefined) return known
    const { entry, given } = this.#found
    const found = {
      ...this.#found,
      given: new Map([...given, ['bucket', 'bucket'] as const]),
      entry: { ...entry, bucket: container },
    }
    try {
      const services = { ...this.#given, driver: undefined }
      const { storage } = makeStore(found, { ...this.options, location: '' }, services, this.#stored.verify)
      this.#containers.set(container, storage)
      // The idle connections of a discarded storage end by themselves.
      const [oldest] = this.#containers.keys()
      if (oldest !== undefined && this.#containers.size > MAX_CONTAINERS) this.#containers.delete(oldest)
      return storage
    } catch (cause) {
      throw new StorageError('invalid_argument', messageOf(cause), { containerName: container })
    }
  }

  override get prefix(): string {
    return this.backend.prefix
  }

  override get maxPartBytes(): number {
    return this.backend.maxPartBytes
  }

  override keyOf(name: string): string {
    return this.backend.keyOf(name)
  }

  override isSpelled(name: string, key: string): boolean {
    return this.backend.isSpelled(name, key)
  }

  override objectParametersOf(name: string): ObjectParameters | undefined {
    return this.backend.objectParametersOf(name)
  }

  override writeOptions(
    ref: FileRef,
    content: Content,
    given: FileAttributes & Pick<WriteOptions, 'extra'>,
  ): WriteOptions {
    return this.backend.writeOptions(ref, content, given)
  }

  override get urlSigning(): UrlSigning | undefined {
    if (this.backend.urlSigning === undefined) return undefined
    return { remedy: `set querystringAuth to False in ${entryName(this.provider)}` }
  }

  /** The provider's URL of a file: signed for the types whose URLs libcloud signs, otherwise plain; see the table in the documentation. */
  override async url(given: NameOrEntry, options: UrlOptions = {}): Promise<string> {
    const { backend } = this
    const key = keptKey(this, given)
    const name = nameIn(given)
    return await this.explained(() =>
      backend.url(key === undefined ? name : listedEntry(backend, { size: 0, key }, false), options),
    )
  }

  /** Runs work whose errors pass no layer. Its errors name keys of the entry instead of the backend's settings. */
  async explained<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw this.#explanation.terms?.error(error) ?? error
    }
  }

  override getValidName(name: string): string {
    return this.backend.getValidName(name)
  }

  override getNameMaxLength(): number {
    return this.backend.getNameMaxLength()
  }

  /** Ends connections. The storage can be used again afterwards. */
  override async close(): Promise<void> {
    const store = this.#store
    this.#store = undefined
    const siblings = [...this.#containers.values()]
    this.#containers.clear()
    await super.close()
    await Promise.all([store?.storage, ...siblings].map(storage => storage?.close()))
  }
}

/** Explains errors of calls with the terms of the store, which is made later than the layers. */
class Explanation {
  terms: Terms | undefined

  readonly layer: Layer = (_call, next, ctx) =>
    next(ctx).catch(error => {
      throw this.terms?.error(error) ?? error
    })
}

function optionsOf<O>(provider: string | Input<O> | null): Input<O> {
  if (typeof provider === 'string') return { providerName: provider } as unknown as Input<O>
  if (provider === null || typeof provider === 'object') return provider ?? ({} as Input<O>)
  throw new ImproperlyConfigured(
    `LibCloudStorage: expected the name of an entry of LIBCLOUD_PROVIDERS, or options, got ${kindOf(provider)}.`,
  )
}

function entryOf({ providers, providerName, defaultProvider }: LibCloudOptions): FoundEntry {
  return findEntry(providers, providerName ?? defaultProvider)
}

/** The message for an entry that still has a placeholder of the manual, such as `<your username here>`; undefined for any other. */
function placeholderIn({ name, entry }: FoundEntry): string | undefined {
  const key = (['user', 'key'] as const).find(each => /^<.+>$/.test(entry[each] ?? ''))
  if (key === undefined) return undefined
  return `${entryName(name)}: '${key}' still has the placeholder of the manual; replace it with your own value.`
}
