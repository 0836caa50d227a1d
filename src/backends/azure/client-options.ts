import { ImproperlyConfigured } from '../../core/errors.ts'
import type { Origin, ResolvedSettings, SettingsOf } from '../../core/settings.ts'
import { warnOnce } from '../../remote/warn.ts'

type Map = Readonly<Record<string, unknown>>

/** The option that an option of the Python client stands for, and its value there. */
type Meaning = (value: unknown) => readonly [option: string, value: unknown]

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

/** Options that are known there and have no effect here: they tune what is done another way. */
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

/** Options of which `clientCertOf` makes something. */
const CERT = 'connection_cert'

/**
 * Options in which `clientOptions` have their effect: they win over the options that they stand for. One that has no effect here is told by a
 * warning, an unknown one is `improperly_configured`.
 */
export function withClientOptions<O, D>(found: ResolvedSettings<O>, declared: SettingsOf<D>): ResolvedSettings<O> {
  const options: Record<string, unknown> = { ...(found.options as Map) }
  const origins: Record<string, Origin> = { ...found.origins }
  const origin = origins['clientOptions']!
  for (const [given, value] of Object.entries(options['clientOptions'] as Map)) {
    const name = snake(given)
    if (value === null || value === undefined || name === CERT) continue
    const key = `${origin.key}.${given}`
    const meaning = MEANINGS[name]?.(value)
    if (meaning === undefined) {
      if (!IDLE.has(name)) throw new ImproperlyConfigured(`${origin.key}: '${given}' is no option of the client.`)
      warnOnce(`${origin.key}: '${given}' has no effect.`)
      continue
    }
    const [option, meant] = meaning
    options[option] = parsed(declared, option, meant, key)
    origins[option] = { from: origin.from, key }
  }
  return { options: Object.freeze(options) as O, origins: origins as ResolvedSettings<O>['origins'] }
}

/** The files of a certificate for TLS and of its key: a path or a pair of paths. */
export function clientCertOf(options: Map): string | readonly [string, string] | undefined {
  const entry = Object.entries(options).find(([name]) => snake(name) === CERT)
  const found = entry?.[1]
  if (found === undefined || found === null) return undefined
  if (typeof found === 'string' && found !== '') return found
  if (Array.isArray(found) && found.length === 2 && found.every(path => typeof path === 'string')) {
    return found as unknown as readonly [string, string]
  }
  throw new ImproperlyConfigured(`clientOptions.${CERT}: expected the path of a PEM file, or two of them.`)
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}

function parsed<D>(declared: SettingsOf<D>, option: string, value: unknown, key: string): unknown {
  const setting = (declared as Readonly<Record<string, { parse(raw: unknown): unknown }>>)[option]!
  try {
    return setting.parse(value)
  } catch (error) {
    throw new ImproperlyConfigured(`${key}: ${(error as Error).message}.`)
  }
}
