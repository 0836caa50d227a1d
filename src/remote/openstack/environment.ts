import type { ResolvedSettings } from '../../core/settings.ts'
import { type IdentityOptions, identitySettings } from './settings.ts'

/** The program that a setting's name comes from: old swiftclient (`ST_`), OpenStack (`OS_`), or this library. */
function familyOf(key: string): string {
  return /^(?:ST|OS)_/.exec(key)?.[0] ?? ''
}

/**
 * Ignores environment variables of another cloud: `OS_*` counts if the address comes from `OS_AUTH_URL`, or if there is no address; `ST_*`
 * counts if it comes from `ST_AUTH`. So the password of one cloud is never sent to another cloud.
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
