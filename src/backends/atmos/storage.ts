import type { CallOptions } from '../../core/call.ts'
import type { Driver, ObjectParameters } from '../../core/driver.ts'
import { ImproperlyConfigured, StorageError } from '../../core/errors.ts'
import { checkCallOptions } from '../../core/known-options.ts'
import { trimTrailingSlashes } from '../../core/names.ts'
import type { Input, SettingsOf } from '../../core/settings.ts'
import { checkCustomDomain, type UrlQuery } from '../../remote/custom-domain.ts'
import { httpClientOf } from '../../remote/http-client.ts'
import { ATTRIBUTE_PARAMETERS, type AttributeParameters, ObjectStorage } from '../../remote/object-storage.ts'
import type { GivenSettings, Services, UrlOptions } from '../../storage/types.ts'
import { atmosAdvice, ninefoldAdvice } from './advice.ts'
import { AtmosDriver } from './driver.ts'
import { atmosEndpoint } from './endpoint.ts'
import { checkKey } from './names.ts'
import { parameterName } from './parameters.ts'
import type { AtmosServiceInfo } from './service-info.ts'
import { type AtmosOptions, atmosSettings, ninefoldSettings } from './settings.ts'
import { AtmosKey } from './sign.ts'

/**
 * Files in the namespace of EMC Atmos, below a top folder.
 *
 * @example
 * const media = new AtmosStorage({ host: 'atmos.example.com', user: 'subtenant/uid', key: secret, container: 'media' })
 * const name = await media.save('reports/2010.pdf', stream)
 */
export class AtmosStorage<O extends AtmosOptions = AtmosOptions> extends ObjectStorage<O> {
  static override readonly settings: SettingsOf<AtmosOptions> = atmosSettings
  static override readonly backendName: string = 'atmos'

  /** Incomplete settings, and settings that weaken a connection. */
  static override advice(given: GivenSettings): readonly string[] {
    return atmosAdvice(given)
  }

  /** Checks the options without the network. Code `improperly_configured` without a host, a token and its secret. */
  constructor(options: Input<O> = {}, services: Services = {}) {
    super(options, services)
    const { user, key, customDomain } = this.options
    atmosEndpoint(this.options, this.#keyOf('host'))
    if (user === null) throw new ImproperlyConfigured(`${this.#keyOf('user')} is missing: the access token.`)
    if (key === null) throw new ImproperlyConfigured(`${this.#keyOf('key')} is missing: the shared secret.`)
    checkCustomDomain(customDomain, this.#keyOf('customDomain'), this.#keyOf('urlProtocol'))
  }

  protected override connect(options: Readonly<O>, services: Services): Driver {
    const secret = options.key ?? ''
    return new AtmosDriver({
      name: (this.constructor as typeof AtmosStorage).backendName,
      endpoint: atmosEndpoint(options, 'host'),
      key: new AtmosKey(options.user ?? '', secret),
      secret,
      container: options.container ?? '',
      partSize: options.partSize,
      checksums: options.checksums,
      httpClient: httpClientOf(options, services),
    })
  }

  protected override get attributeParameters(): AttributeParameters {
    return ATTRIBUTE_PARAMETERS
  }

  protected override parameterName(name: string): string {
    return parameterName(name)
  }

  /** Rights in the file's parameters override those of the options. */
  protected override baseParameters(): ObjectParameters {
    const { userAcl, groupAcl } = this.options
    return { ...(userAcl === null ? {} : { userAcl }), ...(groupAcl === null ? {} : { groupAcl }) }
  }

  protected override downloadQuery({ parameters = {} }: UrlOptions): UrlQuery {
    return Object.entries(parameters).map(([name, value]) => [name, String(value)])
  }

  /** Code `suspicious_name` for a name that the namespace cannot contain. The name of a folder may end in its slash. */
  override keyOf(name: string): string {
    const key = super.keyOf(name)
    if (!this.isRoot(key)) checkKey(trimTrailingSlashes(key))
    return key
  }

  override get maxPartBytes(): number {
    return MAX_NAME_BYTES
  }

  /** The version of the service and its features. Code `not_found` or `improperly_configured` if the service does not report them. */
  async serviceInfo(options: CallOptions = {}): Promise<AtmosServiceInfo> {
    checkCallOptions('serviceInfo', options)
    this.calls.begin('serviceInfo', undefined, options)
    const { driver } = this.calls
    if (!(driver instanceof AtmosDriver)) throw new StorageError('unsupported', 'This needs the driver of Atmos.')
    return this.calls.run('serviceInfo', undefined, options, ctx => driver.serviceInfo(ctx))
  }

  /** The name of an option in its source, or its default name. */
  #keyOf(option: keyof AtmosOptions & string): string {
    const origin = this.origins[option]
    const declared = (this.constructor as typeof AtmosStorage).settings[option].keys[0] ?? option
    return origin === undefined || origin.from === 'default' ? declared : origin.key
  }
}

/** Maximum length of a part of a name in bytes. */
const MAX_NAME_BYTES = 255

/** Files of Ninefold, which closed in 2016: Atmos with a fixed host and path. */
export class NinefoldStorage extends AtmosStorage {
  static override readonly settings: SettingsOf<AtmosOptions> = ninefoldSettings
  static override readonly backendName: string = 'ninefold'

  static override advice(given: GivenSettings): readonly string[] {
    return ninefoldAdvice(given)
  }
}
