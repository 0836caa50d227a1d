import type { CallContext, CallOptions } from '../../../core/call.ts'
import type { Driver } from '../../../core/driver.ts'
import { ImproperlyConfigured, isStorageError, StorageError } from '../../../core/errors.ts'
import { CALL_OPTIONS, checkCallOptions, checkKnownOptions, type KnownOptions } from '../../../core/known-options.ts'
import type { ResolvedSettings, SettingsOf } from '../../../core/settings.ts'
import { sharedContext } from '../../../remote/aftermath.ts'
import { Identity } from '../../../remote/openstack/identity.ts'
import { encodeKey } from '../../../remote/sign/encode.ts'
import { Renewed } from '../../../remote/token.ts'
import type { GivenSettings, Services, UrlOptions, UrlSigning } from '../../../storage/types.ts'
import type { SwiftDriverOptions } from '../driver.ts'
import { SwiftStorage } from '../storage.ts'
import { rackspaceAdvice } from './advice.ts'
import type { Cdn, CdnOptions, CdnState } from './cdn.ts'
import { RackspaceDriver } from './driver.ts'
import { type RackspaceOptions, rackspaceSettings, withRegion } from './settings.ts'

/** Options of `purgeCdn`. */
export interface PurgeCdnOptions extends CallOptions {
  /** The address that Rackspace notifies when it is done. */
  readonly email?: string | undefined
}

const CDN_OPTIONS: KnownOptions<CdnOptions & CallOptions> = { ...CALL_OPTIONS, ttlSecs: true, logRetention: true }
const PURGE_OPTIONS: KnownOptions<PurgeCdnOptions> = { ...CALL_OPTIONS, email: true }

/** The address of a published container, and until when it is cached. */
interface Publication {
  /** Without a trailing slash; undefined for a container that is not published. */
  readonly base: string | undefined
  readonly until: Date
}

/** Milliseconds for which a publication is cached. */
const KEPT_MS = 300_000
/** The same for a container that is not published: it may be published at any moment. */
const ABSENT_MS = 60_000

/**
 * Files in Rackspace Cloud Files: Swift with an API key, and a CDN.
 *
 * @example
 * const storage = new RackspaceStorage({ username: 'alice', password: apiKey, regionName: 'DFW', containerName: 'media' })
 * await storage.enableCdn({ ttlSecs: 86_400 })
 * await storage.url('photos/a.jpg') // https://...ssl.cf1.rackcdn.com/photos/a.jpg
 */
export class RackspaceStorage<O extends RackspaceOptions = RackspaceOptions> extends SwiftStorage<O> {
  static override readonly settings: SettingsOf<RackspaceOptions> = rackspaceSettings
  static override readonly backendName: string = 'rackspace'

  static override refineOptions<T>(found: ResolvedSettings<T>): ResolvedSettings<T> {
    return withRegion(found)
  }

  /** Entries of `CUMULUS` without effect. */
  static override advice(given: GivenSettings): readonly string[] {
    return rackspaceAdvice(given)
  }

  #publication: Renewed<Publication> = this.#lookUp()

  protected override connect(options: Readonly<O>, services: Services): Driver {
    return new RackspaceDriver(this.driverOptions(options, services))
  }

  protected override driverOptions(options: Readonly<O>, services: Services): SwiftDriverOptions {
    if (options.containerName === '') {
      throw new ImproperlyConfigured('RackspaceStorage needs the name of a container: set RACKSPACE_CONTAINER.')
    }
    return super.driverOptions(options, services)
  }

  protected override identityOf(options: Readonly<O>, services: Services): Identity {
    return new Identity(options, services, { declared: rackspaceSettings, internalOf: servicenetOf })
  }

  /** Sends no request to check the publication: with `cdn`, the container counts as published. */
  override get urlSigning(): UrlSigning | undefined {
    const { cdn, useTempUrls } = this.options
    if (cdn || useTempUrls === false) return undefined
    return { remedy: 'set RACKSPACE_CDN to True, and publish the container (enableCdn)' }
  }

  /**
   * The address at the CDN if the container is published; the publication is cached for 5 minutes. Otherwise, and with `expiresInSecs`,
   * `parameters` or a method other than GET and HEAD, a temporary URL. Code `improperly_configured` if there is no key for one either.
   */
  override async url(name: string, options: UrlOptions = {}): Promise<string> {
    this.checkUrl(name, options)
    this.calls.begin('url', name, options)
    const base = this.#isForCdn(options) ? await this.#publishedAt(name, options) : undefined
    if (base !== undefined) return `${base}/${encodeKey(this.newRef(name).key)}`
    if (this.options.useTempUrls === false) return super.url(name, options)
    try {
      return await this.signedUrl(name, options)
    } catch (error) {
      if (!isStorageError(error, 'improperly_configured') || this.options.tempUrlKey !== null) throw error
      const { containerName } = this.options
      const text = `The container '${containerName}' is not published (enableCdn), and there is no key for temporary URLs: set RACKSPACE_TEMP_URL_KEY, or store one (storeTempUrlKey).`
      throw new ImproperlyConfigured(text, { fileName: name, operation: 'url', backend: 'rackspace', cause: error })
    }
  }

  /** The container's publication at the CDN; undefined if it was never published. */
  async cdnState(options: CallOptions = {}): Promise<CdnState | undefined> {
    checkCallOptions('cdnState', options)
    const { cdn } = this.#rackspace
    return this.calls.run('cdnState', undefined, options, ctx => cdn.state(this.options.containerName, ctx))
  }

  /** Publishes the container at the CDN, where everyone can read it, or changes its `ttlSecs`. Default: `ttlSecs` of the settings. */
  async enableCdn(options: CdnOptions & CallOptions = {}): Promise<void> {
    checkKnownOptions('enableCdn', options, CDN_OPTIONS)
    const { ttlSecs = this.options.ttlSecs ?? undefined, logRetention } = options
    await this.#change('enableCdn', options, (cdn, ctx) =>
      cdn.enable(this.options.containerName, { ttlSecs, logRetention }, ctx),
    )
  }

  /** Removes the container from the CDN. Cached files remain there until they expire: see `purgeCdn`. */
  async disableCdn(options: CallOptions = {}): Promise<void> {
    checkCallOptions('disableCdn', options)
    await this.#change('disableCdn', options, (cdn, ctx) => cdn.disable(this.options.containerName, ctx))
  }

  /** Removes a file from the CDN's cache. Rackspace allows 25 per day, and notifies `email` when it is done. */
  async purgeCdn(name: string, options: PurgeCdnOptions = {}): Promise<void> {
    checkKnownOptions('purgeCdn', options, PURGE_OPTIONS)
    const { key } = this.calls.checked('purgeCdn', name, () => this.ref(name))
    await this.#change('purgeCdn', options, (cdn, ctx) =>
      cdn.purge(this.options.containerName, key, options.email, ctx),
    )
  }

  async #change(
    operation: string,
    options: CallOptions,
    work: (cdn: Cdn, ctx: CallContext) => Promise<void>,
  ): Promise<void> {
    this.calls.begin(operation, undefined, options, true)
    const { cdn } = this.#rackspace
    await this.calls.run(operation, undefined, options, ctx => work(cdn, ctx))
    this.#publication = this.#lookUp()
  }

  #isForCdn({ method = 'GET', expiresInSecs, parameters }: UrlOptions): boolean {
    const isDownload = method === 'GET' || method === 'HEAD'
    return this.options.cdn && isDownload && expiresInSecs === undefined && parameters === undefined
  }

  async #publishedAt(name: string, options: UrlOptions): Promise<string | undefined> {
    const { cdnUri } = this.options
    if (cdnUri !== null) return cdnUri
    const known = this.#publication
    const found = await this.calls.run('cdnState', { name, key: name }, options, async ctx => known.get(ctx.signal))
    return found.base
  }

  #lookUp(): Renewed<Publication> {
    return new Renewed(() => this.#published(), { endOf: ({ until }) => until, earlyMs: 0 })
  }

  async #published(): Promise<Publication> {
    const { containerName, cdnSsl } = this.options
    const state = await this.#rackspace.cdn.state(containerName, sharedContext()).catch(error => {
      // There is no CDN in this region.
      if (isStorageError(error, 'unsupported')) return undefined
      throw error
    })
    const base =
      state?.enabled !== true ? undefined : cdnSsl ? (state.sslUri ?? state.uri) : (state.uri ?? state.sslUri)
    return { base, until: new Date(Date.now() + (base === undefined ? ABSENT_MS : KEPT_MS)) }
  }

  get #rackspace(): RackspaceDriver {
    const { driver } = this.calls
    if (driver instanceof RackspaceDriver) return driver
    throw new StorageError('unsupported', 'This needs the driver of Rackspace.')
  }
}

/** The address of an account in Rackspace's internal network, if version 1 returns the public one. (python-swiftclient, `snet`) */
function servicenetOf(url: string): string {
  return url.replace(/^(https?:\/\/)/i, '$1snet-')
}
