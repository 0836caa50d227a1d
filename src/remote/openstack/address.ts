import { ImproperlyConfigured } from '../../core/errors.ts'
import { serviceEndpoint } from '../endpoint.ts'
import type { AuthVersion } from './auth-version.ts'

/** The address that issues tokens. */
export interface AuthAddress {
  readonly version: AuthVersion
  readonly url: string
}

/** The version in a path, and what may follow it: `/identity/v3/auth/tokens`, `/v2.0/tokens`, `/auth/v1.0`. */
const VERSIONED = /^(.*?)\/(?:v([123])(\.\d+)?)(\/auth\/tokens|\/tokens|\/auth)?$/
/** An address of version 1 without a `v`, as RGW uses. */
const BARE_V1 = /\/auth\/1(?:\.0)?$/

/**
 * The token address in a setting, with or without a path, and its version: the wanted version, else the one in the path, else `implied`.
 * Code `improperly_configured`, with the name of the setting, if it is not an http or https URL, or if the version is unknown.
 */
export function authAddress(
  text: string,
  names: { readonly authUrl: string; readonly authVersion: string },
  wanted: AuthVersion | undefined,
  implied: AuthVersion | undefined,
): AuthAddress {
  const { scheme, host, path } = serviceEndpoint(text, names.authUrl)
  const [, before, digit, minor] = VERSIONED.exec(path) ?? []
  const version = wanted ?? versionOf(digit, minor) ?? (BARE_V1.test(path) ? 1 : implied)
  if (version === undefined) {
    throw new ImproperlyConfigured(
      `${names.authVersion} is missing: ${names.authUrl} does not contain the version of the identity API (1, 2 or 3).`,
    )
  }
  const base = `${scheme}://${host}${before ?? path}`
  return { version, url: addressOf(version, base, `${scheme}://${host}`, path) }
}

function addressOf(version: AuthVersion, base: string, origin: string, path: string): string {
  if (version === 3) return `${base}/v3/auth/tokens`
  if (version === 2) return `${base}/v2.0/tokens`
  if (version === 1.1) return `${base}/v1.1/auth`
  // A path of version 1 is the address itself: servers call it /auth/v1.0, /auth/v1, /v1.0, /auth/1.0.
  if (path === '' || path === '/auth') return `${origin}/auth/v1.0`
  return `${origin}${path}`
}

function versionOf(digit: string | undefined, minor: string | undefined): AuthVersion | undefined {
  if (digit === undefined) return undefined
  if (digit === '1') return minor === '.1' ? 1.1 : 1
  return digit === '2' ? 2 : 3
}
