/** Service catalogs: which services there are, in which regions, at which URLs. */
import { createHash } from 'node:crypto'
import type { ServerState } from './context.ts'
import { accountIn, PROJECT, RACKSPACE } from './estate.ts'

/** One service in one region. */
export interface Endpoint {
  readonly region: string
  readonly publicUrl: string
  /** By another name of this machine, so that the Host header shows which was used. */
  readonly internalUrl: string
  /** What v2 calls the tenant: an account's name at Rackspace. */
  readonly tenantId: string
}

/** One service. */
export interface Service {
  readonly type: string
  readonly name: string
  readonly endpoints: readonly Endpoint[]
  /** Whether there is no internal URL. */
  readonly isPublicOnly: boolean
}

/** The same place by the name that stands for the internal network. */
function internal(url: string): string {
  return url.replace('//127.0.0.1', '//localhost')
}

function storage(state: ServerState, base: string, regions: readonly string[], path: string): Endpoint[] {
  return regions.map(region => {
    const tenantId = accountIn(base, regions, region)
    const publicUrl = `${state.running.url}${path}/${tenantId}`
    return { region, publicUrl, internalUrl: internal(publicUrl), tenantId }
  })
}

/** The name of the storage account of Keystone's project. */
export function projectAccount(): string {
  return `AUTH_${PROJECT.id}`
}

/** Keystone's services. */
export function keystoneCatalog(state: ServerState): Service[] {
  const { regions, running, options } = state
  const plain = (path: string): Endpoint[] =>
    regions.map(region => {
      const publicUrl = `${running.url}${path}`
      return { region, publicUrl, internalUrl: internal(publicUrl), tenantId: PROJECT.id }
    })
  return [
    { type: 'identity', name: 'keystone', endpoints: plain('/v3'), isPublicOnly: false },
    { type: 's3', name: 's3', endpoints: plain('/s3'), isPublicOnly: false },
    {
      type: 'object-store',
      name: options.serviceName ?? 'swift',
      endpoints: storage(state, projectAccount(), regions, '/v1'),
      isPublicOnly: false,
    },
    { type: 'compute', name: 'nova', endpoints: plain('/compute'), isPublicOnly: false },
  ]
}

/** Rackspace's services. */
export function rackspaceCatalog(state: ServerState): Service[] {
  const { rackspaceRegions: regions } = state
  return [
    {
      type: 'object-store',
      name: 'cloudFiles',
      endpoints: storage(state, RACKSPACE.account, regions, '/v1'),
      isPublicOnly: false,
    },
    {
      type: 'rax:object-cdn',
      name: 'cloudFilesCDN',
      endpoints: storage(state, RACKSPACE.account, regions, '/cdn/v1'),
      isPublicOnly: true,
    },
  ]
}

/** The storage accounts of a catalog. */
export function accountsOf(services: readonly Service[]): string[] {
  return [
    ...new Set(
      services.filter(({ type }) => type === 'object-store').flatMap(one => one.endpoints.map(each => each.tenantId)),
    ),
  ]
}

function idOf(text: string): string {
  return createHash('md5').update(text).digest('hex')
}

/** A catalog as v2 writes it. */
export function catalogV2(services: readonly Service[]): object[] {
  return services.map(({ type, name, endpoints, isPublicOnly }) => ({
    type,
    name,
    endpoints_links: [],
    endpoints: endpoints.map(({ region, publicUrl, internalUrl, tenantId }) => ({
      region,
      tenantId,
      publicURL: publicUrl,
      ...(isPublicOnly ? {} : { internalURL: internalUrl, adminURL: internalUrl }),
      id: idOf(publicUrl),
    })),
  }))
}

/** A catalog as v3 writes it. */
export function catalogV3(services: readonly Service[]): object[] {
  return services.map(({ type, name, endpoints }) => ({
    type,
    name,
    id: idOf(type + name),
    endpoints: endpoints.flatMap(({ region, publicUrl, internalUrl }) =>
      (['admin', 'internal', 'public'] as const).map(kind => ({
        id: idOf(kind + publicUrl),
        interface: kind,
        region,
        region_id: region,
        url: kind === 'public' ? publicUrl : internalUrl,
      })),
    ),
  }))
}
