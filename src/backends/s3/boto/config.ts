import type { Origin, ResolvedSettings } from '../../../core/settings.ts'
import { warnOnce } from '../../../core/warn.ts'
import { certFiles, type ForeignOptions, type Meaning, parsedAs, snakeCase } from '../../../remote/foreign-options.ts'
import { MIN_PART, s3Settings } from '../settings/settings.ts'

/** Settings of boto3's `TransferConfig`. */
const TRANSFER: Readonly<Record<string, Meaning>> = {
  multipart_threshold: value => ['multipartThreshold', value],
  multipart_chunksize: value => ['partSize', typeof value === 'number' ? Math.max(value, MIN_PART) : value],
  max_concurrency: value => ['uploadConcurrency', value],
  max_request_concurrency: value => ['uploadConcurrency', value],
  use_threads: value => (value === false ? ['uploadConcurrency', 1] : undefined),
}

/** Settings of botocore's `Config`; settings of its maps `s3` and `retries` have a dot. */
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

/** Settings that describe what happens anyway, or that have no option: see `clientCertOf`. */
const IDLE: ReadonlySet<string> = new Set([
  'use_threads',
  'response_checksum_validation',
  'retries.mode',
  'client_cert',
])

/**
 * Applies boto3's `clientConfig` and `transferConfig` and the old `useThreads` and `secureUrls` to the options; they override the options
 * that they map to. A setting without effect is reported by a warning.
 */
export function withBotoConfig<O>(resolved: ResolvedSettings<O>): ResolvedSettings<O> {
  const options: Record<string, unknown> = { ...(resolved.options as ForeignOptions) }
  const origins: Record<string, Origin> = { ...resolved.origins }
  const apply = (source: string, meanings: Readonly<Record<string, Meaning>>, values: ForeignOptions): void => {
    const origin = origins[source]!
    for (const [name, value] of Object.entries(values)) {
      if (value === null || value === undefined) continue
      const meaning = meanings[name]?.(value)
      if (meaning === undefined) {
        if (!IDLE.has(name)) warnOnce(`${origin.key}: '${name}' has no effect.`)
        continue
      }
      const [option, meant] = meaning
      options[option] = parsedAs(s3Settings, option, meant, `${origin.key}.${name}`)
      origins[option] = { from: origin.from, key: `${origin.key}.${name}` }
    }
  }
  if (options['useThreads'] === false) apply('useThreads', TRANSFER, { use_threads: false })
  apply('transferConfig', TRANSFER, flattened(options['transferConfig'] as ForeignOptions))
  apply('clientConfig', CLIENT, flattened(options['clientConfig'] as ForeignOptions))
  const secure = options['secureUrls']
  if (secure === true || (secure === false && origins['urlProtocol']!.from === 'default')) {
    options['urlProtocol'] = secure ? 'https:' : 'http:'
    origins['urlProtocol'] = origins['secureUrls']!
  }
  return { options: Object.freeze(options) as O, origins: origins as ResolvedSettings<O>['origins'] }
}

/** The files of a TLS certificate and its key: botocore's `client_cert`, a path or a pair of paths. */
export function clientCertOf(config: ForeignOptions): string | readonly [string, string] | undefined {
  return certFiles(flattened(config)['client_cert'], 'clientConfig.client_cert')
}

/** Names in snake_case; names of inner maps follow the name of their map. `proxies` stays a map. */
function flattened(config: ForeignOptions, prefix = ''): ForeignOptions {
  const flat: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(config)) {
    const name = prefix + snakeCase(key)
    const isInner = (name === 's3' || name === 'retries') && typeof value === 'object' && value !== null
    if (isInner) Object.assign(flat, flattened(value as ForeignOptions, `${name}.`))
    else flat[name] = value
  }
  return flat
}
