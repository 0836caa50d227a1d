/** The identity services of the strict Swift server, by plain requests. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  APPLICATION_CREDENTIAL,
  DOMAIN,
  OTHER_PROJECT,
  PROJECT,
  RACKSPACE,
  rateLimited,
  type StrictSwift,
  startStrictSwift,
  TEMPAUTH,
  USER,
} from './strict-swift.ts'

let server: StrictSwift
beforeAll(async () => {
  server = await startStrictSwift({ regions: ['RegionOne', 'RegionTwo'] })
})
afterAll(() => server.close())

interface Endpoint {
  readonly region: string
  readonly interface?: string
  readonly url?: string
  readonly publicURL?: string
  readonly internalURL?: string
}

interface Service {
  readonly type: string
  readonly name: string
  readonly endpoints: readonly Endpoint[]
}

const post = (path: string, body: unknown): Promise<Response> =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

/** Whether a token opens an account. */
const statusAt = async (url: string, token: string): Promise<number> =>
  (await fetch(`${url}?format=json`, { headers: { 'x-auth-token': token } })).status

describe('auth v1', () => {
  const login = (user: string, key: string, path = '/auth/v1.0'): Promise<Response> =>
    fetch(server.url + path, { headers: { 'x-auth-user': user, 'x-auth-key': key } })

  test.each(['/auth/v1.0', '/v1.0'])('%s gives a token and the address of the account', async path => {
    const { status, headers } = await login(TEMPAUTH.user, TEMPAUTH.key, path)
    expect(status).toBe(200)
    const url = headers.get('x-storage-url') ?? ''
    expect(url).toBe(server.storageUrl)
    expect(await statusAt(url, headers.get('x-auth-token') ?? '')).toBe(200)
    expect(headers.get('x-cdn-management-url')).toBeNull()
  })

  test('a wrong key is 401, and a customer of Rackspace gets the address of the CDN', async () => {
    expect((await login(TEMPAUTH.user, 'wrong')).status).toBe(401)
    const { headers } = await login(RACKSPACE.username, RACKSPACE.apiKey)
    expect(headers.get('x-cdn-management-url')).toBe(`${server.url}/cdn/v1/${RACKSPACE.account}`)
  })
})

describe('Keystone v2', () => {
  const credentials = { username: USER.name, password: USER.password }
  const catalogOf = async (
    auth: object,
  ): Promise<{ readonly token: string; readonly services: readonly Service[] }> => {
    const answer = await post('/v2.0/tokens', { auth })
    expect(answer.status).toBe(200)
    const { access } = (await answer.json()) as { access: { token: { id: string }; serviceCatalog: Service[] } }
    return { token: access.token.id, services: access.serviceCatalog }
  }

  test('a password and a tenant by name or id give a catalog of several regions', async () => {
    for (const tenant of [{ tenantName: PROJECT.name }, { tenantId: PROJECT.id }]) {
      const { token, services } = await catalogOf({ passwordCredentials: credentials, ...tenant })
      const [one, two] = services.find(({ type }) => type === 'object-store')?.endpoints ?? []
      expect([one?.region, two?.region]).toEqual(['RegionOne', 'RegionTwo'])
      expect(one?.publicURL).toBe(`${server.url}/v1/AUTH_${PROJECT.id}`)
      expect(one?.internalURL).toBe(`http://localhost:${server.port}/v1/AUTH_${PROJECT.id}`)
      expect(await statusAt(two?.publicURL ?? '', token)).toBe(200)
      expect(await statusAt(server.storageUrl, token)).toBe(403)
    }
  })

  test('without a tenant there is no catalog, and a token gets one later', async () => {
    const first = await catalogOf({ passwordCredentials: credentials })
    expect(first.services).toEqual([])
    const second = await catalogOf({ token: { id: first.token }, tenantName: PROJECT.name })
    expect(second.services.length).toBeGreaterThan(1)
  })

  test('wrong credentials and foreign tenants are 401', async () => {
    const statusOf = async (auth: object): Promise<number> => (await post('/v2.0/tokens', { auth })).status
    expect(await statusOf({ passwordCredentials: { ...credentials, password: 'x' } })).toBe(401)
    expect(await statusOf({ passwordCredentials: credentials, tenantName: OTHER_PROJECT.name })).toBe(401)
  })
})

describe('Keystone v3', () => {
  const person = { name: USER.name, domain: { name: DOMAIN.name }, password: USER.password }
  const password = { methods: ['password'], password: { user: person } }
  const project = { project: { name: PROJECT.name, domain: { id: DOMAIN.id } } }
  const login = (identity: object, scope?: object | string): Promise<Response> =>
    post('/v3/auth/tokens', { auth: { identity, ...(scope === undefined ? {} : { scope }) } })

  test.each([
    ['names', password, project],
    [
      'ids',
      { methods: ['password'], password: { user: { id: USER.id, password: USER.password } } },
      { project: { id: PROJECT.id } },
    ],
    [
      'an application credential by id',
      {
        methods: ['application_credential'],
        application_credential: { id: APPLICATION_CREDENTIAL.id, secret: APPLICATION_CREDENTIAL.secret },
      },
      undefined,
    ],
    [
      'an application credential by name',
      {
        methods: ['application_credential'],
        application_credential: {
          name: APPLICATION_CREDENTIAL.name,
          secret: APPLICATION_CREDENTIAL.secret,
          user: { id: USER.id },
        },
      },
      undefined,
    ],
  ])('%s', async (_title, identity, scope) => {
    const answer = await login(identity, scope)
    expect(answer.status).toBe(201)
    const token = answer.headers.get('x-subject-token') ?? ''
    const document = (await answer.json()) as { token: { catalog: Service[]; expires_at: string } }
    expect(document.token.expires_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    const storage = document.token.catalog.find(({ type }) => type === 'object-store')
    const found = storage?.endpoints.find(one => one.region === 'RegionTwo' && one.interface === 'public')
    expect(await statusAt(found?.url ?? '', token)).toBe(200)
  })

  test('a token without a project has no catalog and opens nothing, and is exchanged for one that does', async () => {
    const answer = await login(password)
    const token = answer.headers.get('x-subject-token') ?? ''
    expect((await answer.json()) as object).not.toHaveProperty('token.catalog')
    expect(await statusAt(`${server.url}/v1/AUTH_${PROJECT.id}`, token)).toBe(403)
    const scoped = await login({ methods: ['token'], token: { id: token } }, project)
    expect(scoped.status).toBe(201)
    expect(await statusAt(`${server.url}/v1/AUTH_${PROJECT.id}`, scoped.headers.get('x-subject-token') ?? '')).toBe(200)
  })

  test('what is refused', async () => {
    const statusOf = async (...all: Parameters<typeof login>): Promise<number> => (await login(...all)).status
    const wrong = { ...password, password: { user: { ...person, password: 'x' } } }
    expect(await statusOf(wrong, project)).toBe(401)
    expect(await statusOf(password, { project: { id: OTHER_PROJECT.id } })).toBe(401)
    expect(await statusOf(password, { project: { name: PROJECT.name } })).toBe(400)
    const { id, secret } = APPLICATION_CREDENTIAL
    const bound = { methods: ['application_credential'], application_credential: { id, secret } }
    expect(await statusOf(bound, project)).toBe(401)
    expect(await statusOf({ ...bound, application_credential: { id, secret: 'x' } })).toBe(401)
    expect(server.complaints).toEqual([])
    expect(await statusOf({ ...password, unknown: 1 }, project)).toBe(400)
    expect(server.complaints.splice(0)).toHaveLength(1)
  })

  test('versions are told', async () => {
    const found = async (path: string): Promise<number> => (await fetch(server.url + path)).status
    expect([await found('/'), await found('/v3'), await found('/v2.0/')]).toEqual([300, 200, 200])
  })
})

describe('Rackspace', () => {
  const key = { username: RACKSPACE.username, apiKey: RACKSPACE.apiKey }

  test('v2 by an API key: storage and CDN by region', async () => {
    const answer = await post('/v2.0/tokens', { auth: { 'RAX-KSKEY:apiKeyCredentials': key } })
    const { access } = (await answer.json()) as { access: { token: { id: string }; serviceCatalog: Service[] } }
    const endpoint = (type: string): Endpoint | undefined =>
      access.serviceCatalog.find(one => one.type === type)?.endpoints.find(({ region }) => region === 'LON')
    expect(await statusAt(endpoint('object-store')?.publicURL ?? '', access.token.id)).toBe(200)
    expect(await statusAt(endpoint('rax:object-cdn')?.publicURL ?? '', access.token.id)).toBe(200)
    expect(endpoint('rax:object-cdn')?.internalURL).toBeUndefined()
  })

  test('v1.1, and wrong keys', async () => {
    const { username, apiKey } = key
    const answer = await post('/v1.1/auth', { credentials: { username, key: apiKey } })
    const { auth } = (await answer.json()) as {
      auth: { token: { id: string }; serviceCatalog: Record<string, Endpoint[]> }
    }
    expect(Object.keys(auth.serviceCatalog).toSorted()).toEqual(['cloudFiles', 'cloudFilesCDN'])
    expect(await statusAt(auth.serviceCatalog['cloudFiles']?.[0]?.publicURL ?? '', auth.token.id)).toBe(200)
    expect((await post('/v1.1/auth', { credentials: { username, key: 'x' } })).status).toBe(401)
    const wrong = { auth: { 'RAX-KSKEY:apiKeyCredentials': { ...key, apiKey: 'x' } } }
    expect((await post('/v2.0/tokens', wrong)).status).toBe(401)
  })

  test('containers are published, read by their public address, purged and taken back', async () => {
    const token = server.token('rackspace')
    const cdn = (method: string, path: string, headers: Record<string, string> = {}): Promise<Response> =>
      fetch(`${server.url}/cdn/v1/${RACKSPACE.account}${path}`, {
        method,
        headers: { 'x-auth-token': token, ...headers },
      })
    server.put('a b.txt', 'public', { account: RACKSPACE.account })
    expect((await cdn('HEAD', '/media')).status).toBe(404)
    expect((await cdn('PUT', '/media', { 'x-cdn-enabled': 'True', 'x-ttl': '1000' })).status).toBe(201)
    expect((await cdn('PUT', '/media', { 'x-ttl': '899' })).status).toBe(400)
    const { headers } = await cdn('HEAD', '/media')
    expect(headers.get('x-ttl')).toBe('1000')
    const uri = headers.get('x-cdn-uri') ?? ''
    expect(headers.get('x-cdn-ssl-uri')).toBe(uri.replace('http:', 'https:'))
    const file = await fetch(`${uri}/a%20b.txt`)
    expect([file.headers.get('cache-control'), await file.text()]).toEqual(['public, max-age=1000', 'public'])
    expect((await cdn('DELETE', '/media/a%20b.txt')).status).toBe(204)
    expect(server.cdn.purges).toEqual([`${RACKSPACE.account}/media/a b.txt`])
    expect((await cdn('POST', '/media', { 'x-cdn-enabled': 'False' })).status).toBe(202)
    expect((await fetch(`${uri}/a%20b.txt`)).status).toBe(404)
    expect((await fetch(`${server.url}/cdn/v1/${RACKSPACE.account}/media`, { method: 'HEAD' })).status).toBe(401)
  })
})

test('tokens end by their time, and all at once', async () => {
  let now = Date.now()
  const other = await startStrictSwift({ now: () => now, tokenSecs: 100 })
  try {
    const token = other.token()
    expect(await statusAt(other.storageUrl, token)).toBe(200)
    now += 100_000
    expect(await statusAt(other.storageUrl, token)).toBe(401)
    const next = other.token()
    other.tokens.expireAll()
    expect(await statusAt(other.storageUrl, next)).toBe(401)
    expect(await statusAt(other.storageUrl, '')).toBe(401)
  } finally {
    await other.close()
  }
})

test('498 and 429 are asked for', async () => {
  server.faults.add({ operation: 'account.get', fault: rateLimited() })
  server.faults.add({ operation: 'account.get', fault: rateLimited(429, 7) })
  const token = server.token()
  expect(await statusAt(server.storageUrl, token)).toBe(498)
  const second = await fetch(server.storageUrl, { headers: { 'x-auth-token': token } })
  expect([second.status, second.headers.get('retry-after')]).toEqual([429, '7'])
})
