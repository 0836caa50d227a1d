import type { Driver, ObjectParameters } from '../../core/driver.ts'
import { ImproperlyConfigured, StorageError } from '../../core/errors.ts'
import { CALL_OPTIONS, checkKnownOptions, type KnownOptions } from '../../core/known-options.ts'
import type { Input, SettingsOf } from '../../core/settings.ts'
import type { UrlQuery } from '../../remote/custom-domain.ts'
import { httpClientOf } from '../../remote/http-client.ts'
import { ATTRIBUTE_PARAMETERS, type AttributeParameters, ObjectStorage } from '../../remote/object-storage.ts'
import type { PostForm } from '../../remote/sign/post-policy.ts'
import { MAX_PRESIGN_SECS } from '../../remote/sign/v4.ts'
import { FORM_OPTIONS, type UploadFormOptions } from '../../remote/upload-form.ts'
import type { GivenSettings, Services, UrlOptions, UrlSigning } from '../../storage/types.ts'
import { GcsCredentials } from './credentials/credentials.ts'
import type { Environment } from './credentials/given.ts'
import { GcsDriver } from './driver.ts'
import { gcsEndpoint, urlBase } from './endpoint.ts'
import { aclName, parameterName } from './resource.ts'
import { type GcsOptions, gcsSettings } from './settings.ts'
import { type HmacKey, responseQuery } from './sign.ts'

/** Options of `resumableUploadUrl`. */
export type ResumableUrlOptions = Pick<UrlOptions, 'expiresInSecs' | 'contentType' | 'signal'>

const RESUMABLE_OPTIONS: KnownOptions<ResumableUrlOptions> = { ...CALL_OPTIONS, expiresInSecs: true, contentType: true }

/** Files in a bucket of Google Cloud Storage. */
export class GcsStorage<O extends GcsOptions = GcsOptions> extends ObjectStorage<O> {
  static override readonly settings: SettingsOf<GcsOptions> = gcsSettings
  static override readonly backendName: string = 'gcs'

  /** Contradictory settings, and settings whose effect differs from django-storages. */
  static override advice(given: GivenSettings): readonly string[] {
    return gcsAdvice(given)
  }

  readonly #env: Environment

  /**
   * Checks the options without the network. Code `improperly_configured` for bad addresses, an incomplete HMAC key, and a too long lifetime
   * of URLs.
   */
  constructor(options: Input<O> = {}, services: Services = {}) {
    super(options, services)
    this.#env = services.env ?? process.env
    const { hmacKeyId, hmacSecret, endpointUrl, customEndpoint, expiration } = this.options
    if ((hmacKeyId === null) !== (hmacSecret === null)) {
      const missing = hmacKeyId === null ? 'GS_ACCESS_KEY_ID' : 'GS_SECRET_ACCESS_KEY'
      throw new ImproperlyConfigured(`An HMAC key has an id and a secret: ${missing} is missing.`)
    }
    urlBase(gcsEndpoint(endpointUrl, this.#env['STORAGE_EMULATOR_HOST']), '', customEndpoint)
    if (typeof expiration === 'number' && expiration > MAX_PRESIGN_SECS) throw this.#tooLong(expiration)
  }

  protected override get bucket(): string {
    return this.options.bucketName
  }

  protected override connect(options: Readonly<O>, services: Services): Driver {
    const env = services.env ?? process.env
    const endpoint = gcsEndpoint(options.endpointUrl, env['STORAGE_EMULATOR_HOST'])
    const httpClient = httpClientOf(options, services)
    const given = options.credentials ?? (endpoint.isEmulator ? 'anonymous' : null)
    return new GcsDriver({
      endpoint,
      httpClient,
      bucketName: options.bucketName,
      credentials: new GcsCredentials(given, env, httpClient),
      hmacKey: hmacKeyOf(options),
      customEndpoint: options.customEndpoint,
      autoCreateBucket: options.autoCreateBucket && !options.readOnly,
      autoCreateAcl: options.autoCreateAcl,
      projectId: options.projectId,
      iamSignBlob: options.iamSignBlob,
      saEmail: options.saEmail,
      multipartThreshold: options.multipartThreshold,
      partSize: options.blobChunkSize,
    })
  }

  protected override get attributeParameters(): AttributeParameters {
    return ATTRIBUTE_PARAMETERS
  }

  protected override parameterName(name: string): string {
    return parameterName(name)
  }

  /** An ACL in the file's parameters overrides `defaultAcl`. */
  protected override baseParameters(): ObjectParameters {
    const { defaultAcl, cacheControl } = this.options
    return {
      ...(defaultAcl === null ? {} : { acl: defaultAcl }),
      ...(cacheControl === null ? {} : { cacheControl }),
    }
  }

  protected override downloadQuery(options: UrlOptions): UrlQuery {
    return responseQuery(options)
  }

  protected override get urlLifeSecs(): number {
    const { expiration } = this.options
    if (typeof expiration === 'number') return expiration
    const secs = Math.ceil((expiration.getTime() - Date.now()) / 1000)
    if (secs > MAX_PRESIGN_SECS) throw this.#tooLong(secs)
    if (secs >= 1) return secs
    throw new ImproperlyConfigured(`${this.#expirationKey}: the URLs ended at ${expiration.toISOString()}.`)
  }

  override get urlSigning(): UrlSigning | undefined {
    // A function may support only real names.
    const isPublic = typeof this.options.objectParameters !== 'function' && this.#isPublic('')
    return this.#hasNoSigner || isPublic ? undefined : super.urlSigning
  }

  protected override unsignedRemedy(name: string, options: UrlOptions): string | undefined {
    if (this.#hasNoSigner) return `requests are anonymous; set ${this.named('credentials')}`
    if (this.#isPublic(name))
      return `the file is publicRead; remove ${this.named('defaultAcl')} and the acl of its parameters`
    return super.unsignedRemedy(name, options)
  }

  /**
   * A plain URL for files that are publicRead, by `defaultAcl` or their own parameters, without `querystringAuth`, and for anonymous
   * requests. Any other URL is signed.
   */
  override async url(name: string, options: UrlOptions = {}): Promise<string> {
    this.checkUrl(name, options)
    const { method = 'GET' } = options
    const isDownload = method === 'GET' || method === 'HEAD'
    if (!isDownload || !(this.#hasNoSigner || this.#isPublic(name))) return super.url(name, options)
    this.calls.begin('url', name, options)
    return this.publicUrl(this.keyOf(name), options)
  }

  /**
   * A URL for a POST by a browser or another program, with the headers `x-goog-resumable: start` and, if it was set, that content type. The
   * address in the answer then accepts the file in parts.
   */
  async resumableUploadUrl(name: string, options: ResumableUrlOptions = {}): Promise<string> {
    checkKnownOptions('resumableUploadUrl', options, RESUMABLE_OPTIONS)
    const { expiresInSecs = this.urlLifeSecs, contentType, signal } = options
    this.calls.begin('signUrl', name, options, true)
    const driver = this.#gcs()
    return this.calls.local('signUrl', this.newRef(name), { signal }, ctx =>
      driver.resumableUrl(this.keyOf(name), { expiresInSecs, contentType }, ctx),
    )
  }

  /**
   * The address and the signed fields of a browser form that uploads one file. A name that ends in `${filename}` allows any name below it.
   */
  async uploadForm(name: string, options: UploadFormOptions = {}): Promise<PostForm> {
    checkKnownOptions('uploadForm', options, FORM_OPTIONS)
    const driver = this.#gcs()
    const [key, lifeSecs] = [this.keyOf(name), this.urlLifeSecs]
    return this.calls.local('signForm', { name, key }, {}, ctx => driver.uploadForm(key, options, lifeSecs, ctx))
  }

  #gcs(): GcsDriver {
    const { driver } = this.calls
    if (driver instanceof GcsDriver) return driver
    throw new StorageError('unsupported', 'Uploads by others need the driver of Google Cloud Storage.')
  }

  #isPublic(name: string): boolean {
    const { acl } = this.objectParametersOf(name)
    return typeof acl === 'string' && aclName(acl, 'acl') === 'publicRead'
  }

  /** Whether requests are anonymous, as with an emulator: URLs cannot be signed then, and need not be. */
  get #hasNoSigner(): boolean {
    const { credentials, hmacKeyId, endpointUrl } = this.options
    if (hmacKeyId !== null) return false
    const isEmulator = endpointUrl === null && Boolean(this.#env['STORAGE_EMULATOR_HOST']?.trim())
    return credentials === 'anonymous' || (credentials === null && isEmulator)
  }

  get #expirationKey(): string {
    return this.origins['expiration']?.key ?? 'GS_EXPIRATION'
  }

  #tooLong(secs: number): ImproperlyConfigured {
    const text = `a signed URL lives at most ${MAX_PRESIGN_SECS} seconds (7 days), not ${secs}.`
    return new ImproperlyConfigured(`${this.#expirationKey}: ${text}`)
  }
}

function hmacKeyOf({ hmacKeyId, hmacSecret, hmacSignature }: GcsOptions): HmacKey | undefined {
  if (hmacKeyId === null || hmacSecret === null) return undefined
  return { accessKeyId: hmacKeyId, secretAccessKey: hmacSecret, version: hmacSignature }
}

/** Advice about settings: credentials that are overridden by others, and an ACL that makes every file public. */
export function gcsAdvice({ settings, env }: GivenSettings): string[] {
  const given = (name: string): unknown => settings[name] ?? (env[name] || undefined)
  const notes: string[] = []
  const hasHmac = given('GS_ACCESS_KEY_ID') !== undefined
  if (hasHmac && given('GS_CREDENTIALS') !== undefined)
    notes.push('GS_CREDENTIALS: it has no effect, since the HMAC key of GS_ACCESS_KEY_ID wins over it.')
  if (given('GS_ENDPOINT_URL') !== undefined && env['STORAGE_EMULATOR_HOST'])
    notes.push('STORAGE_EMULATOR_HOST: it has no effect, since GS_ENDPOINT_URL wins over it.')
  if (/^public-?read/i.test(String(given('GS_DEFAULT_ACL') ?? '')))
    notes.push(
      'GS_DEFAULT_ACL: a bucket with uniform access, as new ones have it, refuses ACLs; make the bucket public and set GS_QUERYSTRING_AUTH to False instead.',
    )
  if (isOn(given('GS_IAM_SIGN_BLOB')) && hasHmac)
    notes.push('GS_IAM_SIGN_BLOB: it has no effect with an HMAC key, which signs URLs itself.')
  return notes
}

function isOn(value: unknown): boolean {
  return value === true || value === 1 || /^(?:true|1|yes|on)$/i.test(String(value))
}
