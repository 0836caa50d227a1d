/** How tokens are requested, and what is made of the answers, by version of the identity API. */
import { describe, expect, it } from 'vitest'
import { auth1, keystone2, keystone3, type RawOptions, scriptedIdentity, sent } from './identity-support.ts'

const USER = { username: 'alice', password: 'p"ä ss' }
const V3 = { authUrl: 'https://id.test:5000/v3', regionName: 'one', ...USER }
const V2 = { authUrl: 'https://id.test:5000/v2.0', regionName: 'one', ...USER }
const V1 = { authUrl: 'https://swift.test:8080/auth/v1.0', username: 'test:tester', password: 'testing' }

/** What was posted for options. */
async function posted(given: RawOptions) {
  const answer = String(given.authVersion ?? given.authUrl).includes('2.') ? keystone2() : keystone3()
  const { session, asked } = scriptedIdentity(() => answer, given)
  await session()
  return sent(asked[0]!) as { auth: Record<string, unknown> }
}

describe('version 1', () => {
  it('sends the user and the key in headers and takes the address and the token of the answer', async () => {
    const { session, asked } = scriptedIdentity(() => auth1({ 'x-auth-token-expires': '3600' }), V1)
    const { expiresAt, ...rest } = await session()
    expect(asked).toMatchObject([
      { method: 'GET', url: V1.authUrl, headers: { 'x-auth-user': 'test:tester', 'x-auth-key': 'testing' } },
    ])
    const url = 'https://swift.test:8080/v1/AUTH_1'
    expect(rest).toEqual({ token: 'AUTH_tk1', storageUrl: url, publicUrl: url, cdnUrl: undefined })
    expect(Math.abs(expiresAt!.getTime() - Date.now() - 3_600_000)).toBeLessThan(10_000)
  })

  it('takes status 204, and the token from X-Storage-Token', async () => {
    const headers = { 'x-storage-url': 'http://swift.test/v1/AUTH_a%20b/', 'x-storage-token': 'stored' }
    const { session } = scriptedIdentity(() => ({ status: 204, headers }), V1)
    expect(await session()).toMatchObject({
      token: 'stored',
      storageUrl: 'http://swift.test/v1/AUTH_a%20b',
      expiresAt: undefined,
    })
  })

  it.each([
    ['a page with status 200', { status: 200, body: '<html>Welcome</html>' }],
    ['an answer without a token', { status: 200, headers: { 'x-storage-url': 'https://swift.test/v1/A' } }],
    ['an address with a password', auth1({ 'x-storage-url': 'https://a:b@swift.test/v1/A' })],
    ['an address of another scheme', auth1({ 'x-storage-url': 'ftp://swift.test/v1/A' })],
    ['a token with a blank', auth1({ 'x-auth-token': 'a b' })],
  ])('refuses %s', async (_what, answer) => {
    const { session } = scriptedIdentity(() => answer, V1)
    await expect(session()).rejects.toMatchObject({ code: 'unavailable', outcome: 'not_applied' })
  })

  it('refuses a key that no header can carry', () => {
    expect(() => scriptedIdentity(() => auth1(), { ...V1, password: 'schlüssel' })).toThrow(
      'SWIFT_USERNAME and SWIFT_KEY go into headers with version 1: expected printable ASCII.',
    )
  })
})

describe('version 2', () => {
  it('posts the user, the password and the tenant, and reads the catalog', async () => {
    const { session, asked } = scriptedIdentity(() => keystone2(), { ...V2, projectName: 'media' })
    expect(await session()).toMatchObject({
      token: 't2',
      storageUrl: 'https://swift-one.test/v1/AUTH_1',
      publicUrl: 'https://swift-one.test/v1/AUTH_1',
    })
    expect(asked[0]).toMatchObject({ method: 'POST', url: 'https://id.test:5000/v2.0/tokens' })
    expect(sent(asked[0]!)).toEqual({
      auth: { passwordCredentials: { username: 'alice', password: 'p"ä ss' }, tenantName: 'media' },
    })
  })

  it('takes a tenant by id, and one before the name of the user', async () => {
    expect((await posted({ ...V2, projectId: 'abc', projectName: 'media' })).auth).toMatchObject({ tenantId: 'abc' })
    expect((await posted({ ...V2, username: 'media:alice' })).auth).toEqual({
      passwordCredentials: { username: 'alice', password: 'p"ä ss' },
      tenantName: 'media',
    })
  })

  it('posts a token, or an API key of Rackspace', async () => {
    const token = { ...V2, username: null, password: null, token: 'mine', projectName: 'media' }
    expect((await posted(token)).auth).toEqual({ token: { id: 'mine' }, tenantName: 'media' })
    expect((await posted({ ...V2, authVersion: '2.0_apikey' })).auth).toEqual({
      'RAX-KSKEY:apiKeyCredentials': { username: 'alice', apiKey: 'p"ä ss' },
    })
  })
})

describe('version 3', () => {
  const byName = (project: object) => ({
    identity: {
      methods: ['password'],
      password: { user: { name: 'alice', domain: { id: 'default' }, password: 'p"ä ss' } },
    },
    scope: { project },
  })

  it('posts the user, the password and the project, and takes the token from its header', async () => {
    const { session, asked } = scriptedIdentity(() => keystone3(), { ...V3, projectName: 'media' })
    expect(await session()).toMatchObject({ token: 't3', storageUrl: 'https://swift-one.test/v1/AUTH_1' })
    expect(asked[0]).toMatchObject({ method: 'POST', url: 'https://id.test:5000/v3/auth/tokens' })
    expect(sent(asked[0]!)).toEqual({ auth: byName({ name: 'media', domain: { id: 'default' } }) })
  })

  it('names the domains of the user and the project by name or by id', async () => {
    const named = { ...V3, projectName: 'media', userDomainName: 'Users', projectDomainName: 'Projects' }
    expect((await posted(named)).auth).toEqual({
      identity: {
        methods: ['password'],
        password: { user: { name: 'alice', domain: { name: 'Users' }, password: 'p"ä ss' } },
      },
      scope: { project: { name: 'media', domain: { name: 'Projects' } } },
    })
    const byId = { ...named, userDomainId: 'u1', projectDomainId: 'p1' }
    expect((await posted(byId)).auth).toMatchObject({
      identity: { password: { user: { domain: { id: 'u1' } } } },
      scope: { project: { domain: { id: 'p1' } } },
    })
    // The project is in the domain of the user unless another one is set.
    expect((await posted({ ...named, projectDomainName: null })).auth).toMatchObject({
      scope: { project: { domain: { name: 'Users' } } },
    })
  })

  it('takes a user by id, a project by id, and a domain instead of a project', async () => {
    const ids = await posted({ ...V3, userId: 'u7', projectId: 'p7', projectName: 'media' })
    expect(ids.auth).toMatchObject({ scope: { project: { id: 'p7' } } })
    expect(ids.auth['identity']).toMatchObject({ password: { user: { id: 'u7', password: 'p"ä ss' } } })
    expect((await posted({ ...V3, domainName: 'Files' })).auth).toMatchObject({ scope: { domain: { name: 'Files' } } })
    expect((await posted({ ...V3, domainId: 'd7', domainName: 'Files' })).auth).toMatchObject({
      scope: { domain: { id: 'd7' } },
    })
  })

  it('posts an application credential without a scope', async () => {
    const own = { applicationCredentialId: 'c7', applicationCredentialSecret: 's7' }
    expect(await posted({ authUrl: V3.authUrl, regionName: 'one', projectName: 'media', ...own })).toEqual({
      auth: {
        identity: { methods: ['application_credential'], application_credential: { id: 'c7', secret: 's7' } },
      },
    })
    const named = { ...own, applicationCredentialId: null, applicationCredentialName: 'mine' }
    expect((await posted({ ...V3, ...named, userDomainName: 'Users' })).auth).toEqual({
      identity: {
        methods: ['application_credential'],
        application_credential: { name: 'mine', user: { name: 'alice', domain: { name: 'Users' } }, secret: 's7' },
      },
    })
  })

  it('exchanges a token for one of the project', async () => {
    const token = { authUrl: V3.authUrl, regionName: 'one', token: 'mine', projectId: 'p7' }
    expect(await posted(token)).toEqual({
      auth: { identity: { methods: ['token'], token: { id: 'mine' } }, scope: { project: { id: 'p7' } } },
    })
  })

  it('refuses a token without a catalog, which is for no project', async () => {
    const answer = { status: 201, headers: { 'x-subject-token': 't' }, body: '{"token":{"user":{}}}' }
    const { session } = scriptedIdentity(() => answer, V3)
    await expect(session()).rejects.toMatchObject({
      code: 'improperly_configured',
      message: expect.stringContaining(
        'The identity service returned no catalog: the token is for no project. Set SWIFT_TENANT_NAME, SWIFT_TENANT_ID or SWIFT_DOMAIN_NAME.',
      ),
    })
  })

  it.each([
    ['a page', { status: 201, headers: { 'x-subject-token': 't' }, body: '<html></html>' }],
    ['JSON without a token', { status: 201, headers: { 'x-subject-token': 't' }, body: '{}' }],
    ['an answer without X-Subject-Token', { status: 201, body: '{"token":{}}' }],
    ['another success', { status: 204, headers: { 'x-subject-token': 't' } }],
  ])('refuses %s', async (_what, answer) => {
    const { session } = scriptedIdentity(() => answer, V3)
    await expect(session()).rejects.toMatchObject({ code: 'unavailable', outcome: 'not_applied' })
  })
})

describe('a token at hand', () => {
  it('is used as it is with the address of the account, and cannot be replaced', async () => {
    const given = { token: 'mine', storageUrl: 'https://swift.test/v1/AUTH_1/' }
    const { session, identity, asked } = scriptedIdentity(() => keystone3(), given)
    const one = await session()
    const url = 'https://swift.test/v1/AUTH_1'
    expect(one).toEqual({ token: 'mine', storageUrl: url, publicUrl: url, expiresAt: undefined })
    expect([identity.drop(one), await session(), asked]).toEqual([false, one, []])
  })

  it('is replaced when it was refused and there are credentials, and the address stays', async () => {
    const given = { ...V3, projectName: 'media', token: 'mine', storageUrl: 'https://swift.test/v1/AUTH_1' }
    const { session, identity } = scriptedIdentity(() => keystone3(), given)
    expect(identity.drop(await session())).toBe(true)
    expect(await session()).toMatchObject({ token: 't3', storageUrl: 'https://swift.test/v1/AUTH_1' })
  })
})
