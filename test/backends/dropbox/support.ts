import { DropboxDriver, type DropboxDriverOptions } from '../../../src/backends/dropbox/driver.ts'
import { type DropboxOptions, DropboxStorage } from '../../../src/backends/dropbox/index.ts'
import type { Driver } from '../../../src/core/driver.ts'
import type { Input } from '../../../src/core/settings.ts'
import { NodeClient } from '../../../src/http/node-client.ts'
import type { Services } from '../../../src/storage/types.ts'
import type { StrictDropbox } from '../../servers/strict-dropbox.ts'

export const MIB_4: number = 4 * 1024 * 1024
/** Bytes of a part where the server would not mind. */
export const KIB_64: number = 64 * 1024

/** A storage that reads no settings and no environment but those that are given. */
export function storageWith(options: Input<DropboxOptions>, services: Services = {}): DropboxStorage {
  return new DropboxStorage(options, { settings: {}, env: {}, ...services })
}

/** The hosts of a server, or of what stands before it. */
export function hostsAt(url: string): { readonly apiUrl: string; readonly contentUrl: string } {
  return { apiUrl: `${url}/api`, contentUrl: `${url}/content` }
}

/** Options of a storage at a server, with an access token. */
export function at(server: StrictDropbox): Input<DropboxOptions> {
  return { ...hostsAt(server.url), oauth2AccessToken: server.token(), maxAttempts: 3 }
}

/** Options of a storage at a server that gets its tokens by the refresh token. */
export function renewing({ url, tokens }: StrictDropbox): Input<DropboxOptions> {
  const { appKey, appSecret, refreshToken } = tokens
  return { ...hostsAt(url), oauth2RefreshToken: refreshToken, appKey, appSecret, maxAttempts: 3 }
}

/** A driver for a test server, with small parts. */
export function driverFor(server: StrictDropbox, more: Partial<DropboxDriverOptions> = {}): DropboxDriver {
  return new DropboxDriver({
    ...hostsAt(server.url),
    oauth2AccessToken: server.token(),
    oauth2RefreshToken: null,
    appKey: null,
    appSecret: null,
    teamRoot: false,
    writeMode: 'add',
    rootPath: '',
    multipartThreshold: KIB_64,
    partSize: KIB_64,
    httpClient: new NodeClient(),
    ...more,
  })
}

/** A storage at a server whose files go in parts of 64 KiB: whoever sets parts of their own has whole blocks of 4 MiB. */
export function smallParts(
  server: StrictDropbox,
  options: Input<DropboxOptions> = {},
  more: Partial<DropboxDriverOptions> = {},
): DropboxStorage {
  return storageWith({ ...at(server), ...options }, { driver: driverFor(server, more) })
}

/** Closes a driver and empties the server. */
export function emptied(server: StrictDropbox): (driver: Driver) => Promise<void> {
  return async driver => {
    await driver.close?.()
    server.clear()
  }
}
