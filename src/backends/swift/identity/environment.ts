import type { ResolvedSettings } from '../../../core/settings.ts'
import { type IdentityOptions, identitySettings } from './settings.ts'

/** The program whose names a setting has: swiftclient's old ones (`ST_`), OpenStack's (`OS_`), or ours. */
function familyOf(key: string): string {
  return /^(?:ST|OS)_/.exec(key)?.[0] ?? ''
}

/**
 * Leaves out of the environment what belongs to another cloud: `OS_*` counts where the address is that of `OS_AUTH_URL`, or no address is given;
 * `ST_*` where it is that of `ST_AUTH`. A password of one cloud is never sent to another one.
 */
export function withOneCloud<T>({ options, origins }: ResolvedSettings<T>): ResolvedSettings<T> {
  const from = origins as Readonly<Record<keyof IdentityOptions, ResolvedSettings<T>['origins'][keyof T & string]>>
  const { authUrl } = options as unknown as IdentityOptions
  const family = authUrl === null ? undefined : familyOf(from.authUrl.key)
  const values: Record<string, unknown> = { ...options }
  const places: Record<string, unknown> = { ...origins }
  for (const name of Object.keys(identitySettings) as Array<keyof IdentityOptions>) {
    const { from: source, key } = from[name]
    if (source !== 'environment' || familyOf(key) === '') continue
    if (familyOf(key) === (family ?? 'OS_')) continue
    values[name] = identitySettings[name].default
    places[name] = { from: 'default', key: name }
  }
  return { options: Object.freeze(values) as Readonly<T>, origins: places as ResolvedSettings<T>['origins'] }
}
