import { GcsCredentials } from '../../../src/backends/gcs/credentials/credentials.ts'
import type { GivenCredentials } from '../../../src/backends/gcs/credentials/given.ts'
import { GcsDriver, type GcsDriverOptions } from '../../../src/backends/gcs/driver.ts'
import { gcsEndpoint } from '../../../src/backends/gcs/endpoint.ts'
import { type GcsOptions, GcsStorage } from '../../../src/backends/gcs/index.ts'
import type { Driver } from '../../../src/core/driver.ts'
import type { Input } from '../../../src/core/settings.ts'
import { NodeClient } from '../../../src/http/node-client.ts'
import type { Services } from '../../../src/storage/types.ts'
import type { HmacKey, StrictGcs } from '../../servers/strict-gcs.ts'

export const KIB_256 = 256 * 1024

/** A storage that reads no settings and no environment but those that are given. */
export function storageWith(options: Input<GcsOptions>, services: Services = {}): GcsStorage {
  return new GcsStorage({ bucketName: 'media', ...options }, { settings: {}, env: {}, ...services })
}

/** Options of a storage at a server, with the key file of its first account. */
export function at(server: StrictGcs): Input<GcsOptions> {
  return { endpointUrl: server.url, credentials: server.keyFile(), maxAttempts: 3 }
}

/** What differs from a driver with the key file of the server's first account. */
export interface DriverChange extends Partial<Omit<GcsDriverOptions, 'credentials'>> {
  readonly given?: GivenCredentials
}

/** A driver for a bucket of a test server, with small parts. */
export function driverFor(server: StrictGcs, { given = server.keyFile(), ...more }: DriverChange = {}): GcsDriver {
  const httpClient = more.httpClient ?? new NodeClient()
  return new GcsDriver({
    bucketName: 'media',
    endpoint: gcsEndpoint(server.url, undefined),
    credentials: new GcsCredentials(given, {}, httpClient),
    projectId: null,
    customEndpoint: null,
    autoCreateBucket: false,
    autoCreateAcl: 'projectPrivate',
    iamSignBlob: false,
    saEmail: null,
    multipartThreshold: 4 * KIB_256,
    partSize: 4 * KIB_256,
    ...more,
    httpClient,
  })
}

/** The server's HMAC key as an option. */
export function hmacKey(
  { hmac }: StrictGcs,
  version: 'GOOG4' | 'GOOG1',
): { readonly hmacKey: NonNullable<GcsDriverOptions['hmacKey']> } {
  const { accessId, secret }: HmacKey = hmac
  return { hmacKey: { accessKeyId: accessId, secretAccessKey: secret, version } }
}

/** Closes a driver and empties the bucket. */
export function emptied(server: StrictGcs): (driver: Driver) => Promise<void> {
  return async driver => {
    await driver.close?.()
    server.bucket().objects.clear()
  }
}
