import type { Driver, ObjectParameters } from '../../core/driver.ts'
import { ImproperlyConfigured, StorageError } from '../../core/errors.ts'
import { checkKnownOptions, type KnownOptions } from '../../core/known-options.ts'
import type { Input, ResolvedSettings, SettingsOf } from '../../core/settings.ts'
import { checkLifetime } from '../../core/urls.ts'
import type { UrlQuery } from '../../remote/custom-domain.ts'
import { httpClientOf } from '../../remote/http-client.ts'
import { type AttributeParameters, ObjectStorage } from '../../remote/object-storage.ts'
import type { CloudFrontCookies, CloudFrontLimits } from '../../remote/sign/cloudfront.ts'
import type { PostForm } from '../../remote/sign/post-policy.ts'
import { MAX_PRESIGN_SECS } from '../../remote/sign/v4.ts'
import { FORM_OPTIONS, type UploadFormOptions, uploadForm } from '../../remote/upload-form.ts'
import { URL_OPTIONS } from '../../storage/call-options.ts'
import type { GivenSettings, Services, UrlOptions, UrlSigning } from '../../storage/types.ts'
import { s3Advice } from './boto/advice.ts'
import { clientCertOf, withBotoConfig } from './boto/config.ts'
import { CloudFrontDomain, checkCloudFront } from './cloudfront/custom-domain.ts'
import { checkCredentialOptions, credentialSource, withNamedProfile, withOwnToken } from './credentials/credentials.ts'
import type { Environment } from './credentials/shared-profile.ts'
import { S3Driver } from './driver.ts'
import { checksumMode, type Place, placeOf, withoutIgnoredEndpoint } from './settings/config.ts'
import { parameterName } from './settings/object-parameters.ts'
import { type S3Options, s3Settings } from './settings/settings.ts'
import { customQuery, responseQuery } from './url.ts'

/** The validity of CloudFront cookies: its end, and optionally its start and an IP range. */
export interface CookieOptions extends Pick<CloudFrontLimits, 'startsAt' | 'ipAddress'> {
  /** Lifetime in seconds. Default: `querystringExpire`. */
  readonly expiresInSecs?: number | undefined
}

/** Options of `url`. A start or an IP range is supported only for URLs that CloudFront's key signs. */
export interface S3UrlOptions extends UrlOptions, Pick<CloudFrontLimits, 'startsAt' | 'ipAddress'> {}

const S3_URL_OPTIONS: KnownOptions<S3UrlOptions> = { ...URL_OPTIONS, startsAt: true, ipAddress: true }
const COOKIE_OPTIONS: KnownOptions<CookieOptions> = { startsAt: true, ipAddress: true, expiresInSecs: true }

/** The longest lifetime of CloudFront signatures, in seconds: ten years. */
const MAX_CLOUDFRONT_SECS = 315_360_000

/** Parameters that are portable attributes, by their S3 names. */
const ATTRIBUTES: AttributeParameters = {
  CacheControl: 'cacheControl',
  ContentDisposition: 'contentDisposition',
  ContentEncoding: 'contentEncoding',
  ContentLanguage: 'contentLanguage',
  ContentType: 'contentType',
}

/** Files in a bucket of Amazon S3 or of a service with the same protocol. */
export class S3Storage<O extends S3Options = S3Options> extends ObjectStorage<O> {
  static override readonly settings: SettingsOf<S3Options> = s3Settings
  static override readonly backendName: string = 's3'

  static override refineOptions<T>(found: ResolvedSettings<T>, env: Environment): ResolvedSettings<T> {
    return withBotoConfig(withOwnToken(withNamedProfile(withoutIgnoredEndpoint(found, env))))
  }

  /** Settings of the boto backend with their new names, and an endpoint that contains the bucket. */
  static override advice(given: GivenSettings): readonly string[] {
    return s3Advice(given)
  }

  readonly #env: Environment
  #domain: CloudFrontDomain | undefined
  #knownPlace: Place | undefined

  /** Checks the options without the network: a bad location, contradictory keys, half a CloudFront key are `improperly_configured`. */
  constructor(options: Input<O> = {}, services: Services = {}) {
    super(options, services)
    this.#env = services.env ?? process.env
    checkCredentialOptions(this.options)
    checkCloudFront(this.options)
  }

  /** The address of requests. */
  get #place(): Place {
    this.#knownPlace ??= placeOf(this.options, this.#env)
    return this.#knownPlace
  }

  protected override get bucket(): string {
    return this.options.bucketName
  }

  protected override connect(options: Readonly<O>, services: Services): Driver {
    const { preset, regionName, endpointUrl, addressingStyle, proxies } = this.#place
    const clientCert = clientCertOf(options.clientConfig)
    return new S3Driver({
      bucketName: options.bucketName,
      regionName,
      endpointUrl,
      addressingStyle,
      useSsl: options.useSsl,
      preset,
      credentials: credentialSource(options, this.#env),
      signatureVersion: options.signatureVersion,
      payloadSigning: options.payloadSigning,
      httpClient: httpClientOf({ ...options, proxies, clientCert }, services),
      conditionalWrites: options.conditionalWrites,
      checksum: checksumMode(options, preset),
      multipartThreshold: options.multipartThreshold,
      partSize: options.partSize,
      uploadConcurrency: options.uploadConcurrency,
      probePrefix: this.prefix,
      autoCreateBucket: options.autoCreateBucket,
      bucketAcl: options.bucketAcl,
      readOnly: options.readOnly,
    })
  }

  protected override get attributeParameters(): AttributeParameters {
    return ATTRIBUTES
  }

  protected override parameterName(name: string): string {
    return parameterName(name)
  }

  /** An ACL in the file's parameters overrides `defaultAcl`. */
  protected override baseParameters(): ObjectParameters {
    const { defaultAcl, encryption, reducedRedundancy } = this.options
    const base: Record<string, unknown> = {}
    if (defaultAcl) base['ACL'] = defaultAcl
    if (encryption) base['ServerSideEncryption'] = 'AES256'
    if (reducedRedundancy) base['StorageClass'] = 'REDUCED_REDUNDANCY'
    const { oldParameters } = this.#place
    for (const key in oldParameters) base[parameterName(key)] = oldParameters[key]
    return base
  }

  protected override downloadQuery(options: UrlOptions, isCustom: boolean): UrlQuery {
    return isCustom ? customQuery(options) : responseQuery(options)
  }

  override get urlSigning(): UrlSigning | undefined {
    const { customDomain, signatureVersion } = this.options
    const signs = customDomain ? this.#customDomain().signs : super.urlSigning && signatureVersion !== 'unsigned'
    return signs ? { remedy: 'set AWS_QUERYSTRING_AUTH to False, as S3StaticStorage has it' } : undefined
  }

  protected override get urlOptions(): KnownOptions<S3UrlOptions> {
    return S3_URL_OPTIONS
  }

  protected override unsignedRemedy(name: string, options: UrlOptions): string | undefined {
    if (this.options.signatureVersion === 'unsigned') return `set ${this.named('signatureVersion')} to 's3v4'`
    if (!this.isOnDomain(options)) return super.unsignedRemedy(name, options)
    if (this.#customDomain().signs) return undefined
    if (!this.options.querystringAuth) return `set ${this.named('querystringAuth')} to true`
    const key = `${this.named('cloudfrontKeyId')} and ${this.named('cloudfrontKey')}`
    return `set ${key}, or leave ${this.named('customDomain')} out`
  }

  /**
   * A URL on the custom domain (signed for CloudFront if keys are set), or one of the service, signed unless `querystringAuth` is off.
   * Sends no request to S3.
   */
  override async url(name: string, options: S3UrlOptions = {}): Promise<string> {
    this.checkUrl(name, options)
    if (this.isOnDomain(options)) return super.url(name, options)
    const { startsAt, ipAddress, ...rest } = options
    if (startsAt !== undefined || ipAddress !== undefined) {
      throw new StorageError('unsupported', 'Only signed CloudFront URLs have a start or an address.', {
        fileName: name,
      })
    }
    this.#checkLife(rest)
    return super.url(name, rest)
  }

  protected override customUrl(key: string, options: S3UrlOptions): string {
    const { startsAt, ipAddress, ...rest } = options
    const query = this.downloadQuery(rest, true)
    return this.#customDomain().limitedUrl(key, query, { startsAt, ipAddress }, () => this.#expiresAt(options))
  }

  /**
   * Cookies that let a browser read a file on the custom domain through CloudFront, or with `videos/*` all files below the folder: do not
   * accept such a name from a user. Code `improperly_configured` without a custom domain or a CloudFront key.
   */
  async signedCookies(name: string, options: CookieOptions = {}): Promise<CloudFrontCookies> {
    checkKnownOptions('signedCookies', options, COOKIE_OPTIONS)
    const { startsAt, ipAddress } = options
    return this.#customDomain().cookies(this.keyOf(name), { startsAt, ipAddress, expiresAt: this.#expiresAt(options) })
  }

  /** A lifetime in the settings that version 4 does not allow is an error of the settings, not of the call. */
  #checkLife(options: UrlOptions): void {
    const { querystringExpire, signatureVersion } = this.options
    if (this.isUnsigned(options)) return
    if (options.expiresInSecs !== undefined || querystringExpire <= MAX_PRESIGN_SECS || signatureVersion !== 's3v4')
      return
    const { key } = this.origins['querystringExpire']!
    throw new ImproperlyConfigured(
      `${key}: a URL of version 4 lives at most ${MAX_PRESIGN_SECS} seconds (7 days), not ${querystringExpire}.`,
    )
  }

  #expiresAt({ expiresInSecs = this.urlLifeSecs }: Pick<CookieOptions, 'expiresInSecs'>): Date {
    const secs = checkLifetime(expiresInSecs, MAX_CLOUDFRONT_SECS, 'a CloudFront signature')
    return new Date(Date.now() + secs * 1000)
  }

  #customDomain(): CloudFrontDomain {
    const { customDomain } = this.options
    if (!customDomain) throw new ImproperlyConfigured('AWS_S3_CUSTOM_DOMAIN must be set: cookies are for a domain.')
    this.#domain ??= new CloudFrontDomain(customDomain, this.options)
    return this.#domain
  }

  /** The address and the signed fields of a browser form for one file. `${filename}` at the end allows any name below. */
  async uploadForm(name: string, options: UploadFormOptions = {}): Promise<PostForm> {
    checkKnownOptions('uploadForm', options, FORM_OPTIONS)
    const { driver } = this.calls
    if (!(driver instanceof S3Driver)) throw new StorageError('unsupported', 'Forms need the S3 driver.')
    const { client } = driver
    return uploadForm(await client.credentials(), client.formTarget(this.keyOf(name)), options, this.urlLifeSecs)
  }
}
