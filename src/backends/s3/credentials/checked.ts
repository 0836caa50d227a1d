import { ImproperlyConfigured, messageOf } from '../../../core/errors.ts'
import type { SigningCredentials } from '../../../remote/sign/query.ts'
import { s3Settings } from '../settings/settings.ts'

const NAMES = { accessKeyId: 'accessKey', secretAccessKey: 'secretKey', sessionToken: 'securityToken' } as const

/** Checks a setting's value from another place. A bad value is `improperly_configured`, with the place instead of the value. */
export function checkedSetting(
  option: 'accessKey' | 'secretKey' | 'securityToken' | 'regionName' | 'endpointUrl',
  raw: unknown,
  place: string,
): string | undefined {
  if (raw === undefined) return undefined
  try {
    return s3Settings[option].parse(raw) ?? undefined
  } catch (error) {
    throw new ImproperlyConfigured(`${place}: ${messageOf(error)}.`)
  }
}

/** Keys from `place`, checked like keys in the settings. */
export function checkedKeys<C extends SigningCredentials>(keys: C, place: string): C {
  const checked = Object.entries(NAMES).map(([name, option]) => [
    name,
    checkedSetting(option, keys[name as keyof typeof NAMES], `${place}: ${name}`),
  ])
  return { ...keys, ...Object.fromEntries(checked) }
}
