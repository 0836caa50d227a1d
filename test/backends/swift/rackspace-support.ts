import { type RackspaceOptions, RackspaceStorage } from '../../../src/backends/swift/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import type { Services } from '../../../src/storage/types.ts'
import { RACKSPACE, type StrictSwift } from '../../servers/strict-swift.ts'

/** Options by any of their names. */
export type RackspaceInput = Input<RackspaceOptions> & Readonly<Record<string, unknown>>

/** A storage that reads no settings and no environment but those that are given. */
export function rackspaceWith(options: RackspaceInput, services: Services = {}): RackspaceStorage {
  return new RackspaceStorage(options as Input<RackspaceOptions>, { settings: {}, env: {}, ...services })
}

/** A storage at a server, for the container `media`. */
export function rackspaceAt(server: StrictSwift, options: RackspaceInput = {}): RackspaceStorage {
  const { username, apiKey } = RACKSPACE
  const own = { authUrl: `${server.url}/v2.0`, userName: username, apiKey, container: 'media', maxAttempts: 3 }
  return rackspaceWith({ ...own, ...options })
}

/** The account of a region. */
export function accountOf(region: 'ORD' | 'DFW' | 'LON'): string {
  return region === 'ORD' ? RACKSPACE.account : `${RACKSPACE.account}.${region}`
}
