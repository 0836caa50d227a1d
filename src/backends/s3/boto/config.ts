import { ImproperlyConfigured } from '../../../core/errors.ts'
import type { Origin, ResolvedSettings } from '../../../core/settings.ts'
import { warnOnce } from '../../../remote/warn.ts'
import { MIN_PART, s3Settings } from '../settings/settings.ts'

type Map = Readonly<Record<string, unknown>>

/** The option that a setting of boto3 stands for, and its value there; undefined where the setting has no effect here. */
type Meaning = (value: unknown) => readonly [option: string, value: unknown] | undefined

/** Settings of boto3's `TransferConfig`. */
const TRANSFER: Readonly<Record<string, Meaning>> = {
  multipart_threshold: value => ['multipartThreshold', value],
  multipart_chunksize: value => ['partSize', typeof value === 'number' ? Math.max(value, MIN_PART) : value],
  max_concurrency: value => ['uploadConcurrency', value],
  max_request_concurrency: value => ['uploadConcurrency', value],
  use_threads: value => (value === false ? ['uploadConcurrency', 1] : undefined),
}

/** Settings of botocore's `Config`; those of its maps `s3` and `retries` with a dot. */
const CLIENT: Readonly<Record<string, Meaning>> = {
  region_name: value => ['regionName', value],
  signature_version: value => ['signatureVersion', value],
  connect_timeout: value => ['connectTimeoutSecs', typeof value === 'number' ? Math.ceil(value) : value],
  read_timeout: value => ['timeoutSecs', value],
  max_pool_connections: value => ['maxSockets', value],
  proxies: value => ['proxies', value],
  request_checksum_calculation: value => ['checksums', value === 'when_required' ? 'off' : 'when-supported'],
  's3.payload_signing_enabled': value => ['payloadSigning', value === false ? 'never' : 'always'],
  's3.addressing_style': value => ['addressingStyle', value],
  'retries.total_max_attempts': value => ['maxAttempts', value],
  'retries.max_attempts': value => ['maxAttempts', typeof value === 'number' ? value + 1 : value],
}

/** Settings that say what happens here anyway, or that stand for no option: see `clientCertOf`. */
const IDLE: ReadonlySet<string> = new Set([
  'use_threads',
  'response_checksum_validation',
  'retries.mode',
  'client_cert',
])

/**
 * Options in which boto3's `clientConfig` and `transferConfig` and the old `useThreads` and `secureUrls` have their effect: they win
 * over the options that they stand for. What has no effect here is told by a warning.
 */
export function withBotoConfig<O>(resolved: ResolvedSettings<O>): ResolvedSettings<O> {
  const options: Record<string, unknown> = { ...(resolved.options as Map) }
  const origins: Record<string, Origin> = { ...resolved.origins }
  const apply = (source: string, meanings: Readonly<Record<string, Meaning>>, values: Map): void => {
    const origin = origins[source]!
    for (const [name, value] of Object.entries(values)) {
      if (value === null || value === undefined) continue
      const meaning = meanings[name]?.(value)
      if (meaning === undefined) {
        if (!IDLE.has(name)) warnOnce(`${origin.key}: '${name}' has no effect.`)
        continue
      }
      const [option, meant] = meaning
      options[option] = parsed(option, meant, `${origin.key}.${name}`)
      origins[option] = { from: origin.from, key: `${origin.key}.${name}` }
    }
  }
  if (options['useThreads'] === false) apply('useThreads', TRANSFER, { use_threads: false })
  apply('transferConfig', TRANSFER, flattened(options['transferConfig'] as Map))
  apply('clientConfig', CLIENT, flattened(options['clientConfig'] as Map))
  const secure = options['secureUrls']
  if (secure === true || (secure === false && origins['urlProtocol']!.from === 'default')) {
    options['urlProtocol'] = secure ? 'https:' : 'http:'
    origins['urlProtocol'] = origins['secureUrls']!
  }
  return { options: Object.freeze(options) as O, origins: origins as ResolvedSettings<O>['origins'] }
}

/** The files of a certificate for TLS and of its key: botocore's `client_cert`, a path or a pair of paths. */
export function clientCertOf(config: Map): string | readonly [string, string] | undefined {
  const { client_cert: found } = flattened(config)
  if (found === undefined || found === null || (typeof found === 'string' && found !== '')) return found ?? undefined
  const isPair = Array.isArray(found) && found.length === 2 && found.every(path => typeof path === 'string')
  if (isPair) return found as unknown as readonly [string, string]
  throw new ImproperlyConfigured('clientConfig.client_cert: expected the path of a PEM file, or two of them.')
}

/** Names in snake_case, those of inner maps behind their map's; `proxies` stays a map. */
function flattened(config: Map, prefix = ''): Map {
  const flat: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(config)) {
    const name = prefix + key.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
    const isInner = (name === 's3' || name === 'retries') && typeof value === 'object' && value !== null
    if (isInner) Object.assign(flat, flattened(value as Map, `${name}.`))
    else flat[name] = value
  }
  return flat
}

function parsed(option: string, value: unknown, key: string): unknown {
  const setting = (s3Settings as Readonly<Record<string, { parse(raw: unknown): unknown }>>)[option]!
  try {
    return setting.parse(value)
  } catch (error) {
    throw new ImproperlyConfigured(`${key}: ${(error as Error).message}.`)
  }
}
