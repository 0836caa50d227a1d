import type { Readable } from 'node:stream'
import type { FileRef } from '../../core/call.ts'
import type { Content } from '../../core/content.ts'
import type { Driver, FileAttributes, Stat, WriteOptions } from '../../core/driver.ts'
import { ImproperlyConfigured, StorageError } from '../../core/errors.ts'
import { guessType } from '../../core/mime.ts'
import type { Input, ResolvedSettings, SettingsOf } from '../../core/settings.ts'
import { checkLifetime } from '../../core/urls.ts'
import { encodeQuery } from '../../remote/sign/query.ts'
import { MAX_PRESIGN_SECS } from '../../remote/sign/v4.ts'
import { gunzipped, gzipped } from '../../storage/compression.ts'
import { Storage } from '../../storage/storage.ts'
import type { Services, UrlOptions } from '../../storage/types.ts'
import { withBotoConfig } from './boto/config.ts'
import { CustomDomain, checkCustomDomain } from './cloudfront/custom-domain.ts'
import type { CloudFrontCookies, CloudFrontLimits } from './cloudfront/signer.ts'
import { checkCredentialOptions, credentialSource, withNamedProfile, withOwnToken } from './credentials/credentials.ts'
import { S3Driver } from './driver.ts'
import type { PostForm } from './forms/post-policy.ts'
import { type UploadFormOptions, uploadForm } from './forms/upload-form.ts'
import { checksumMode, type Place, placeOf } from './settings/config.ts'
import { parameterName } from './settings/object-parameters.ts'
import { type ObjectParameters, type S3Options, s3Settings } from './settings/settings.ts'
import { customQuery, responseQuery } from './url.ts'

/** For how long, and optionally from when and for whom, CloudFront opens a file. */
export interface CookieOptions extends Pick<CloudFrontLimits, 'startsAt' | 'ipAddress'> {
  /** Life in seconds; default `querystringExpire`. */
  readonly expiresInSecs?: number | undefined
}

/** How `url` is made; a start or an address is only for URLs that CloudFront's key signs. */
export interface S3UrlOptions extends UrlOptions, Pick<CloudFrontLimits, 'startsAt' | 'ipAddress'> {}

/** The longest life of what CloudFront's key signs, in seconds: ten years. */
const MAX_CLOUDFRONT_SECS = 315_360_000

/** Parameters that are portable attributes, by their S3 names. */
const ATTRIBUTES: Readonly<Record<string, Exclude<keyof FileAttributes, 'metadata'>>> = {
  CacheControl: 'cacheControl',
  ContentDisposition: 'contentDisposition',
  ContentEncoding: 'contentEncoding',
  ContentLanguage: 'contentLanguage',
  ContentType: 'contentType',
}

/** Files in a bucket of Amazon S3 or of a service that speaks its protocol. */
export class S3Storage<O extends S3Options = S3Options> extends Storage<O> {
  static override readonly settings: SettingsOf<S3Options> = s3Settings
  static override readonly backendName: string = 's3'

  static override refineOptions<T>(found: ResolvedSettings<T>): ResolvedSettings<T> {
    return withBotoConfig(withOwnToken(withNamedProfile(found)))
  }

  readonly #env: Readonly<Record<string, string | undefined>>
  #domain: CustomDomain | undefined
  #knownPlace: Place | undefined
  #base: ObjectParameters | undefined

  /** Checks what needs no network: location, keys that contradict each other, half a CloudFront key are `improperly_configured`. */
  constructor(options: Input<O> = {}, services: Services = {}) {
    super(options, services)
    this.#env = services.env ?? process.env
    const { location } = this.options
    if (location.startsWith('/')) {
      const right = location.replace(/^\/+/, '')
      throw new ImproperlyConfigured(
        `${this.constructor.name}.location cannot begin with a leading slash. Found '${location}'. Use '${right}' instead.`,
      )
    }
    checkCredentialOptions(this.options)
    checkCustomDomain(this.options)
  }

  /** Where requests go. */
  get #place(): Place {
    this.#knownPlace ??= placeOf(this.options, this.#env)
    return this.#knownPlace
  }

  protected override connect(options: Readonly<O>): Driver {
    const { preset, regionName, endpointUrl, addressingStyle, proxies } = this.#place
    const { verify, maxSockets, connectTimeoutSecs } = options
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
      transport: {
        proxies,
        env: this.#env,
        verify,
        connectTimeoutSecs,
        idleTimeoutSecs: options.timeoutSecs ?? 0,
        maxSockets: maxSockets ?? undefined,
      },
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

  /** Upload parameters of one file, by their S3 names; to be overridden where `objectParameters` does not suffice. */
  getObjectParameters(name: string): ObjectParameters {
    const { objectParameters } = this.options
    return typeof objectParameters === 'function' ? objectParameters(name) : objectParameters
  }

  /** The storage's own parameters below those of the file; an ACL of the latter wins over `defaultAcl`. */
  override objectParametersOf(name: string): ObjectParameters {
    this.#base ??= this.#baseParameters()
    const own = this.getObjectParameters(name)
    let merged: Record<string, unknown> | undefined
    for (const key in own) (merged ??= { ...this.#base })[parameterName(key)] = own[key]
    return merged ?? this.#base
  }

  #baseParameters(): ObjectParameters {
    const { defaultAcl, encryption, reducedRedundancy } = this.options
    const base: Record<string, unknown> = {}
    if (defaultAcl) base['ACL'] = defaultAcl
    if (encryption) base['ServerSideEncryption'] = 'AES256'
    if (reducedRedundancy) base['StorageClass'] = 'REDUCED_REDUNDANCY'
    const { oldParameters } = this.#place
    for (const key in oldParameters) base[parameterName(key)] = oldParameters[key]
    return base
  }

  /** The caller's type, then that of the parameters, the content's own, the guess by the name, `application/octet-stream`. */
  override writeOptions(
    ref: FileRef,
    content: Content,
    given: FileAttributes & Pick<WriteOptions, 'extra' | 'onProgress'>,
  ): WriteOptions {
    const parameters = ref.objectParameters ?? {}
    let attributes = given
    for (const key in parameters) {
      const attribute = ATTRIBUTES[key]
      const value = parameters[key]
      if (attribute === undefined || given[attribute] !== undefined || typeof value !== 'string') continue
      attributes = { ...attributes, [attribute]: value }
    }
    const write = super.writeOptions(ref, content, attributes)
    const fixed = given.contentType === undefined && parameters['ContentType'] !== undefined
    const contentEncoding = fixed ? attributes.contentEncoding : write.contentEncoding
    return { ...write, contentEncoding, contentType: write.contentType ?? 'application/octet-stream' }
  }

  override prepareContent(
    name: string,
    content: Content,
    options: WriteOptions,
  ): { content: Content; options: WriteOptions } {
    if (!this.options.gzip || options.contentEncoding !== undefined || !this.#isGzipType(options.contentType)) {
      return super.prepareContent(name, content, options)
    }
    return { content: gzipped(content), options: { ...options, contentEncoding: 'gzip' } }
  }

  /** Undoes the compression of `gzip`; files that are compressed by their own name stay as they are. */
  override decoder(stat: Stat): ((body: Readable) => Readable) | undefined {
    if (!this.options.gzip || stat.contentEncoding !== 'gzip' || !this.#isGzipType(stat.contentType)) return undefined
    const { name } = stat as { readonly name?: unknown }
    return typeof name === 'string' && guessType(name).contentEncoding !== undefined ? undefined : gunzipped
  }

  #isGzipType(contentType: string | undefined): boolean {
    const type = (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase()
    return this.options.gzipContentTypes.includes(type)
  }

  protected override get urlLifeSecs(): number {
    return this.options.querystringExpire
  }

  /**
   * A URL on the custom domain (signed for CloudFront where keys are set), or one of the service, signed unless
   * `querystringAuth` is off. Nothing is asked of the network.
   */
  override async url(name: string, options: S3UrlOptions = {}): Promise<string> {
    this.calls.begin('url', name, options)
    const { startsAt, ipAddress, ...rest } = options
    const { method = 'GET' } = rest
    const isDownload = method === 'GET' || method === 'HEAD'
    if (isDownload && this.options.customDomain) {
      const limits = { startsAt, ipAddress }
      return this.#customDomain().url(this.keyOf(name), customQuery(rest), limits, () => this.#expiresAt(options))
    }
    if (startsAt !== undefined || ipAddress !== undefined) {
      throw new StorageError('unsupported', 'Only signed CloudFront URLs have a start or an address.', {
        fileName: name,
      })
    }
    if (!isDownload || this.options.querystringAuth) {
      this.#checkLife(rest)
      return super.url(name, rest)
    }
    const query = encodeQuery(responseQuery(rest))
    return this.driver.publicUrl!(this.keyOf(name)) + (query && `?${query}`)
  }

  /**
   * Cookies by which CloudFront opens a file on the custom domain to a browser. A name that ends in `/*`, as `videos/*`, opens all below the
   * folder: take no such name from a user. `improperly_configured` without a custom domain or a CloudFront key.
   */
  async signedCookies(name: string, options: CookieOptions = {}): Promise<CloudFrontCookies> {
    const { startsAt, ipAddress } = options
    return this.#customDomain().cookies(this.keyOf(name), { startsAt, ipAddress, expiresAt: this.#expiresAt(options) })
  }

  /** A life of the settings that version 4 does not allow is their fault, not the caller's. */
  #checkLife({ expiresInSecs }: UrlOptions): void {
    const { querystringExpire, signatureVersion } = this.options
    if (expiresInSecs !== undefined || querystringExpire <= MAX_PRESIGN_SECS || signatureVersion !== 's3v4') return
    const { key } = this.origins['querystringExpire']!
    throw new ImproperlyConfigured(
      `${key}: a URL of version 4 lives at most ${MAX_PRESIGN_SECS} seconds (7 days), not ${querystringExpire}.`,
    )
  }

  #expiresAt({ expiresInSecs = this.urlLifeSecs }: Pick<CookieOptions, 'expiresInSecs'>): Date {
    const secs = checkLifetime(expiresInSecs, MAX_CLOUDFRONT_SECS, 'a CloudFront signature')
    return new Date(Date.now() + secs * 1000)
  }

  #customDomain(): CustomDomain {
    const { customDomain } = this.options
    if (!customDomain) throw new ImproperlyConfigured('AWS_S3_CUSTOM_DOMAIN must be set: cookies are for a domain.')
    this.#domain ??= new CustomDomain(customDomain, this.options)
    return this.#domain
  }

  /** The address and the signed fields of a browser's form that uploads one file; a name that ends in `${filename}` admits any below it. */
  async uploadForm(name: string, options: UploadFormOptions = {}): Promise<PostForm> {
    const { driver } = this
    if (!(driver instanceof S3Driver)) throw new StorageError('unsupported', 'Forms need the S3 driver.')
    return uploadForm(driver.client, this.keyOf(name), options, this.urlLifeSecs)
  }
}

/** An `S3Storage` for files that anybody may read: its URLs are not signed. */
export class S3StaticStorage extends S3Storage {
  static override readonly defaults: Readonly<Record<string, unknown>> = { querystringAuth: false }
}
