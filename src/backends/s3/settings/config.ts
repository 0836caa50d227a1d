import { warnOnce } from '../../../remote/warn.ts'
import { signingRegion } from '../addressing.ts'
import { migrateBotoSettings } from '../boto/migration.ts'
import { type Environment, profilePlace, readRegion } from '../credentials/shared-profile.ts'
import type { S3DriverOptions } from '../driver.ts'
import { type Preset, presetOf, providerEndpoint, providerRegion } from './presets.ts'
import type { ObjectParameters, S3Options } from './settings.ts'

/** Where requests go, with the old boto options translated and the provider's own values filled in. */
export interface Place {
  readonly preset: Preset
  readonly regionName: string | null
  readonly endpointUrl: string | null
  readonly addressingStyle: S3Options['addressingStyle']
  readonly proxies: Readonly<Record<string, string>>
  /** Of `AWS_HEADERS`. */
  readonly oldParameters: ObjectParameters
}

/**
 * Finds the place of the options; a missing region or account of a provider is `improperly_configured`. Where the keys are those of a
 * profile and the service is Amazon's, so is the region.
 */
export function placeOf(options: S3Options, env: Environment): Place {
  const old = migrated(options)
  const regionName = options.regionName ?? textOr(old['AWS_S3_REGION_NAME'])
  const { provider, accountId } = options
  const endpoint =
    options.endpointUrl ??
    (provider === null ? null : providerEndpoint(provider, regionName, accountId)) ??
    textOr(old['AWS_S3_ENDPOINT_URL'])
  const endpointUrl = endpoint?.replace(/\$\{(AWS_S3_REGION_NAME|region)\}/g, () => signingRegion(regionName)) ?? null
  const preset = presetOf(provider, endpointUrl)
  const hasProfile = preset.provider === 'aws' && endpointUrl === null && options.accessKey === null
  const hasProxies = Object.keys(options.proxies).length > 0
  return {
    preset,
    endpointUrl,
    regionName: regionName ?? providerRegion(preset) ?? (hasProfile ? profileRegion(options, env) : null),
    addressingStyle: options.addressingStyle ?? (old['AWS_S3_ADDRESSING_STYLE'] as Place['addressingStyle']) ?? null,
    proxies: hasProxies ? options.proxies : ((old['AWS_S3_PROXIES'] as Place['proxies']) ?? {}),
    oldParameters: (old['AWS_S3_OBJECT_PARAMETERS'] as ObjectParameters) ?? {},
  }
}

function profileRegion({ sessionProfile }: S3Options, env: Environment): string | null {
  return readRegion(profilePlace(sessionProfile, env)) ?? null
}

function migrated(options: S3Options): Record<string, unknown> {
  const old: Record<string, unknown> = {}
  const set = (name: string, value: unknown) => {
    if (value !== null && value !== undefined) old[name] = value
  }
  if (Object.keys(options.headers).length > 0) set('AWS_HEADERS', options.headers)
  set('AWS_S3_HOST', options.host)
  set('AWS_S3_PORT', options.port)
  set('AWS_ORIGIN', options.origin)
  set('AWS_S3_CALLING_FORMAT', options.callingFormat)
  set('AWS_S3_PROXY_HOST', options.proxyHost)
  set('AWS_S3_PROXY_PORT', options.proxyPort)
  if (Object.keys(old).length === 0) return old
  set('AWS_S3_USE_SSL', options.useSsl)
  const { settings, notes } = migrateBotoSettings(old)
  for (const { rule, to, message } of notes) if (rule === 'object-parameters' && to === null) warnOnce(message)
  return settings
}

function textOr(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** Which checksum goes with uploads. */
export function checksumMode(options: S3Options, preset: Preset): S3DriverOptions['checksum'] {
  switch (options.checksums) {
    case 'md5':
      return 'MD5'
    case 'always':
      return options.checksumAlgorithm
    case 'when-supported':
      return preset.checksums ? options.checksumAlgorithm : 'none'
    default:
      return 'none'
  }
}
