import type { Readable } from 'node:stream'
import type { FileRef } from '../core/call.ts'
import type { Content } from '../core/content.ts'
import type { FileAttributes, ObjectParameters, ReadStat, WriteOptions } from '../core/driver.ts'
import { ImproperlyConfigured, StorageError } from '../core/errors.ts'
import { packedType } from '../core/mime.ts'
import type { AnySettings, Input } from '../core/settings.ts'
import type { CommonOptions } from '../storage/common-settings.ts'
import { gunzipped, gzipped } from '../storage/compression.ts'
import { Storage } from '../storage/storage.ts'
import type { Services, UrlOptions, UrlSigning } from '../storage/types.ts'
import { isRead } from './answers.ts'
import { CustomDomain, type UrlQuery } from './custom-domain.ts'
import type { UploadOptions, UrlPolicyOptions } from './options.ts'
import { encodeQuery } from './sign/query.ts'

/** Options that every object storage has. A storage without the options of `UrlPolicyOptions` defines itself how its URLs are made. */
export interface ObjectOptions extends CommonOptions, UploadOptions, Partial<UrlPolicyOptions> {}

/** Portable attributes by the names of their parameters: `{ CacheControl: 'cacheControl' }`. */
export type AttributeParameters = Readonly<Record<string, Exclude<keyof FileAttributes, 'metadata'>>>

/** Attributes whose parameters have the same names. */
export const ATTRIBUTE_PARAMETERS: AttributeParameters = {
  cacheControl: 'cacheControl',
  contentDisposition: 'contentDisposition',
  contentEncoding: 'contentEncoding',
  contentLanguage: 'contentLanguage',
  contentType: 'contentType',
}

/** The caller's options for a file that is written. */
type GivenOptions = FileAttributes & Pick<WriteOptions, 'extra'>

/**
 * A storage of objects in a remote service: upload parameters, compression by type, and URLs that are signed, public, or on a custom
 * domain. A backend adds its driver, its settings and the spelling of its parameters.
 *
 * @example
 * export class ShelfStorage extends ObjectStorage<ShelfOptions> {
 *   static override readonly backendName: string = 'shelf'
 *   static override readonly settings: SettingsOf<ShelfOptions> = shelfSettings
 *   protected override readonly attributeParameters = { CacheControl: 'cacheControl' } as const
 *   protected override connect(options: ShelfOptions, services: Services): Driver {
 *     return new ShelfDriver(options, httpClientOf(options, services))
 *   }
 *   protected override parameterName(name: string): string {
 *     return PARAMETERS.nameOf(name)
 *   }
 *   protected override downloadQuery({ parameters = {} }: UrlOptions): UrlQuery {
 *     return Object.entries(parameters).map(([name, value]) => [name, String(value)])
 *   }
 * }
 */
export abstract class ObjectStorage<O extends ObjectOptions = ObjectOptions> extends Storage<O> {
  #baseParameters: ObjectParameters | undefined
  #domain: CustomDomain | undefined

  /** Checks what needs no network: a location with a leading slash is `improperly_configured`. */
  constructor(options: Input<O> = {}, services: Services = {}) {
    super(options, services)
    const { location } = this.options
    if (!location.startsWith('/')) return
    const right = location.replace(/^\/+/, '')
    throw new ImproperlyConfigured(
      `${this.constructor.name}.location cannot begin with a leading slash. Found '${location}'. Use '${right}' instead.`,
    )
  }

  /** Portable attributes that can be set by parameters. */
  protected abstract get attributeParameters(): AttributeParameters

  /** The service's own spelling of a parameter. Code `invalid_argument` for a name that no upload has. */
  protected abstract parameterName(name: string): string

  /** Parameters of every upload that come from other options, by their own names; `objectParameters` override them. */
  protected baseParameters(): ObjectParameters {
    return {}
  }

  /** The query that sets headers of a download, or other parameters of the caller. On a custom domain any name is allowed. */
  protected abstract downloadQuery(options: UrlOptions, isCustom: boolean): UrlQuery

  /** Upload parameters of one file. Override it if the option `objectParameters` is not enough. It is called once per call. */
  getObjectParameters(name: string): ObjectParameters {
    const { objectParameters } = this.options
    return typeof objectParameters === 'function' ? objectParameters(name) : objectParameters
  }

  /** The parameters of a file merged over those of the storage, by the service's own names. */
  override objectParametersOf(name: string): ObjectParameters {
    this.#baseParameters ??= this.baseParameters()
    const own = this.getObjectParameters(name)
    let merged: Record<string, unknown> | undefined
    for (const key in own) (merged ??= { ...this.#baseParameters })[this.parameterName(key)] = own[key]
    return merged ?? this.#baseParameters
  }

  /**
   * The content type is the first of: the caller's, the parameters', the content's, the guess from the name, `application/octet-stream`.
   */
  override writeOptions(ref: FileRef, content: Content, given: GivenOptions): WriteOptions {
    const parameters = ref.objectParameters ?? {}
    let attributes = given
    for (const key in parameters) {
      const attribute = this.attributeParameters[key]
      const value = parameters[key]
      if (attribute === undefined || given[attribute] !== undefined || typeof value !== 'string') continue
      attributes = { ...attributes, [attribute]: value }
    }
    const write = super.writeOptions(ref, content, attributes)
    // A type that the parameters set describes the bytes as they are.
    const isFixed = given.contentType === undefined && attributes.contentType !== undefined
    const contentEncoding = isFixed ? attributes.contentEncoding : write.contentEncoding
    return { ...write, contentEncoding, contentType: write.contentType ?? this.fallbackType }
  }

  /** The type of a file whose name has no known extension. */
  protected get fallbackType(): string {
    return 'application/octet-stream'
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

  /** Undoes the compression of the option `gzip`. Files that are compressed formats by name stay compressed. */
  override decoder(stat: ReadStat & { readonly name?: string }): ((body: Readable) => Readable) | undefined {
    if (!this.options.gzip || stat.contentEncoding !== 'gzip' || !this.#isGzipType(stat.contentType)) return undefined
    const { name } = stat
    return name !== undefined && packedType(name) !== undefined ? undefined : gunzipped
  }

  #isGzipType(contentType: string | undefined): boolean {
    const type = (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase()
    return this.options.gzipContentTypes.includes(type)
  }

  protected override get urlLifeSecs(): number {
    return this.options.querystringExpire ?? 3600
  }

  /** A URL on the custom domain or of the service, signed unless `querystringAuth` is off. Sends no request. */
  override async url(name: string, options: UrlOptions = {}): Promise<string> {
    this.checkUrl(name, options)
    this.calls.begin('url', name, options)
    if (this.isOnDomain(options)) return this.customUrl(this.keyOf(name), options)
    return this.isUnsigned(options) ? this.publicUrl(this.keyOf(name), options) : super.url(name, options)
  }

  protected override unsignedRemedy(name: string, options: UrlOptions): string | undefined {
    if (this.isOnDomain(options)) return `leave ${this.named('customDomain')} out`
    return this.isUnsigned(options)
      ? `set ${this.named('querystringAuth')} to true`
      : super.unsignedRemedy(name, options)
  }

  /** An option with its settings key: `querystringAuth (AWS_QUERYSTRING_AUTH)`. */
  protected named(option: keyof O & string): string {
    const key = ((this.constructor as typeof Storage).settings as unknown as AnySettings)[option]?.keys[0]
    return key === undefined ? option : `${option} (${key})`
  }

  override get urlSigning(): UrlSigning | undefined {
    if (this.isOnDomain({}) || this.isUnsigned({}) || this.calls.driver.signUrl === undefined) return undefined
    const { querystringAuth, customDomain } = (this.constructor as typeof Storage).settings as unknown as AnySettings
    const remedy =
      querystringAuth === undefined
        ? `set ${customDomain?.keys[0] ?? 'customDomain'}, where anyone can read the files`
        : `set ${querystringAuth.keys[0] ?? 'querystringAuth'} to False`
    return { remedy }
  }

  /** Whether a URL uses the custom domain: one is set, and the URL is for a download. */
  protected isOnDomain(options: UrlOptions): boolean {
    return Boolean(this.options.customDomain) && isDownload(options)
  }

  /** Whether a URL of the service has no signature: it is for a download, and the options turn signatures off. */
  protected isUnsigned(options: UrlOptions): boolean {
    return this.options.querystringAuth === false && isDownload(options)
  }

  /** The URL of a key on the custom domain. */
  protected customUrl(key: string, options: UrlOptions): string {
    const { customDomain, urlProtocol = 'https:' } = this.options
    this.#domain ??= new CustomDomain(customDomain!, urlProtocol)
    return this.#domain.url(key, this.downloadQuery(options, true))
  }

  /** The unsigned URL of a key at the service. Code `unsupported` if the service has none. */
  protected publicUrl(key: string, options: UrlOptions): string {
    const { driver } = this.calls
    if (driver.publicUrl === undefined) {
      throw new StorageError('unsupported', `${this.constructor.name} has no URLs without a signature.`)
    }
    const query = encodeQuery(this.downloadQuery(options, false))
    return driver.publicUrl(key) + (query && `?${query}`)
  }
}

function isDownload({ method = 'GET' }: UrlOptions): boolean {
  return isRead({ method })
}
