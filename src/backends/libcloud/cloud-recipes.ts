import { AzureStorage } from '../azure/index.ts'
import { GcsStorage } from '../gcs/index.ts'
import { bucketAddress } from '../s3/addressing.ts'
import { S3Storage } from '../s3/index.ts'
import type { ProviderEntry } from './entry-settings.ts'
import { type Recipe, URL_SECS } from './recipe.ts'

/** Amazon S3, and services with the same protocol. */
export const s3: Recipe = {
  storage: S3Storage,
  takes: ['region', 'host', 'port', 'path', 'token', 'signatureVersion', 'querystringAuth'],
  names: {
    bucketName: 'bucket',
    accessKey: 'user',
    secretKey: 'key',
    securityToken: 'token',
    regionName: 'region',
    endpointUrl: 'host',
  },
  options({ entry, type, place }) {
    if (type.service === 'backblaze' && /^[0-9a-f]{12}$/.test(entry.user ?? '')) {
      throw new Error(
        "user: B2's S3 API, which BACKBLAZE_B2 is reached by, takes no master key; make an application key",
      )
    }
    const { signatureVersion = null } = type
    // Refuses a bad name at once, not at the first request.
    bucketAddress({ bucketName: entry.bucket ?? '', regionName: place.region, endpointUrl: place.url })
    return {
      accessKey: entry.user,
      secretKey: entry.key,
      securityToken: entry.token,
      bucketName: entry.bucket,
      regionName: place.region,
      endpointUrl: place.url,
      // Another host may not be Amazon's.
      provider: type.service === 'aws' && entry.host !== null ? null : (type.service ?? null),
      useSsl: place.secure,
      // The addressing of libcloud for all services. A host that is an IP address, or has no bucket names in DNS, requires it.
      addressingStyle: 'path',
      signatureVersion: (entry.signatureVersion ?? signatureVersion) === '2' ? 's3' : 's3v4',
      querystringAuth: entry.querystringAuth ?? true,
      querystringExpire: URL_SECS,
    }
  },
}

/** Google Cloud Storage, with an HMAC key or a service account. */
export const gcs: Recipe = {
  storage: GcsStorage,
  takes: ['project', 'host', 'port', 'signatureVersion', 'querystringAuth'],
  names: { bucketName: 'bucket', hmacKeyId: 'user', hmacSecret: 'key', credentials: 'key', projectId: 'project' },
  options({ entry, place }) {
    return {
      ...googleCredentials(entry),
      bucketName: entry.bucket,
      projectId: entry.project,
      endpointUrl: place.url ?? (place.secure ? null : 'http://storage.googleapis.com'),
      // As in libcloud: plain URLs, which work for public buckets.
      querystringAuth: entry.querystringAuth ?? false,
      expiration: URL_SECS,
    }
  },
}

/** A service account with its e-mail and its key: a PEM, or Google's JSON file. Anything else is an HMAC key. */
function googleCredentials({ user, key, signatureVersion }: ProviderEntry): Readonly<Record<string, unknown>> {
  if (!user?.endsWith('.gserviceaccount.com')) {
    return { hmacKeyId: user, hmacSecret: key, hmacSignature: signatureVersion === '2' ? 'GOOG1' : 'GOOG4' }
  }
  if (!key?.startsWith('-----BEGIN ')) return { credentials: key }
  const uri = 'https://oauth2.googleapis.com/token'
  return { credentials: { type: 'service_account', client_email: user, private_key: key, token_uri: uri } }
}

const AZURE_CLOUDS = /(?:^|\.)blob\.(core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net))$/i

/** Azure Blob Storage. */
export const azure: Recipe = {
  storage: AzureStorage,
  takes: ['host', 'port', 'querystringAuth'],
  names: { azureContainer: 'bucket', accountName: 'user', accountKey: 'key', endpointUrl: 'host' },
  options({ entry, place }) {
    const suffix = AZURE_CLOUDS.exec(entry.host ?? '')?.[1]
    return {
      accountName: entry.user,
      accountKey: entry.key,
      azureContainer: entry.bucket,
      azureSsl: place.secure,
      // Any other host is an emulator or an appliance, which have the account in the path.
      ...(suffix === undefined
        ? { endpointUrl: place.url === null ? null : `${place.url}/${entry.user}` }
        : { endpointSuffix: suffix }),
      expirationSecs: (entry.querystringAuth ?? true) ? URL_SECS : null,
    }
  },
}
