import { nodeNet } from '../../core/builtin.ts'
import { trimTrailingSlashes } from '../../core/names.ts'
import type { FoundEntry } from './entry.ts'
import type { ProviderType } from './types.ts'

/** Where requests of an entry go, as far as the entry and its type say. */
export interface Place {
  readonly secure: boolean
  readonly region: string | null
  /** With its port, where it has one; null where the backend knows the host. */
  readonly host: string | null
  /** `https://host:port/path`; null where the backend knows the host. */
  readonly url: string | null
}

/** Finds the place of an entry. Throws an `Error` that names the key for a region or a host that its type does not have, and for one that is missing. */
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
  const asksPort = given.has('port') && ['s3', 'gcs', 'azure'].includes(type.store)
  if (asksPort && entry.host === null && own === null) throw new Error('port: it has no effect without a host')
  if (type.needs === 'authUrl' && entry.host === null && entry.authUrl === null && entry.storageUrl === null) {
    throw new Error(`authUrl must be set for ${type.tag}: where the identity service is`)
  }
  const host = entry.host ?? own
  if (host === null) return { secure, region, host, url: null }
  const full = withPort(host, entry.port)
  const path = given.has('path') ? `/${trimTrailingSlashes(entry.path!.replace(/^\/+/, ''))}` : ''
  return { secure, region, host: full, url: `${secure ? 'https' : 'http'}://${full}${path}` }
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

function withPort(host: string, port: number | null): string {
  const bare = nodeNet().isIPv6(host) ? `[${host}]` : host
  const found = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(bare)
  if (found === null)
    throw new Error("host: expected the name of a host, without a scheme and a path: 'storage.example.com'")
  const [, named] = found
  if (port === null) return bare
  if (named !== undefined && Number(named) !== port) throw new Error(`port: ${port} is not that of the host`)
  return named === undefined ? `${bare}:${port}` : bare
}
