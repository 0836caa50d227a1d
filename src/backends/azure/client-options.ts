import { ImproperlyConfigured } from '../../core/errors.ts'
import type { Origin, ResolvedSettings, SettingsOf } from '../../core/settings.ts'
import { warnOnce } from '../../core/warn.ts'
import { certFiles, type ForeignOptions, type Meaning, parsedAs, snakeCase } from '../../remote/foreign-options.ts'

/** Options of Python's `BlobServiceClient`. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  api_version: value => ['apiVersion', value],
  connection_timeout: value => ['connectTimeoutSecs', typeof value === 'number' ? Math.ceil(value) : value],
  connection_verify: value => ['verify', value],
  max_block_size: value => ['partSize', value],
  max_single_put_size: value => ['multipartThreshold', value],
  proxies: value => ['proxies', value],
  read_timeout: value => ['timeoutSecs', value],
  retry_total: value => ['maxAttempts', typeof value === 'number' ? value + 1 : value],
}

/** Known options without effect here: they tune features that work in another way. */
const IDLE: ReadonlySet<string> = new Set([
  'connection_data_block_size',
  'increment_base',
  'initial_backoff',
  'logging_enable',
  'max_chunk_get_size',
  'max_page_size',
  'max_single_get_size',
  'min_large_block_upload_threshold',
  'random_jitter_range',
  'retry_connect',
  'retry_policy',
  'retry_read',
  'retry_status',
  'use_byte_buffer',
])

/** Options that `clientCertOf` converts. */
const CERT = 'connection_cert'

/**
 * Applies `clientOptions` to the options; they override the options that they map to. An option without effect is reported by a warning, an
 * unknown one is `improperly_configured`.
 */
export function withClientOptions<O, D>(found: ResolvedSettings<O>, declared: SettingsOf<D>): ResolvedSettings<O> {
  const options: Record<string, unknown> = { ...(found.options as ForeignOptions) }
  const origins: Record<string, Origin> = { ...found.origins }
  const origin = origins['clientOptions']!
  for (const [given, value] of Object.entries(options['clientOptions'] as ForeignOptions)) {
    const name = snakeCase(given)
    if (value === null || value === undefined || name === CERT) continue
    const key = `${origin.key}.${given}`
    const meaning = MEANINGS[name]?.(value)
    if (meaning === undefined) {
      if (!IDLE.has(name)) throw new ImproperlyConfigured(`${origin.key}: '${given}' is not an option of the client.`)
      warnOnce(`${origin.key}: '${given}' has no effect.`)
      continue
    }
    const [option, meant] = meaning
    options[option] = parsedAs(declared, option, meant, key)
    origins[option] = { from: origin.from, key }
  }
  return { options: Object.freeze(options) as O, origins: origins as ResolvedSettings<O>['origins'] }
}

/** The files of a TLS certificate and its key: a path or a pair of paths. */
export function clientCertOf(options: ForeignOptions): string | readonly [string, string] | undefined {
  const entry = Object.entries(options).find(([name]) => snakeCase(name) === CERT)
  return certFiles(entry?.[1], `clientOptions.${CERT}`)
}
