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

  /** Settings that contradict each other, and what of django-storages has another effect here. */
  static override advice(given: GivenSettings): readonly string[] {
    return azureAdvice(given)
  }

  /** Checks what needs no network: a location with a leading slash, a domain with a scheme are `improperly_configured`. */
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

  /** A name that Azure does not take, or takes for another one, is `suspicious_name`; a folder may end in its slash. */
  override keyOf(name: string): string {
    const key = super.keyOf(name)
    if (!this.isRoot(key)) checkKey(key.endsWith('/') ? key.slice(0, -1) : key)
    return key
  }

  /** The name as Azure takes it: normalised, without slashes at its ends and dots at its end. */
  getValidPath(name: string): string {
    return validPath(name)
  }

  /** Makes each part of a path valid, for moving files to Azure: blanks become `_`, and only letters, digits, `_`, `-` and `.` stay. */
  override getValidName(name: string): string {
    return validAzureName(name)
  }

  /** Longest name that fits, with room to make it free where files are not overwritten. */
  override getNameMaxLength(): number {
    return nameMaxLength(this.options.location, this.options.fileOverwrite)
  }

  /** A free name is never longer than Azure takes. */
  override async getAvailableName(name: string, options: AvailableNameOptions = {}): Promise<string> {
    checkKnownOptions('getAvailableName', options, AVAILABLE_NAME_OPTIONS)
    const { maxLength = nameMaxLength(this.options.location, true) } = options
    return super.getAvailableName(name, { ...options, maxLength })
  }

  /**
   * Moves a file to another access tier: `Hot`, `Cool`, `Cold`, `Archive`. One that leaves `Archive` can be read after hours, and its tier is still that
   * until then. Missing: `not_found`.
   */
  async setTier(name: NameOrEntry, tier: string, options: CallOptions = {}): Promise<void> {
    checkCallOptions('setTier', options)
    const ref = this.calls.checked('setTier', nameIn(name), () => this.ref(name))
    this.calls.begin('setTier', ref.name, options, true)
    const { driver } = this.calls
    if (!(driver instanceof AzureDriver)) throw new StorageError('unsupported', 'Tiers need the Azure driver.')
    await this.calls.run('setTier', ref, options, ctx => driver.setTier(ref.key, tier, ctx, ref))
  }

  /** Queries are made with the SAS. */
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
   * A URL that ends after `expiresInSecs`, by default `expirationSecs`; where both are 0 or null the plain one, for containers that anybody may
   * read. A URL for uploading or deleting must end. Nothing is asked of the network but, for a token credential, a delegation key from time to time.
   */
  override async url(name: string, options: UrlOptions = {}): Promise<string> {
    this.checkUrl(name, options)
    this.calls.begin('url', name, options)
    const { expiresInSecs = this.urlLifeSecs, method = 'GET' } = options
    const isDownload = method === 'GET' || method === 'HEAD'
    if (expiresInSecs === 0 && isDownload)
      return this.#onDomain(plainUrl(this.calls.driver.publicUrl!(this.keyOf(name)), options))
    if (expiresInSecs === 0) {
      throw new StorageError('invalid_argument', 'A URL for changes must end: give expiresInSecs.', { fileName: name })
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
