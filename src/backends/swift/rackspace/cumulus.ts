import { ImproperlyConfigured, messageOf } from '../../../core/errors.ts'
import { kindOf } from '../../../core/kind.ts'
import type { AnySettings, Origin } from '../../../core/settings.ts'

/** The options for the entries of django-cumulus' dictionary `CUMULUS`. */
const OPTIONS: Readonly<Record<string, string>> = {
  USERNAME: 'username',
  API_KEY: 'password',
  CONTAINER: 'containerName',
  REGION: 'regionName',
  SERVICENET: 'servicenet',
  TTL: 'ttlSecs',
  USE_SSL: 'cdnSsl',
  AUTH_URL: 'authUrl',
  AUTH_TENANT_NAME: 'projectName',
  AUTH_TENANT_ID: 'projectId',
  TIMEOUT: 'connectTimeoutSecs',
}

/** The region of django-cumulus if its dictionary has none. */
const REGION = 'DFW'

type Options = Readonly<Record<string, unknown>>
type Origins = Readonly<Record<string, Origin>>

/**
 * Adds the options of the dictionary `CUMULUS` that are not set otherwise. Code `improperly_configured`, with its name, for an entry with
 * an invalid value. (django-cumulus, `cumulus/settings.py`)
 */
export function withCumulus(
  declared: AnySettings,
  options: Options,
  origins: Origins,
): { readonly options: Options; readonly origins: Origins } {
  const entries = options['cumulus'] as Options
  if (Object.keys(entries).length === 0) return { options, origins }
  const values: Record<string, unknown> = { ...options }
  const places: Record<string, Origin> = { ...origins }
  const give = (option: string, raw: unknown, entry: string): void => {
    const setting = declared[option]
    if (raw === undefined || raw === null || setting === undefined || origins[option]?.from !== 'default') return
    const key = `CUMULUS['${entry}']`
    try {
      values[option] = setting.parse(raw)
    } catch (error) {
      throw new ImproperlyConfigured(`${key}: ${messageOf(error)}, got ${kindOf(raw)}.`)
    }
    places[option] = { from: 'setting', key }
  }
  for (const [entry, option] of Object.entries(OPTIONS)) give(option, entries[entry], entry)
  const isUk = /^uk_authurl$|\/\/lon\./.test(String(entries['AUTH_URL'] ?? ''))
  give('regionName', entries['REGION'] ?? (isUk ? 'LON' : REGION), 'REGION')
  if (/^keystone$/i.test(String(entries['PYRAX_IDENTITY_TYPE'] ?? ''))) {
    give('authType', 'password', 'PYRAX_IDENTITY_TYPE')
    give('authVersion', entries['AUTH_VERSION'], 'AUTH_VERSION')
  }
  const uri = entries['USE_SSL'] === true ? 'CONTAINER_SSL_URI' : 'CONTAINER_URI'
  const other = uri === 'CONTAINER_URI' ? 'CONTAINER_SSL_URI' : 'CONTAINER_URI'
  give('cdnUri', entries[uri] ?? entries[other], uri)
  return { options: values, origins: places }
}
