import type { SwiftDriver } from '../../../src/backends/swift/driver.ts'
import { type SwiftDriverOptions, type SwiftOptions, SwiftStorage } from '../../../src/backends/swift/index.ts'
import type { Driver } from '../../../src/core/driver.ts'
import type { Input } from '../../../src/core/settings.ts'
import type { Services } from '../../../src/storage/types.ts'
import { plainContext } from '../../../src/testing/index.ts'
import { PROJECT, type StrictSwift, TEMPAUTH, USER } from '../../servers/strict-swift.ts'

export const KIB = 1024
/** Bytes of a segment in tests. */
export const PART: number = 64 * KIB

/** A storage that reads no settings and no environment but those that are given. */
export function storageWith(options: Input<SwiftOptions>, services: Services = {}): SwiftStorage {
  return new SwiftStorage({ containerName: 'media', ...options }, { settings: {}, env: {}, ...services })
}

/** Options of a storage at a server, with a user of auth v1. */
export function at(server: StrictSwift): Input<SwiftOptions> {
  return { authUrl: server.authUrl, username: TEMPAUTH.user, password: TEMPAUTH.key, maxAttempts: 3 }
}

/** The same with a user of Keystone. */
export function keystone(server: StrictSwift, version: 2 | 3): Input<SwiftOptions> {
  const { name: username, password } = USER
  const { name: projectName } = PROJECT
  return { authUrl: `${server.identityUrl}/v${version === 2 ? '2.0' : '3'}`, username, password, projectName }
}

/** Small parts, so that small files are large ones. */
export const SMALL_PARTS: Input<SwiftOptions> = { multipartThreshold: PART, partSize: PART }

/** A storage that does not wait long for what was given up: such requests arrive at once here, or never. */
class Hasty extends SwiftStorage {
  protected override driverOptions(options: Readonly<SwiftOptions>, services: Services): SwiftDriverOptions {
    return { ...super.driverOptions(options, services), lateMs: 20 }
  }
}

/** As `storageWith`, for tests in which uploads in parts fail. */
export function hastyStorage(options: Input<SwiftOptions>, services: Services = {}): SwiftStorage {
  return new Hasty({ containerName: 'media', ...options }, { settings: {}, env: {}, ...services })
}

/** The driver of a storage at a server, with small parts. */
export function driverFor(
  server: StrictSwift,
  options: Input<SwiftOptions> = {},
  services: Services = {},
): SwiftDriver {
  const all = { containerName: 'media', ...at(server), ...SMALL_PARTS, ...options }
  return new Hasty(all, { settings: {}, env: {}, ...services }).calls.driver as SwiftDriver
}

/** Closes a driver and empties the containers behind it. */
export function emptied(server: StrictSwift): (driver: Driver) => Promise<void> {
  return async driver => {
    await driver.close?.()
    clear(server)
  }
}

/** Removes all objects of a container and its segments. */
export function clear(server: StrictSwift, account?: string): void {
  const { containers } = server.account(account)
  for (const name of ['media', 'media_segments']) containers.get(name)?.objects.clear()
}

export const ctx = plainContext
