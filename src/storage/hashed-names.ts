import { nodeCrypto } from '../core/builtin.ts'
import type { CallOptions } from '../core/call.ts'
import { ImproperlyConfigured, isStorageError, messageOf } from '../core/errors.ts'
import { checkCallOptions } from '../core/known-options.ts'
import { Once } from '../core/once.ts'
import {
  EMPTY_MANIFEST,
  hashedName,
  hashOfMd5,
  parseManifest,
  type StaticManifest,
  splitSuffix,
  storedName,
} from '../core/static-manifest.ts'
import type { AnyBase } from './base.ts'
import type { ManifestOptions } from './manifest-options.ts'
import type { ManifestPolicy } from './static-policy.ts'
import type { AnyStorage } from './storage.ts'
import { readStream, readWhole } from './streams.ts'
import type { NameOrEntry, Services, UrlOptions } from './types.ts'

/**
 * The hashed names of a storage with a manifest. The manifest is read at the first URL, and again after a failure. A process that has read
 * it does not see what another process collects later: restart it or call `forget`.
 */
export class HashedNames implements ManifestPolicy {
  readonly keepOriginals: boolean
  readonly #storage: AnyStorage
  readonly #services: Services
  readonly #manifest: Once<StaticManifest> = new Once()
  /** Hashed names that were computed from stored files, by their original names. */
  readonly #made = new Map<string, string>()

  constructor(storage: AnyStorage, services: Services, keepOriginals = true) {
    this.#storage = storage
    this.#services = services
    this.keepOriginals = keepOriginals
  }

  get name(): string {
    return this.#options.manifestName
  }

  get strict(): boolean {
    return this.#options.manifestStrict
  }

  /** The storage that holds the manifest; an alias that cannot be found is `improperly_configured`. */
  get storage(): AnyBase {
    const { manifestStorage } = this.#options
    if (manifestStorage === null) return this.#storage
    if (typeof manifestStorage !== 'string') return manifestStorage
    const { storages } = this.#services
    if (storages === undefined) {
      const text = `'${manifestStorage}' is an alias, which works only for the storages of a configuration: pass the storage itself.`
      throw new ImproperlyConfigured(`manifestStorage: ${text}`)
    }
    try {
      return storages(manifestStorage) as AnyBase
    } catch (cause) {
      throw new ImproperlyConfigured(`manifestStorage: ${messageOf(cause)}`, { cause })
    }
  }

  forget(): void {
    this.#manifest.forget()
    this.#made.clear()
  }

  /**
   * Returns the URL that `urlOf` makes of the stored name of a file. Query and fragment of the name are kept, where no signature covers
   * them. These names are used unchanged: a folder's name (`css/`), the entry of a listing, the name of a file to be uploaded, and every
   * name with `debug`. A name that is not in the manifest is `not_found`. Without `manifestStrict` its hash is computed from the file, and
   * only a missing file is `not_found`. A missing manifest has no names. (Django `HashedFilesMixin._url`)
   */
  async url<N extends NameOrEntry>(
    name: N,
    options: UrlOptions,
    urlOf: (name: N | string) => Promise<string>,
  ): Promise<string> {
    const { method = 'GET', signal } = options
    if (typeof name !== 'string' || (method !== 'GET' && method !== 'HEAD')) return urlOf(name)
    const [path, suffix] = splitSuffix(name)
    const stored = await this.#storage.calls.guard('url', path, options, () => this.storedName(path, { signal }))
    const url = await urlOf(stored)
    return suffix === '' ? url : this.#withSuffix(url, suffix)
  }

  /** Returns the stored name of a file; `name` has neither a query nor a fragment. */
  async storedName(name: string, options: CallOptions = {}): Promise<string> {
    checkCallOptions('storedName', options)
    if (this.#options.debug || name === '' || name.endsWith('/')) return name
    const manifest = this.#manifest.value ?? (await this.#manifest.get(options, ({ signal }) => this.#read(signal)))
    if (this.strict || manifest.paths.has(name)) return storedName(manifest, name)
    const made = this.#made.get(name) ?? hashedName(name, await this.#hashOf(name, options))
    this.#made.set(name, made)
    return made
  }

  get #options(): ManifestOptions {
    return this.#storage.options
  }

  async #read(signal: AbortSignal): Promise<StaticManifest> {
    const { name } = this
    let text: string
    try {
      text = (await readWhole(this.storage, name, { signal })).toString('utf8')
    } catch (error) {
      if (isStorageError(error, 'not_found')) return EMPTY_MANIFEST
      throw error
    }
    return parseManifest(text, name)
  }

  async #hashOf(name: string, options: CallOptions): Promise<string> {
    const hash = nodeCrypto().createHash('md5')
    for await (const chunk of readStream(this.#storage, name, options)) hash.update(chunk as Buffer)
    return hashOfMd5(hash.digest('hex'))
  }

  #withSuffix(url: string, suffix: string): string {
    const at = suffix.indexOf('#')
    const [query, fragment] = at < 0 ? [suffix, ''] : [suffix.slice(0, at), suffix.slice(at)]
    if (!url.includes('?')) return url + query + fragment
    // A signature covers the whole query.
    const more = query.length > 1 && this.#storage.urlSigning === undefined ? `&${query.slice(1)}` : ''
    return url + more + fragment
  }
}
