import { type SwiftOptions, SwiftStorage } from '../../../src/backends/swift/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import type { DriverConformanceOptions } from '../../../src/testing/index.ts'
import type { SwiftServer } from '../../servers/swift.ts'
import { emptyAndClose } from '../backend.ts'

const KIB = 1024
/** So that small files are large objects. */
export const SMALL_PARTS: Input<SwiftOptions> = { multipartThreshold: 512 * KIB, partSize: 512 * KIB }
/** The key of temporary URLs, which `setKey` puts on the account. */
export const TEMP_URL_KEY = 'temp key'

/** What a user sets: where to log in, as whom, and a container. */
export function swiftOptions(
  { authUrl, user, key, keystone }: SwiftServer,
  containerName = 'media',
): Input<SwiftOptions> {
  if (keystone === undefined) return { authUrl, username: user, password: key, containerName }
  const { name: username, password } = keystone.user
  return { authUrl: keystone.url, username, password, projectName: keystone.project.name, containerName }
}

/** The same with an application credential. */
export function credentialOptions({ keystone }: SwiftServer, containerName = 'media'): Input<SwiftOptions> {
  if (keystone === undefined) throw new Error('only Keystone has application credentials')
  const { id: applicationCredentialId, secret: applicationCredentialSecret } = keystone.applicationCredential
  return { authUrl: keystone.url, applicationCredentialId, applicationCredentialSecret, containerName }
}

/** A storage that reads no settings and no environment. */
export function storageOf(options: Input<SwiftOptions>): SwiftStorage {
  return new SwiftStorage(options, { settings: {}, env: {} })
}

/** A storage in a container of the server. */
export function swiftStorage(
  server: SwiftServer,
  options: Input<SwiftOptions> = {},
  container = 'media',
): SwiftStorage {
  return storageOf({ ...swiftOptions(server, container), ...options })
}

/** Puts the key of temporary URLs on the account. */
export async function setKey(server: SwiftServer): Promise<void> {
  const { token, storageUrl } = await server.login()
  const headers = { 'x-auth-token': token, 'x-account-meta-temp-url-key': TEMP_URL_KEY }
  const { status } = await fetch(storageUrl, { method: 'POST', headers })
  if (status !== 204) throw new Error(`POST ${storageUrl}: ${status}`)
}

/** Names in a container, by a plain request; none where there is no container. */
export async function namesIn(server: SwiftServer, container: string): Promise<string[]> {
  const { token, storageUrl } = await server.login()
  const url = `${storageUrl}/${encodeURIComponent(container)}?format=json`
  const answer = await fetch(url, { headers: { 'x-auth-token': token } })
  if (answer.status === 404) return []
  if (answer.status !== 200) throw new Error(`GET ${url}: ${answer.status}`)
  return ((await answer.json()) as { name: string }[]).map(({ name }) => name)
}

/** What a driver in a container must do; afterwards its objects are removed. */
export function conforming(
  server: SwiftServer,
  create: () => SwiftStorage,
  more: Partial<DriverConformanceOptions> = {},
): DriverConformanceOptions {
  return {
    create: () => create().calls.driver,
    destroy: async driver => {
      await driver.close?.()
      await emptyAndClose(swiftStorage(server))
    },
    locations: [''],
    keeps: ['modifiedAt', 'etag'],
    expects: {
      features: {
        ranges: true,
        exclusiveCreate: false,
        checkedCopy: true,
        ifMatch: false,
        metadata: true,
        listRange: true,
      },
      methods: ['signUrl', 'uploadTarget', 'address', 'deleteMany', 'copy', 'createContainer'],
    },
    ...more,
  }
}
