import type { Driver } from '../../core/driver.ts'
import { ImproperlyConfigured } from '../../core/errors.ts'
import { MAX_COMPONENT_BYTES } from '../../core/key-components.ts'
import type { Input, SettingsOf } from '../../core/settings.ts'
import { Storage } from '../../storage/storage.ts'
import type { GivenSettings, Services } from '../../storage/types.ts'
import { ftpAdvice } from './advice.ts'
import { FtpDriver } from './driver.ts'
import { type FtpLocation, parseLocation } from './location.ts'
import { type FtpOptions, ftpSettings } from './settings.ts'

/** Files of an FTP server: `new FtpStorage({ location: 'ftps://user:password@ftp.example.com/media' })`. */
export class FtpStorage<O extends FtpOptions = FtpOptions> extends Storage<O> {
  static override readonly backendName: string = 'ftp'
  static override readonly settings: SettingsOf<FtpOptions> = ftpSettings

  /** Unsafe settings, and settings whose effect differs from django-storages. */
  static override advice(given: GivenSettings): readonly string[] {
    return ftpAdvice(given)
  }

  readonly #location: FtpLocation

  /** Checks the location; connects at the first use. */
  constructor(options: Input<O> = {}, services: Services = {}) {
    super(options, services)
    const { location, tls, clientCert, clientKey } = this.options
    if (location === '') {
      throw new ImproperlyConfigured('You must set a location at instantiation or at settings.FTP_STORAGE_LOCATION.')
    }
    this.#location = parseLocation(location)
    const name = (option: string): string => this.origins[option]?.key ?? option
    if (this.#location.scheme !== 'ftps') {
      if (tls !== null) throw new ImproperlyConfigured(`${name('tls')}: it needs a location that begins with ftps://.`)
    }
    if (clientKey !== null && clientCert === null) {
      throw new ImproperlyConfigured(`${name('clientKey')}: a key needs its certificate: clientCert is missing.`)
    }
  }

  protected override connect(options: Readonly<O>): Driver {
    const { verify, clientCert, clientKey, timeoutSecs, connectTimeoutSecs } = options
    const location = parseLocation(options.location)
    const tls = tlsOf(location, options)
    const cert = clientCert === null || clientKey === null ? clientCert : ([clientCert, clientKey] as const)
    return new FtpDriver({
      location,
      tls,
      port: location.port ?? (tls === 'implicit' ? 990 : 21),
      trust: { verify, clientCert: cert },
      encoding: options.encoding,
      connectTimeoutMs: connectTimeoutSecs * 1000,
      idleTimeoutMs: timeoutSecs === null ? undefined : timeoutSecs * 1000,
      allowDataHost: options.allowDataHost,
      baseUrl: options.baseUrl,
      maxMemorySize: options.maxMemorySize,
      tempDir: options.tempDir,
      poolSize: options.poolSize,
      idleSecs: options.idleSecs,
    })
  }

  /** Keys are relative to the folder of the location, so no prefix is needed. */
  override get prefix(): string {
    return ''
  }

  override get maxPartBytes(): number {
    return MAX_COMPONENT_BYTES
  }
}

function tlsOf({ scheme, port }: FtpLocation, { tls }: FtpOptions): 'explicit' | 'implicit' | undefined {
  if (scheme !== 'ftps') return undefined
  return tls ?? (port === 990 ? 'implicit' : 'explicit')
}
