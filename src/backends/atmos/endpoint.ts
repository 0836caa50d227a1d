import { ImproperlyConfigured } from '../../core/errors.ts'
import { trimTrailingSlashes } from '../../core/names.ts'
import { serviceEndpoint } from '../../remote/endpoint.ts'

/** Where a service is, as the options say it. */
export interface EndpointOptions {
  readonly host: string
  readonly port: number | null
  readonly secure: boolean
  readonly path: string
  readonly signPath: boolean
}

/** Where a service is. */
export interface AtmosEndpoint {
  /** Scheme, host and port. */
  readonly origin: string
  /** What stands before `/rest`; '' or a path without a slash at its end. */
  readonly path: string
  /** Whether the path is part of what is signed. */
  readonly signPath: boolean
}

/** The endpoint of the options; `improperly_configured`, with the name of the setting, where the host is none. */
export function atmosEndpoint({ host, port, secure, path, signPath }: EndpointOptions, setting: string): AtmosEndpoint {
  if (host === '') throw new ImproperlyConfigured(`${setting} is missing: the host of the service.`)
  const found = serviceEndpoint(host, setting, { useSsl: secure })
  const url = new URL(`${found.scheme}://${found.host}`)
  if (port !== null) url.port = String(port)
  // A host that was copied from a URL may have the path already.
  return { origin: url.origin, path: found.path.endsWith(path) ? found.path : `${found.path}${path}`, signPath }
}

/** A path of a setting: '' or one with a slash before it and none at its end. */
export function parsePath(raw: unknown): string {
  if (typeof raw !== 'string') throw new Error('expected text')
  const path = trimTrailingSlashes(raw.trim())
  if (path === '') return ''
  const isPath = /^\/?[\w.~-]+(?:\/[\w.~-]+)*$/.test(path)
  if (isPath && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(path)) return path.startsWith('/') ? path : `/${path}`
  throw new Error('expected a path of letters, digits and the signs . _ ~ - /')
}
