import { nodeNet } from '../../core/builtin.ts'
import { trimTrailingSlashes } from '../../core/names.ts'
import type { FoundEntry } from './entry.ts'
import type { ProviderType } from './types.ts'

/** The address of an entry's requests, from the entry and its type. */
export interface Place {
  readonly secure: boolean
  readonly region: string | null
  /** Without its port, an IPv6 address in brackets; null if the backend knows the host. */
  readonly host: string | null
  readonly port: number | null
  /** `https://host:port/path`; null if the backend knows the host. */
  readonly url: string | null
}

/** Backends with their own host, for which the port can be changed. */
const KNOW_THEIR_HOST: ReadonlySet<ProviderType['store']> = new Set(['atmos', 'ninefold', 'nimbus', 'local'])

/** Finds the place of an entry. Throws an `Error` with the key for a missing region or host, or one that its type does not have. */
export function placeOf({ entry, given }: FoundEntry, type: ProviderType): Place {
  const secure = entry.secure ?? !/^http:/i.test(entry.authUrl ?? entry.storageUrl ?? '')
  const region = entry.region ?? type.region ?? null
  if (type.isOneRegion && entry.host === null && region?.toLowerCase() !== type.region?.toLowerCase()) {
    throw new Error(`region: ${type.tag} is in ${type.region}, not in '${region}'`)
  }
  if (type.needs === 'region' && entry.region === null && entry.host === null) {
    throw new Error(`region must be set for ${type.tag}: it is in the bucket's endpoint`)
  }
  const own = type.host?.includes('{region}') ? hostOf(type, region ?? '') : (type.host ?? null)
  if (type.needs === 'host' && entry.host === null) throw new Error(`host must be set for ${type.tag}`)
  checkIdentity(entry)
  if (entry.host === null && own === null) {
    const lone = given.has('port') && !KNOW_THEIR_HOST.has(type.store) ? 'port' : undefined
    const useless = lone ?? (given.has('path') && type.store === 's3' ? 'path' : undefined)
    if (useless !== undefined) throw new Error(`${useless}: it has no effect without a host`)
  }
  if (type.needs === 'authUrl' && entry.host === null && entry.authUrl === null && entry.storageUrl === null) {
    throw new Error(`authUrl must be set for ${type.tag}: where the identity service is`)
  }
  const named = entry.host ?? own
  if (named === null) return { secure, region, host: null, port: entry.port, url: null }
  const { host, port } = withPort(named, entry.port)
  const full = port === null ? host : `${host}:${port}`
  const path = given.has('path') && type.store !== 'local' ? urlPath(entry.path ?? '') : ''
  return { secure, region, host, port, url: `${secure ? 'https' : 'http'}://${full}${path}` }
}

/** Refuses keys that contradict the address of the identity service, or would have no effect with it. */
function checkIdentity({ authUrl, host, port, secure }: FoundEntry['entry']): void {
  if (authUrl === null) return
  if (host !== null) throw new Error('host: it has no effect beside authUrl')
  if (port !== null) throw new Error('port: it has no effect beside authUrl, which may have a port')
  if (secure === true && /^http:/i.test(authUrl)) throw new Error('secure: it is true, but authUrl begins with http:')
}

function urlPath(path: string): string {
  if (/[^!-~]|[?#%\\]/.test(path)) throw new Error('path: expected a path without blanks, ?, # and %')
  const inner = trimTrailingSlashes(path.replace(/^\/+/, ''))
  return inner === '' ? '' : `/${inner}`
}

function hostOf({ tag, host = '', regions }: ProviderType, region: string): string | null {
  if (regions !== undefined && !regions.includes(region)) {
    if (tag === 'OVH') return `s3.${label(region)}.io.cloud.ovh.net`
    throw new Error(`region: ${tag} has ${regions.join(', ')}, not '${region}'`)
  }
  return host.replace('{region}', () => label(region))
}

function label(region: string): string {
  if (/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(region)) return region.toLowerCase()
  throw new Error(`region: expected a part of a host's name, got '${region}'`)
}

function withPort(given: string, asked: number | null): { readonly host: string; readonly port: number | null } {
  const bare = nodeNet().isIPv6(given) && !given.includes('%') ? `[${given}]` : given
  const [, host = '', named] = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d+))?$/.exec(bare) ?? []
  const isAddress = host.startsWith('[') && nodeNet().isIPv6(host.slice(1, -1))
  if (!isAddress && !/^(?:[A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+\.?$/.test(host)) {
    throw new Error("host: expected the name of a host, without a scheme and a path: 'storage.example.com'")
  }
  const port = named === undefined ? asked : Number(named)
  if (port !== null && (port < 1 || port > 65_535)) {
    throw new Error(`${named === undefined ? 'port' : 'host'}: expected a port from 1 to 65535, got ${port}`)
  }
  if (asked !== null && port !== asked) throw new Error(`port: ${asked} is not that of the host`)
  return { host, port }
}
