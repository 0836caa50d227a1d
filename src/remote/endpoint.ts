import { ImproperlyConfigured } from '../core/errors.ts'
import { trimTrailingSlashes } from '../core/names.ts'

/** The address of a service. */
export interface ServiceEndpoint {
  readonly scheme: 'http' | 'https'
  /** With the port, unless it is the default of the scheme. */
  readonly host: string
  readonly hostName: string
  /** Without a trailing slash. */
  readonly path: string
}

/**
 * Parses the endpoint in a setting: a URL, or a host with or without a port and a path. Code `improperly_configured`, with the name of the
 * setting, for any other text, and for an endpoint with a user, a password, a query or a fragment.
 */
export function serviceEndpoint(
  text: string,
  setting: string,
  { useSsl = true }: { readonly useSsl?: boolean | undefined } = {},
): ServiceEndpoint {
  const full = text.includes('://') ? text : `${useSsl ? 'https' : 'http'}://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new ImproperlyConfigured(`${setting} must be an http or https URL, as in https://s3.example.com`)
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new ImproperlyConfigured(`${setting} takes no user, password, query or fragment`)
  }
  const scheme = url.protocol === 'https:' ? 'https' : 'http'
  return { scheme, host: url.host, hostName: url.hostname, path: trimTrailingSlashes(url.pathname) }
}
