import type { ObjectParameters } from '../../../core/driver.ts'
import { ImproperlyConfigured } from '../../../core/errors.ts'
import { type Origin, type ResolvedSettings, withoutOptions } from '../../../core/settings.ts'
import { warnOnce } from '../../../core/warn.ts'
import { signingRegion } from '../addressing.ts'
import { migrateBotoSettings } from '../boto/migration.ts'
import { checkedSetting } from '../credentials/checked.ts'
import { type Environment, profilePlace, readProfileService } from '../credentials/shared-profile.ts'
import type { S3DriverOptions } from '../driver.ts'
import { type Preset, presetOf, providerEndpoint, providerRegion } from './presets.ts'
import type { S3Options } from './settings.ts'

/** The address of requests, with old boto options converted and the provider's defaults applied. */
export interface Place {
  readonly preset: Preset
  readonly regionName: string | null
  readonly endpointUrl: string | null
  readonly addressingStyle: S3Options['addressingStyle']
  readonly proxies: Readonly<Record<string, string>>
  /** From `AWS_HEADERS`. */
  readonly oldParameters: ObjectParameters
}

/**
 * Finds the place of the options. A missing region or account of a provider is `improperly_configured`. If a profile is used and the
 * options set no other service, the profile's region and endpoint count.
 */
export function placeOf(options: S3Options, env: Environment): Place {
  const old = migrated(options)
  const given = options.regionName ?? textOr(old['AWS_S3_REGION_NAME'])
  const { provider, accountId } = options
  const endpoint =
    options.endpointUrl ??
    (provider === null ? null : providerEndpoint(provider, given, accountId)) ??
    textOr(old['AWS_S3_ENDPOINT_URL'])
  const profile = endpoint === null && (provider ?? 'aws') === 'aws' ? profileService(options, env) : undefined
  const endpointUrl =
    endpoint?.replace(/\$\{(AWS_S3_REGION_NAME|region)\}/g, () => signingRegion(given)) ?? profile?.endpointUrl ?? null
  const preset = presetOf(provider, endpointUrl)
  const regionName = given ?? providerRegion(preset) ?? profile?.region ?? null
  // The region is part of a signature's scope, whose parts are separated by slashes.
  if (/[/,]/.test(regionName ?? '')) throw new ImproperlyConfigured('AWS_S3_REGION_NAME is not the name of a region')
  const hasProxies = Object.keys(options.proxies).length > 0
  return {
    preset,
    endpointUrl,
    regionName,
    addressingStyle: options.addressingStyle ?? (old['AWS_S3_ADDRESSING_STYLE'] as Place['addressingStyle']) ?? null,
    proxies: hasProxies ? options.proxies : ((old['AWS_S3_PROXIES'] as Place['proxies']) ?? {}),
    oldParameters: (old['AWS_S3_OBJECT_PARAMETERS'] as ObjectParameters) ?? {},
  }
}

/** Region and endpoint of the profile in use: the one with the keys, or the one that is set. */
function profileService({ accessKey, sessionProfile }: S3Options, env: Environment) {
  const place = profilePlace(sessionProfile, env)
  if (accessKey !== null && !place.isNamed) return undefined
  const { region, endpointUrl } = readProfileService(place)
  const named = `The AWS profile '${place.profile}'`
  const endpoint = ignoresEndpoints(env) ? undefined : endpointUrl
  return {
    region: checkedSetting('regionName', region, `${named}: region`),
    endpointUrl: checkedSetting('endpointUrl', endpoint, `${named}: endpoint_url`),
  }
}

/** Whether endpoints of the environment and of profiles are ignored. (AWS SDKs and Tools reference guide, "Service-specific endpoints") */
export function ignoresEndpoints(env: Environment): boolean {
  return env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS']?.trim().toLowerCase() === 'true'
}

/** Removes an endpoint that the environment sets for all programs, if such endpoints are ignored. */
export function withoutIgnoredEndpoint<O>(found: ResolvedSettings<O>, env: Environment): ResolvedSettings<O> {
  const { from, key } = (found.origins as Readonly<Record<string, Origin>>)['endpointUrl'] ?? {}
  if (from !== 'environment' || key === 'AWS_S3_ENDPOINT_URL' || !ignoresEndpoints(env)) return found
  return withoutOptions(found, ['endpointUrl'])
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

/** The checksum of uploads. */
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
