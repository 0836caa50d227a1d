import type { CallOptions } from '../../core/call.ts'
import type { Driver, ObjectParameters } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { checkCallOptions, checkKnownOptions } from '../../core/known-options.ts'
import { trimTrailingSlashes } from '../../core/names.ts'
import type { Input, ResolvedSettings, SettingsOf } from '../../core/settings.ts'
import type { UrlQuery } from '../../remote/custom-domain.ts'
import { checkCustomDomain } from '../../remote/custom-domain.ts'
import { httpClientOf } from '../../remote/http-client.ts'
import { ATTRIBUTE_PARAMETERS, type AttributeParameters, ObjectStorage } from '../../remote/object-storage.ts'
import { AVAILABLE_NAME_OPTIONS } from '../../storage/call-options.ts'
import { nameIn } from '../../storage/entry-keys.ts'
import type {
  AvailableNameOptions,
  GivenSettings,
  NameOrEntry,
  Services,
  UrlOptions,
  UrlSigning,
} from '../../storage/types.ts'
import { azureAdvice } from './advice.ts'
import { clientCertOf, withClientOptions } from './client-options.ts'
import { azureAccount } from './credentials/account.ts'
import { AzureDriver } from './driver.ts'
import { parameterName } from './headers.ts'
import { checkKey, nameMaxLength, validAzureName, validPath } from './names.ts'
import { type AzureOptions, azureSettings } from './settings.ts'
import { plainUrl } from './url.ts'

/** Files in a container of Azure Blob Storage. */
export class AzureStorage<O extends AzureOptions = AzureOptions> extends ObjectStorage<O> {
  static override readonly settings: SettingsOf<AzureOptions> = azureSettings
  static override readonly backendName: string = 'azure'

  static override refineOptions<T>(found: ResolvedSettings<T>): ResolvedSettings<T> {
    return withClientOptions(found, azureSettings)
  }

  /** Contradictory settings, and settings whose effect differs from django-storages. */
  static override advice(given: GivenSettings): readonly string[] {
    return azureAdvice(given)
  }

  /** Checks the options without the network. Code `improperly_configured` for a location with a leading slash or a domain with a scheme. */
  constructor(options: Input<O> = {}, services: Services = {}) {
    super(options, services)
    checkCustomDomain(this.options.customDomain, 'AZURE_CUSTOM_DOMAIN', 'AZURE_SSL')
  }

  protected override get bucket(): string {
    return this.options.azureContainer
  }

  protected override connect(options: Readonly<O>, services: Services): Driver {
    const clientCert = clientCertOf(options.clientOptions)
    return new AzureDriver({
      account: azureAccount(options),
      apiVersion: options.apiVersion,
      httpClient: httpClientOf({ ...options, clientCert }, services),
      checksum: options.checksums,
      deleteSnapshots: options.deleteSnapshots,
      multipartThreshold: options.multipartThreshold,
      partSize: options.partSize,
      uploadConcurrency: options.uploadConcurrency,
    })
  }

  protected override get attributeParameters(): AttributeParameters {
    return ATTRIBUTE_PARAMETERS
  }

  protected override parameterName(name: string): string {
    return parameterName(name)
  }

  protected override baseParameters(): ObjectParameters {
    const { cacheControl } = this.options
    return cacheControl === null ? {} : { cacheControl }
  }

  protected override get fallbackType(): string {
    return this.options.defaultContentType
  }

  /** Code `suspicious_name` for a name that Azure refuses or changes. The name of a folder may end in its slash. */
  override keyOf(name: string): string {
    const key = super.keyOf(name)
    if (!this.isRoot(key)) checkKey(key.endsWith('/') ? key.slice(0, -1) : key)
    return key
  }

  /** A valid Azure name: normalised, without slashes at its ends and dots at its end. */
  getValidPath(name: string): string {
    return validPath(name)
  }

  /**
   * Makes each part of a path valid, for moving files to Azure: blanks become `_`, and all characters but letters, digits, `_`, `-` and `.`
   * are removed.
   */
  override getValidName(name: string): string {
    return validAzureName(name)
  }

  /** Maximum length of a name, with room for a suffix if files are not overwritten. */
  override getNameMaxLength(): number {
    return nameMaxLength(this.options.location, this.options.fileOverwrite)
  }

  /** A free name is never longer than Azure allows. */
  override async getAvailableName(name: string, options: AvailableNameOptions = {}): Promise<string> {
    checkKnownOptions('getAvailableName', options, AVAILABLE_NAME_OPTIONS)
    const { maxLength = nameMaxLength(this.options.location, true) } = options
    return super.getAvailableName(name, { ...options, maxLength })
  }

  /**
   * Moves a file to another access tier: `Hot`, `Cool`, `Cold`, `Archive`. A file that leaves `Archive` becomes readable after hours, and
   * its tier stays `Archive` until then. Code `not_found` for a missing file.
   */
  async setTier(name: NameOrEntry, tier: string, options: CallOptions = {}): Promise<void> {
    checkCallOptions('setTier', options)
    const ref = this.calls.checked('setTier', nameIn(name), () => this.ref(name))
    this.calls.begin('setTier', ref.name, options, true)
    const { driver } = this.calls
    if (!(driver instanceof AzureDriver)) throw new StorageError('unsupported', 'Tiers need the Azure driver.')
    await this.calls.run('setTier', ref, options, ctx => driver.setTier(ref.key, tier, ctx, ref))
  }

  /** No query: the SAS contains it. */
  protected override downloadQuery(): UrlQuery {
    return []
  }

  protected override get urlLifeSecs(): number {
    return this.options.expirationSecs ?? 0
  }

  override get urlSigning(): UrlSigning | undefined {
    return this.urlLifeSecs === 0 ? undefined : { remedy: 'leave AZURE_URL_EXPIRATION_SECS out' }
  }

  /**
   * A URL that expires after `expiresInSecs`, by default `expirationSecs`. If both are 0 or null, a plain URL, for public containers. A URL
   * for uploading or deleting must expire. Sends no request, except one for a delegation key from time to time with a token credential.
   */
  override async url(name: string, options: UrlOptions = {}): Promise<string> {
    this.checkUrl(name, options)
    this.calls.begin('url', name, options)
    const { expiresInSecs = this.urlLifeSecs, method = 'GET' } = options
    const isDownload = method === 'GET' || method === 'HEAD'
    if (expiresInSecs === 0 && isDownload)
      return this.#onDomain(plainUrl(this.calls.driver.publicUrl!(this.keyOf(name)), options))
    if (expiresInSecs === 0) {
      throw new StorageError('invalid_argument', 'A URL for changes must expire: set expiresInSecs.', {
        fileName: name,
      })
    }
    const url = await super.url(name, { ...options, expiresInSecs })
    return isDownload ? this.#onDomain(url) : url
  }

  protected override isOnDomain(): boolean {
    return false
  }

  protected override isUnsigned(): boolean {
    return false
  }

  /** The same URL with the custom domain as its host. */
  #onDomain(url: string): string {
    const { customDomain, azureSsl } = this.options
    if (!customDomain) return url
    return url.replace(
      /^https?:\/\/[^/?]+/,
      () => `${azureSsl ? 'https' : 'http'}://${trimTrailingSlashes(customDomain)}`,
    )
  }
}
