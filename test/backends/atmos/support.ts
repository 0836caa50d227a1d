import { AtmosDriver, type AtmosDriverOptions } from '../../../src/backends/atmos/driver.ts'
import { AtmosKey, type AtmosOptions, AtmosStorage, NinefoldStorage } from '../../../src/backends/atmos/index.ts'
import type { Driver } from '../../../src/core/driver.ts'
import type { Input } from '../../../src/core/settings.ts'
import { NodeClient } from '../../../src/http/node-client.ts'
import type { Services } from '../../../src/storage/types.ts'
import type { StrictAtmos } from '../../servers/strict-atmos.ts'

/** Bytes of a part where the setting would not allow so few. */
export const KIB_64: number = 64 * 1024
export const CONTAINER = 'media'

/** A storage that reads no settings and no environment but those that are given. */
export function storageWith(options: Input<AtmosOptions>, services: Services = {}): AtmosStorage {
  return new AtmosStorage(options, { settings: {}, env: {}, ...services })
}

/** The same of Ninefold, whose path is its default. */
export function ninefoldWith(options: Input<AtmosOptions>, services: Services = {}): NinefoldStorage {
  return new NinefoldStorage(options, { settings: {}, env: {}, ...services })
}

/** Options of a storage at a server, or at what stands before it. */
export function at({ credentials, url }: Pick<StrictAtmos, 'credentials' | 'url'>): Input<AtmosOptions> {
  return { host: url, user: credentials.uid, key: credentials.secret, container: CONTAINER, maxAttempts: 3 }
}

/** A driver for a test server, with small parts. */
export function driverFor(
  { credentials, url }: Pick<StrictAtmos, 'credentials' | 'url'>,
  more: Partial<AtmosDriverOptions> & { readonly path?: string } = {},
): AtmosDriver {
  const { path = '', ...rest } = more
  return new AtmosDriver({
    endpoint: { origin: url, path, signPath: false },
    key: new AtmosKey(credentials.uid, credentials.secret),
    secret: credentials.secret,
    container: CONTAINER,
    partSize: KIB_64,
    checksums: true,
    httpClient: new NodeClient(),
    ...rest,
  })
}

/** A storage at a server whose files go in parts of 64 KiB. */
export function smallParts(
  server: Pick<StrictAtmos, 'credentials' | 'url'>,
  options: Input<AtmosOptions> = {},
  more: Partial<AtmosDriverOptions> = {},
): AtmosStorage {
  return storageWith({ ...at(server), ...options }, { driver: driverFor(server, more) })
}

/** Closes a driver and empties the server. */
export function emptied(server: StrictAtmos): (driver: Driver) => Promise<void> {
  return async driver => {
    await driver.close?.()
    server.tree.clear()
  }
}
