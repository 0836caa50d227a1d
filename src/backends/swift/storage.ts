import type { CallOptions } from '../../core/call.ts'
import type { Driver, ObjectParameters } from '../../core/driver.ts'
import { ImproperlyConfigured, StorageError } from '../../core/errors.ts'
import { checkCallOptions, checkKnownOptions } from '../../core/known-options.ts'
import type { ResolvedSettings, SettingsOf } from '../../core/settings.ts'
import type { UrlQuery } from '../../remote/custom-domain.ts'
import { httpClientOf } from '../../remote/http-client.ts'
import { type AttributeParameters, ObjectStorage } from '../../remote/object-storage.ts'
import { withOneCloud } from '../../remote/openstack/environment.ts'
import { Identity } from '../../remote/openstack/identity.ts'
import { encodeQuery } from '../../remote/sign/query.ts'
import type { GivenSettings, Services, UrlOptions, UrlSigning } from '../../storage/types.ts'
import { swiftAdvice } from './advice.ts'
import { SwiftDriver, type SwiftDriverOptions } from './driver.ts'
import { parameterName } from './headers.ts'
import { checkKey } from './names.ts'
import { type SwiftOptions, swiftSettings } from './settings.ts'
import { KEY_OPTIONS, type TempUrlKeyOptions } from './temp-url-keys.ts'

/** Parameters that are portable attributes. */
const ATTRIBUTES: AttributeParameters = {
  cacheControl: 'cacheControl',
  contentDisposition: 'contentDisposition',
  contentEncoding: 'contentEncoding',
  contentLanguage: 'contentLanguage',
  contentType: 'contentType',
}

/**
 * Files in a container of OpenStack Swift.
 *
 * @example
 * const storage = new SwiftStorage({
 *   authUrl: 'https://keystone.example.com:5000/v3',
 *   username: 'alice',
 *   password: process.env.SWIFT_PASSWORD,
 *   projectName: 'site',
 *   containerName: 'media',
 *   autoCreateContainer: true,
 * })
 * const name = await storage.save('report.pdf', bytes)
 */
export class SwiftStorage<O extends SwiftOptions = SwiftOptions> extends ObjectStorage<O> {
  static override readonly settings: SettingsOf<SwiftOptions> = swiftSettings
  static override readonly backendName: string = 'swift'

  /** Settings of one cloud in the environment are never mixed with those of another one. */
  static override refineOptions<T>(found: ResolvedSettings<T>): ResolvedSettings<T> {
    return withOneCloud(found)
  }

  /** Contradictory settings, and settings whose effect differs from django-storage-swift. */
  static override advice(given: GivenSettings): readonly string[] {
    return swiftAdvice(given)
  }

  protected override get bucket(): string {
    return this.options.containerName
  }

  protected override connect(options: Readonly<O>, services: Services): Driver {
    return new SwiftDriver(this.driverOptions(options, services))
  }

  /** The options of the driver. */
  protected driverOptions(options: Readonly<O>, services: Services): SwiftDriverOptions {
    const {
      containerName,
      segmentsContainer,
      autoCreateContainerAllowOrigin: origin,
      autoCreateContainerPublic,
    } = options
    if (containerName === '') {
      throw new ImproperlyConfigured(
        `${this.constructor.name} needs the name of a container: set SWIFT_CONTAINER_NAME.`,
      )
    }
    if (segmentsContainer === containerName) {
      const text =
        'SWIFT_SEGMENTS_CONTAINER: segments need another container than the files, or they are listed with them.'
      throw new ImproperlyConfigured(text)
    }
    return {
      identity: this.identityOf(options, services),
      httpClient: httpClientOf(options, services),
      container: containerName,
      segmentsContainer: segmentsContainer ?? `${containerName}_segments`,
      largeObjects: options.largeObjects,
      leaveSegments: options.leaveSegments,
      autoCreate: options.autoCreateContainer && !options.readOnly,
      containerHeaders: {
        ...(autoCreateContainerPublic ? { 'x-container-read': '.r:*' } : {}),
        ...(origin === null ? {} : { 'x-container-meta-access-control-allow-origin': origin }),
      },
      tempUrlKey: options.tempUrlKey,
      tempUrlDigest: options.tempUrlDigest,
      baseUrl: options.baseUrl,
      autoBaseUrl: options.autoBaseUrl,
      multipartThreshold: options.multipartThreshold,
      partSize: options.partSize,
      uploadConcurrency: options.uploadConcurrency,
    }
  }

  /** The identity of the storage; a cloud with another login overrides it. */
  protected identityOf(options: Readonly<O>, services: Services): Identity {
    return new Identity(options, services)
  }

  protected override get attributeParameters(): AttributeParameters {
    return ATTRIBUTES
  }

  protected override parameterName(name: string): string {
    return parameterName(name)
  }

  protected override baseParameters(): ObjectParameters {
    const { cacheControl } = this.options
    return cacheControl === null ? {} : { cacheControl }
  }

  /** Code `suspicious_name` for a name that Swift does not accept. */
  override keyOf(name: string): string {
    const key = super.keyOf(name)
    if (!this.isRoot(key)) checkKey(key.endsWith('/') ? key.slice(0, -1) : key)
    return key
  }

  protected override downloadQuery({ parameters = {} }: UrlOptions): UrlQuery {
    return Object.entries(parameters).map(([name, value]) => [name, String(value)])
  }

  protected override get urlLifeSecs(): number {
    return this.options.tempUrlDuration
  }

  override get urlSigning(): UrlSigning | undefined {
    return this.#usesTempUrls
      ? { remedy: 'set SWIFT_USE_TEMP_URLS to False, and make the container public (setPublic)' }
      : undefined
  }

  get #usesTempUrls(): boolean {
    const { useTempUrls, tempUrlKey } = this.options
    return useTempUrls ?? tempUrlKey !== null
  }

  /**
   * A temporary URL if `useTempUrls` or `expiresInSecs` is set, otherwise a plain one, for publicly readable containers. The first URL
   * requests a token and, if they are not set, the key and the digests of the cluster; later ones send no request. `parameters` of a
   * temporary URL: `filename`, `inline`, `prefix` (all files with this prefix) and `ipRange`.
   */
  override async url(name: string, options: UrlOptions = {}): Promise<string> {
    this.checkUrl(name, options)
    const { method = 'GET', expiresInSecs } = options
    const isDownload = method === 'GET' || method === 'HEAD'
    const isSigned = !isDownload || (expiresInSecs ?? 0) > 0 || this.#usesTempUrls
    this.calls.begin('url', name, options)
    return isSigned ? this.signedUrl(name, options) : this.plainUrl(name, options)
  }

  /** A temporary URL. */
  protected signedUrl(name: string, options: UrlOptions): Promise<string> {
    const { parameters = {}, ...others } = options
    const prefix = ['prefix', 'temp_url_prefix', 'tempUrlPrefix'].find(key => parameters[key] !== undefined)
    // The option is a prefix of names; the signature is over a prefix of keys.
    const own = prefix === undefined ? {} : { [prefix]: this.#keyPrefix(String(parameters[prefix])) }
    const given = { ...others, parameters: { ...parameters, ...own } }
    return super.url(name, { ...given, expiresInSecs: options.expiresInSecs || this.urlLifeSecs })
  }

  /** A URL without a signature. */
  protected async plainUrl(name: string, options: UrlOptions): Promise<string> {
    const [driver, ref, query] = [this.swift, this.newRef(name), encodeQuery(this.downloadQuery(options))]
    const url = await this.calls.local('url', ref, options, ctx => driver.plainUrl(ref.key, ctx))
    return url + (query && `?${query}`)
  }

  /**
   * Makes the container (`X-Container-Read: .r:*`) and the container of its segments publicly readable; `false` makes them private. A file
   * can then be read with its plain URL, but the container cannot be listed.
   */
  async setPublic(isPublic: boolean, options: CallOptions = {}): Promise<void> {
    checkCallOptions('setPublic', options)
    const driver = this.swift
    this.calls.begin('setPublic', '', options, true)
    await this.calls.run('setPublic', undefined, options, ctx => driver.setPublic(isPublic, ctx))
  }

  /** Stores the key of temporary URLs in Swift: at the account, or at the container. Default: the key of the settings, and slot 1. */
  async storeTempUrlKey(options: TempUrlKeyOptions = {}): Promise<void> {
    checkKnownOptions('storeTempUrlKey', options, KEY_OPTIONS)
    const key = options.key ?? this.options.tempUrlKey
    if (key === null || key === '')
      throw new ImproperlyConfigured('There is no key for temporary URLs: set SWIFT_TEMP_URL_KEY.')
    const driver = this.swift
    this.calls.begin('storeTempUrlKey', '', options, true)
    await this.calls.run('storeTempUrlKey', undefined, options, ctx => driver.urls.keys.store(key, options, ctx))
  }

  /** The driver of the protocol, for features that only Swift has. */
  protected get swift(): SwiftDriver {
    const { driver } = this.calls
    if (driver instanceof SwiftDriver) return driver
    throw new StorageError('unsupported', 'This needs the driver of Swift.')
  }

  #keyPrefix(prefix: string): string {
    const key = this.keyOf(prefix)
    const isFolder = prefix === '' ? key !== '' : prefix.endsWith('/')
    return isFolder && !key.endsWith('/') ? `${key}/` : key
  }
}
