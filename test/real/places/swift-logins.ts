import type { StrictSwift } from '../../servers/strict-swift.ts'
import { APPLICATION_CREDENTIAL, PROJECT, TEMPAUTH, USER } from '../../servers/strict-swift.ts'
import type { SwiftServer } from '../../servers/swift.ts'

/** What an independent client needs to log in. */
export interface SwiftPlace {
  readonly kind: 'v1' | 'v2' | 'v3' | 'credential'
  /** Of the identity service, without a version. */
  readonly url: string
  readonly user: string
  readonly key: string
  /** Of auth v1. */
  readonly authUrl?: string
  readonly storageUrl?: string
  readonly project?: string
}

/** The logins of the strict server. */
export function strictPlaces({
  url,
  authUrl,
  storageUrl,
}: StrictSwift): Readonly<Record<SwiftPlace['kind'], SwiftPlace>> {
  const { id, secret } = APPLICATION_CREDENTIAL
  const named = { url, user: USER.name, key: USER.password, project: PROJECT.name }
  return {
    v1: { kind: 'v1', url, authUrl, storageUrl, user: TEMPAUTH.user, key: TEMPAUTH.key },
    v2: { kind: 'v2', ...named },
    v3: { kind: 'v3', ...named },
    credential: { kind: 'credential', url, user: id, key: secret },
  }
}

/** The login of a real Swift: by its Keystone, or by TempAuth. */
export function realPlace({ url, authUrl, user, key, keystone }: SwiftServer): SwiftPlace {
  if (keystone === undefined) return { kind: 'v1', url, authUrl, storageUrl: `${url}/v1/AUTH_test`, user, key }
  const { user: person, project } = keystone
  const identity = keystone.url.replace(/\/v3$/, '')
  return { kind: 'v3', url: identity, user: person.name, key: person.password, project: project.name }
}
