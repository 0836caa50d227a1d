import { RackspaceStorage, SwiftStorage } from '../swift/index.ts'
import type { ProviderEntry } from './entry-settings.ts'
import { type Recipe, URL_SECS } from './recipe.ts'

/** Keys that Swift and Rackspace have in common. */
const CATALOG: readonly (keyof ProviderEntry)[] = [
  ...(['region', 'host', 'port', 'authUrl', 'authVersion', 'storageUrl', 'token'] as const),
  ...(['interface', 'useInternalUrl', 'tempUrlKey', 'querystringAuth'] as const),
]

/** OpenStack Swift. */
export const swift: Recipe = {
  storage: SwiftStorage,
  takes: [...CATALOG, 'tenant', 'domain', 'tenantDomain', 'serviceType', 'serviceName'],
  names: {
    containerName: 'bucket',
    username: 'user',
    password: 'key',
    applicationCredentialId: 'user',
    applicationCredentialSecret: 'key',
    authUrl: 'authUrl',
    authVersion: 'authVersion',
    storageUrl: 'storageUrl',
    projectName: 'tenant',
    userDomainName: 'domain',
    projectDomainId: 'tenantDomain',
    regionName: 'region',
    interface: 'interface',
    serviceType: 'serviceType',
    serviceName: 'serviceName',
    tempUrlKey: 'tempUrlKey',
    token: 'token',
  },
  options({ entry, type, place }) {
    const { user, key, authVersion = null } = entry
    const isApplication = /appcred|application/i.test(authVersion ?? '')
    return {
      ...(isApplication
        ? { applicationCredentialId: user, applicationCredentialSecret: key }
        : { username: user, password: key }),
      authUrl: withScheme(entry.authUrl ?? place.url ?? type.authUrl ?? null, place.secure),
      authVersion: authVersion ?? type.authVersion ?? null,
      storageUrl: withScheme(entry.storageUrl, place.secure),
      token: entry.token,
      projectName: entry.tenant,
      userDomainName: entry.domain,
      projectDomainId: entry.tenantDomain,
      regionName: entry.region,
      interface: interfaceOf(entry),
      ...(entry.serviceType !== null && { serviceType: entry.serviceType }),
      serviceName: entry.serviceName,
      containerName: entry.bucket,
      tempUrlKey: entry.tempUrlKey,
      useTempUrls: entry.querystringAuth,
      tempUrlDuration: URL_SECS,
    }
  },
}

/** Rackspace Cloud Files. */
export const rackspace: Recipe = {
  ...swift,
  storage: RackspaceStorage,
  takes: CATALOG,
  options({ entry, type, place }) {
    const { user, key, authVersion, querystringAuth } = entry
    const region = place.region?.toUpperCase() ?? null
    const isPassword = /password/i.test(authVersion ?? '')
    return {
      username: user,
      password: key,
      ...(isPassword && { authType: 'password' }),
      authUrl: withScheme(entry.authUrl ?? place.url ?? type.authUrl ?? (region === 'LON' ? 'uk' : null), place.secure),
      authVersion,
      storageUrl: withScheme(entry.storageUrl, place.secure),
      token: entry.token,
      regionName: region,
      interface: interfaceOf(entry),
      containerName: entry.bucket,
      tempUrlKey: entry.tempUrlKey,
      tempUrlDuration: URL_SECS,
      useTempUrls: querystringAuth,
      cdn: querystringAuth !== true,
    }
  },
}

function interfaceOf(entry: ProviderEntry): 'public' | 'internal' | 'admin' {
  return entry.interface ?? (entry.useInternalUrl ? 'internal' : 'public')
}

/** Adds a scheme to an address; the name of a known service (`uk`) does not change. */
function withScheme(url: string | null, secure: boolean): string | null {
  return url === null || url === 'uk' || url.includes('://') ? url : `${secure ? 'https' : 'http'}://${url}`
}
