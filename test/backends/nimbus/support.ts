import {
  NimbusDriver,
  type NimbusDriverOptions,
  type NimbusOptions,
  NimbusStorage,
} from '../../../src/backends/nimbus/index.ts'
import type { Driver } from '../../../src/core/driver.ts'
import type { Input } from '../../../src/core/settings.ts'
import { NodeClient } from '../../../src/http/node-client.ts'
import type { Services } from '../../../src/storage/types.ts'
import type { StrictNimbus } from '../../servers/strict-nimbus.ts'
import { type Asked, type Scripted, scriptedClient } from '../../support/scripted-client.ts'

/** Who signs in these tests. */
export const ACCOUNT = { user: 'alice', keyId: 5001, key: 'DwWKayqqnWnmLouZQKfncsNj72x7TThMA3uO9Y/IBJg' } as const
export const COLLECTION = 'alice-files'

/** A storage that reads no settings and no environment but those that are given. */
export function storageWith(options: Input<NimbusOptions>, services: Services = {}): NimbusStorage {
  return new NimbusStorage(options, { settings: {}, env: {}, ...services })
}

/** A storage whose service answers by a script, without sockets. */
export function scripted(
  answer: (asked: Asked, count: number) => Scripted,
  options: Input<NimbusOptions> = {},
): NimbusStorage & { readonly asked: Asked[] } {
  const httpClient = scriptedClient(answer)
  const files = storageWith({ ...ACCOUNT, collection: COLLECTION, maxAttempts: 1, ...options }, { httpClient })
  return Object.assign(files, { asked: httpClient.asked })
}

/** When the file of `head` was written. */
export const MODIFIED = 'Fri, 02 Jan 2026 03:04:05 GMT'

/** What HEAD or GET says of a file. */
export function fileHeaders(size: number, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const type = { 'content-type': 'application/octet-stream' }
  return { ...type, 'content-length': String(size), 'last-modified': MODIFIED, ...more }
}

/** Whether a request asks for the metadata of a file. */
export function asksMeta({ url }: Asked): boolean {
  return url.endsWith('?action=meta')
}

/** Bytes of a part in these tests. */
export const KIB_64: number = 64 * 1024

/** Options of a storage at a server, which is reached by its address although its hosts are names. */
export function at({ domain, port, user }: StrictNimbus, collection = 'media'): Input<NimbusOptions> {
  const { username, keyId, key } = user
  const place = { domain, host: '127.0.0.1', port, secure: false }
  return { user: username, keyId, key, collection, ...place, maxAttempts: 3 }
}

/** A driver for a test server, with small parts. */
export function driverFor(server: StrictNimbus, more: Partial<NimbusDriverOptions> = {}): NimbusDriver {
  const { domain, port, user } = server
  return new NimbusDriver({
    user: user.username,
    keyId: String(user.keyId),
    key: user.key,
    collection: 'media',
    domain,
    port,
    secure: false,
    publicRead: false,
    listSizes: true,
    multipartThreshold: KIB_64,
    partSize: KIB_64,
    uploadConcurrency: 3,
    httpClient: new NodeClient({ connectTo: '127.0.0.1' }),
    ...more,
  })
}

/** Closes a driver and empties its collection. */
export function emptied(server: StrictNimbus, collection = 'media'): (driver: Driver) => Promise<void> {
  return async driver => {
    await driver.close?.()
    const { keys, conjoined } = server.collection(collection)
    keys.clear()
    conjoined.clear()
  }
}
