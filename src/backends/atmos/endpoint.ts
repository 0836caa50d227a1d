import { ImproperlyConfigured } from '../../core/errors.ts'
import { trimTrailingSlashes } from '../../core/names.ts'
import { serviceEndpoint } from '../../remote/endpoint.ts'

/** The options for the address of a service. */
export interface EndpointOptions {
  readonly host: string
  readonly port: number | null
  readonly secure: boolean
  readonly path: string
  readonly signPath: boolean
}

/** The address of a service. */
export interface AtmosEndpoint {
  /** Scheme, host and port. */
  readonly origin: string
  /** The path before `/rest`; '' or a path without a slash at its end. */
  readonly path: string
  /** Whether the signature covers the path. */
  readonly signPath: boolean
}

/** The endpoint of the options. Code `improperly_configured`, with the name of the setting, for an invalid host. */
export function atmosEndpoint({ host, port, secure, path, signPath }: EndpointOptions, setting: string): AtmosEndpoint {
  if (host === '') throw new ImproperlyConfigured(`${setting} is missing: the host of the service.`)
  const found = serviceEndpoint(host, setting, { useSsl: secure })
  const url = new URL(`${found.scheme}://${found.host}`)
  if (port !== null) url.port = String(port)
  // A host that was copied from a URL may already have the path.
  return { origin: url.origin, path: found.path.endsWith(path) ? found.path : `${found.path}${path}`, signPath }
}

/** Parses the path of a setting: '', or a path with a slash before it and none at its end. */
export function parsePath(raw: unknown): string {
  if (typeof raw !== 'string') throw new Error('expected text')
  const path = trimTrailingSlashes(raw.trim())
  if (path === '') return ''
  const isPath = /^\/?[\w.~-]+(?:\/[\w.~-]+)*$/.test(path)
  if (isPath && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(path)) return path.startsWith('/') ? path : `/${path}`
  throw new Error('expected a path of letters, digits and the signs . _ ~ - /')
}
