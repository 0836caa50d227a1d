import type { CallOptions } from '../../core/call.ts'
import type { Driver } from '../../core/driver.ts'
import { ImproperlyConfigured, isStorageError, StorageError } from '../../core/errors.ts'
import { checkCallOptions } from '../../core/known-options.ts'
import type { Input, SettingsOf } from '../../core/settings.ts'
import { httpClientOf } from '../../remote/http-client.ts'
import { nameIn } from '../../storage/entry-keys.ts'
import { Storage } from '../../storage/storage.ts'
import type { GivenSettings, NameOrEntry, Services, UrlOptions } from '../../storage/types.ts'
import { nimbusAdvice } from './advice.ts'
import { NimbusDriver } from './driver.ts'
import { type NimbusOptions, nimbusKey, nimbusSettings } from './settings.ts'

/** A version of a file. */
export interface NimbusVersion {
  readonly versionId: string
  readonly modifiedAt?: Date | undefined
}

/**
 * Files in a collection of Nimbus.io. The public service is closed: this reads old data on private servers.
 *
 * @example
 * const storage = new NimbusStorage({
 *   user: 'alice:5001',
 *   key: process.env.NIMBUS_KEY,
 *   collection: 'alice-photos',
 *   domain: 'nimbus.example.com',
 * })
 * for await (const entry of storage.entries('2012/', { recursive: true })) console.log(entry.name)
 */
export class NimbusStorage<O extends NimbusOptions = NimbusOptions> extends Storage<O> {
  static override readonly settings: SettingsOf<NimbusOptions> = nimbusSettings
  static override readonly backendName: string = 'nimbus'

  /** Advice that the public service is closed, and about settings without effect. */
  static override advice(given: GivenSettings): readonly string[] {
    return nimbusAdvice(given)
  }

  /** Checks the options without the network. Code `improperly_configured` without user, number of the key, key and collection. */
  constructor(options: Input<O> = {}, services: Services = {}) {
    super(options, services)
    nimbusKey(this.options)
    if (this.options.collection === '') throw new ImproperlyConfigured('NIMBUS_COLLECTION: a collection is needed.')
  }

  protected override get bucket(): string {
    return this.options.collection
  }

  protected override connect(options: Readonly<O>, services: Services): Driver {
    const { host, collection, domain, port, secure, publicRead, listSizes } = options
    const { multipartThreshold, partSize, uploadConcurrency } = options
    return new NimbusDriver({
      ...nimbusKey(options),
      httpClient: httpClientOf({ ...options, connectTo: host ?? undefined }, services),
      collection,
      domain,
      port,
      secure,
      publicRead,
      listSizes,
      multipartThreshold,
      partSize,
      uploadConcurrency,
    })
  }

  /** The plain URL of a file with `publicRead`; otherwise `unsupported`: there are no signed URLs. */
  override async url(name: NameOrEntry, options: UrlOptions = {}): Promise<string> {
    try {
      return await super.url(name, options)
    } catch (error) {
      if (this.options.publicRead || !isStorageError(error, 'unsupported')) throw error
      const text =
        'Nimbus.io has no signed URLs. Where the access control of the collection has allow_unauth_read, set publicRead (NIMBUS_PUBLIC_READ).'
      throw new StorageError('unsupported', text, { operation: 'url', fileName: nameIn(name), cause: error })
    }
  }

  /**
   * The versions of a file in the service, the oldest first; empty if the file is missing. Read one with `open(name, 'rb', { versionId })`.
   */
  async versions(name: NameOrEntry, options: CallOptions = {}): Promise<readonly NimbusVersion[]> {
    checkCallOptions('versions', options)
    const ref = this.calls.checked('list', nameIn(name), () => this.fileRef(name))
    this.calls.begin('list', ref.name, options)
    const driver = this.#nimbus()
    const found = await this.calls.run('list', ref, options, ctx => driver.versions(ref.key, ctx))
    return found.flatMap(({ versionId, modifiedAt }) => (versionId === undefined ? [] : [{ versionId, modifiedAt }]))
  }

  /** Removes one version of a file; a missing one is no error. */
  async deleteVersion(name: NameOrEntry, versionId: string, options: CallOptions = {}): Promise<void> {
    checkCallOptions('deleteVersion', options)
    const ref = this.calls.checked('delete', nameIn(name), () => this.fileRef(name))
    this.calls.begin('delete', ref.name, options, true)
    const driver = this.#nimbus()
    await this.calls.run('delete', ref, options, ctx => driver.deleteVersion(ref.key, versionId, ctx))
  }

  #nimbus(): NimbusDriver {
    const { driver } = this.calls
    if (driver instanceof NimbusDriver) return driver
    throw new StorageError('unsupported', 'Versions need the driver of Nimbus.io.')
  }
}
