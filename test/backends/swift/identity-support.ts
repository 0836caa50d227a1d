/** An identity whose service answers by a script, without sockets. */
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { Identity, type IdentityInput, type IdentityTraits } from '../../../src/backends/swift/identity/identity.ts'
import type { Session } from '../../../src/backends/swift/identity/session.ts'
import { type IdentityOptions, identitySettings } from '../../../src/backends/swift/identity/settings.ts'
import { resolveSettings } from '../../../src/core/settings.ts'
import { type ConnectionOptions, connectionSettings } from '../../../src/remote/options.ts'
import { type Asked, type Scripted, scriptedClient } from '../../support/scripted-client.ts'

/** Options as a user writes them, strings and all. */
export type RawOptions = { readonly [K in keyof (IdentityOptions & ConnectionOptions)]?: unknown }

/** The options of an identity, parsed as a storage parses them. */
export function identityOptions(given: RawOptions, env: Readonly<Record<string, string>> = {}): IdentityInput {
  const declared = { ...identitySettings, ...connectionSettings({}) }
  const sources = { defaults: [], settings: {}, env }
  const { options } = resolveSettings<IdentityOptions & ConnectionOptions>('Test', declared, given, sources)
  return { ...options, timeoutSecs: 60 }
}

/** An identity with the requests that it made; a call is tried once unless it says otherwise. */
export function scriptedIdentity(
  answer: (asked: Asked, count: number) => Scripted,
  given: RawOptions,
  traits?: IdentityTraits,
): { readonly identity: Identity; readonly asked: Asked[]; session(maxAttempts?: number): Promise<Session> } {
  const httpClient = scriptedClient(answer)
  const identity = new Identity(identityOptions(given), { httpClient, env: {} }, traits)
  return {
    identity,
    asked: httpClient.asked,
    session: async (maxAttempts = 1) => identity.session(context(maxAttempts)),
  }
}

/** The context of a call of a storage. */
export function context(maxAttempts: number, signal?: AbortSignal) {
  return new MemoryStorage({ maxAttempts }).calls.context({ signal })
}

/** The JSON that a request carried. */
export function sent({ body }: Asked): unknown {
  return JSON.parse(body.toString())
}

const FAR = '2126-01-02T03:04:05.678901Z'

/** An answer of Keystone v3. */
export function keystone3(catalog: unknown = CATALOG_3, token = 't3', expires: string = FAR): Scripted {
  return {
    status: 201,
    headers: { 'content-type': 'application/json', 'x-subject-token': token },
    body: JSON.stringify({ token: { expires_at: expires, catalog } }),
  }
}

/** An answer of Keystone v2. */
export function keystone2(serviceCatalog: unknown = CATALOG_2, id = 't2', expires: string = FAR): Scripted {
  return { json: { access: { token: { id, expires }, serviceCatalog, user: {} } } }
}

/** An answer of auth v1. */
export function auth1(headers: Readonly<Record<string, string>> = {}): Scripted {
  const own = { 'x-storage-url': 'https://swift.test:8080/v1/AUTH_1', 'x-auth-token': 'AUTH_tk1' }
  return { status: 200, headers: { ...own, ...headers } }
}

/** A catalog of version 3 with two regions, and things that are none. */
export const CATALOG_3: readonly unknown[] = [
  { type: 'identity', name: 'keystone', endpoints: [side('public', 'https://id.test/v3', 'one')] },
  null,
  { type: 'object-store', name: 'odd', endpoints: 'none' },
  {
    type: 'object-store',
    name: 'swift',
    endpoints: [
      'odd',
      { interface: 'public', region: 'one', url: 7 },
      side('public', 'ftp://files.test/v1/AUTH_1', 'one'),
      side('public', 'https://user:secret@swift-one.test/v1/AUTH_1', 'one'),
      side('public', 'https://swift-one.test/v1/AUTH_1', 'one'),
      side('internal', 'http://10.0.0.1:8080/v1/AUTH_1', 'one'),
      side('admin', 'http://10.0.0.1:8080/v1', 'one'),
      side('public', 'https://swift-two.test/v1/AUTH_1/', 'two'),
    ],
  },
]

function side(name: string, url: string, region: string) {
  return { interface: name, url, region, region_id: region }
}

/** The same in version 2. */
export const CATALOG_2: readonly unknown[] = [
  { type: 'identity', name: 'keystone', endpoints: [{ region: 'one', publicURL: 'https://id.test/v2.0' }] },
  {
    type: 'object-store',
    name: 'swift',
    endpoints: [
      12,
      { region: 'one', publicURL: 'https://swift-one.test/v1/AUTH_1', internalURL: 'http://10.0.0.1:8080/v1/AUTH_1' },
      { region: 'two', publicURL: 'https://swift-two.test/v1/AUTH_1', adminURL: 'nowhere' },
    ],
  },
]
