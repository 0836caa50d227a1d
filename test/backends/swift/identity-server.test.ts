/** Every way of authentication over the strict server: the tokens open the account, and nothing is sent that a server would complain of. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Identity } from '../../../src/backends/swift/identity/identity.ts'
import type { Session } from '../../../src/backends/swift/identity/session.ts'
import { NodeClient } from '../../../src/http/node-client.ts'
import { makeIdentity, serveProxy } from '../../http/support.ts'
import {
  APPLICATION_CREDENTIAL,
  OTHER_PROJECT,
  PROJECT,
  RACKSPACE,
  type StrictSwift,
  startStrictSwift,
  TEMPAUTH,
  USER,
} from '../../servers/strict-swift.ts'
import { context, identityOptions, type RawOptions } from './identity-support.ts'

let server: StrictSwift
const client = new NodeClient()

beforeAll(async () => {
  server = await startStrictSwift({ regions: ['one', 'two'] })
})
afterAll(async () => {
  expect(server.complaints).toEqual([])
  await client.close()
  await server.close()
})

function identity(given: RawOptions): Identity {
  return new Identity(identityOptions(given), { env: {} })
}

async function session(given: RawOptions): Promise<Session> {
  return identity(given).session(context(1))
}

/** The status of a container at a storage address. */
async function statusAt(url: string, token: string): Promise<number> {
  const request = { method: 'HEAD', url: `${url}/media`, headers: { 'x-auth-token': token } }
  return (await client.request(request, context(1))).status
}

const USER_IN_PROJECT = { username: USER.name, password: USER.password, projectName: PROJECT.name, regionName: 'two' }

describe.concurrent('a session', () => {
  it.each<[string, string, RawOptions]>([
    ['auth v1', '/auth/v1.0', { username: TEMPAUTH.user, password: TEMPAUTH.key }],
    ['Keystone v2 with a password', '/v2.0', USER_IN_PROJECT],
    [
      'Keystone v2 with the tenant by id',
      '/v2.0/tokens',
      { ...USER_IN_PROJECT, projectName: null, projectId: PROJECT.id },
    ],
    ['Keystone v3 with a password', '/v3', USER_IN_PROJECT],
    [
      'Keystone v3 with domains by name',
      '/v3/',
      { ...USER_IN_PROJECT, userDomainName: 'Default', projectDomainName: 'Default' },
    ],
    [
      'Keystone v3 with ids',
      '/v3',
      { userId: USER.id, password: USER.password, projectId: PROJECT.id, regionName: 'one' },
    ],
    ['Keystone found by the settings', '', USER_IN_PROJECT],
    [
      'an application credential by id',
      '/v3',
      {
        applicationCredentialId: APPLICATION_CREDENTIAL.id,
        applicationCredentialSecret: APPLICATION_CREDENTIAL.secret,
        authType: 'v3applicationcredential',
        regionName: 'one',
      },
    ],
    [
      'an application credential by name',
      '',
      {
        applicationCredentialName: APPLICATION_CREDENTIAL.name,
        applicationCredentialSecret: APPLICATION_CREDENTIAL.secret,
        username: USER.name,
        regionName: 'one',
      },
    ],
    ['an API key of Rackspace', '', { authVersion: '2.0_apikey', ...rackspace('ORD') }],
    ['an API key by version 1.1', '/v1.1', rackspace('LON')],
    ['an API key by version 1.0', '/auth/v1.0', rackspace('ORD')],
  ])('by %s opens the account', async (_what, path, given) => {
    const { token, storageUrl, publicUrl } = await session({ authUrl: server.url + path, ...given })
    expect(publicUrl).toBe(storageUrl)
    expect(await statusAt(storageUrl, token)).toBe(204)
  })

  it('by a token opens the account of the project, and one at hand is used with its address', async () => {
    const authUrl = `${server.url}/v3`
    const first = await session({ authUrl, ...USER_IN_PROJECT })
    const second = await session({ authUrl, token: first.token, projectId: PROJECT.id, regionName: 'one' })
    expect(second.token).not.toBe(first.token)
    expect(await statusAt(second.storageUrl, second.token)).toBe(204)
    const third = await session({ token: first.token, storageUrl: first.storageUrl })
    expect(await statusAt(third.storageUrl, third.token)).toBe(204)
  })

  it('over the internal interface has the internal address, and the public one for URLs (case 61)', async () => {
    const { token, storageUrl, publicUrl } = await session({
      authUrl: `${server.url}/v3`,
      ...USER_IN_PROJECT,
      interface: 'internal',
    })
    const { port } = server
    expect([new URL(storageUrl).host, new URL(publicUrl).host]).toEqual([`localhost:${port}`, `127.0.0.1:${port}`])
    expect(await statusAt(storageUrl, token)).toBe(204)
  })

  it('needs a region where there are two (case 60)', async () => {
    for (const authUrl of [`${server.url}/v3`, `${server.url}/v2.0`]) {
      const given = { authUrl, ...USER_IN_PROJECT, regionName: null }
      await expect(session(given)).rejects.toMatchObject({
        code: 'improperly_configured',
        message: expect.stringContaining('regions: one, two'),
      })
    }
  })

  it('without a project is refused, which names the settings', async () => {
    for (const authUrl of [`${server.url}/v3`, `${server.url}/v2.0`]) {
      await expect(session({ authUrl, ...USER_IN_PROJECT, projectName: null })).rejects.toMatchObject({
        code: 'improperly_configured',
        message: expect.stringContaining('the token is for no project'),
      })
    }
  })

  it.each<[string, RawOptions]>([
    ['/auth/v1.0', { username: TEMPAUTH.user, password: 'wrong-key' }],
    ['/v2.0', { ...USER_IN_PROJECT, password: 'wrong-key' }],
    ['/v3', { ...USER_IN_PROJECT, password: 'wrong-key' }],
    ['/v3', { ...USER_IN_PROJECT, password: USER.password, projectName: OTHER_PROJECT.name }],
    ['/v3', { applicationCredentialId: APPLICATION_CREDENTIAL.id, applicationCredentialSecret: 'wrong-key' }],
    ['/v2.0', { authType: 'apikey', ...rackspace('ORD'), password: 'wrong-key' }],
  ])('at %s with %j is permission_denied', async (path, given) => {
    const error = await session({ authUrl: server.url + path, ...given }).catch((failure: Error) => failure)
    expect(error).toMatchObject({ code: 'permission_denied', status: 401, outcome: 'not_applied' })
    expect(String(error)).toMatch(/Check SWIFT_[A-Z_, ]+\.$/)
    expect(String(error)).not.toContain('wrong-key')
  })
})

describe('a token that has ended', () => {
  it('is replaced once, and the new one opens the account (swl-1)', async () => {
    const own = await startStrictSwift()
    try {
      const given = { ...USER_IN_PROJECT, authUrl: `${own.url}/v3`, regionName: null }
      const [one, two] = [identity(given), identity(given)]
      const [old] = await Promise.all([one.session(context(1)), two.session(context(1))])
      own.tokens.expireAll()
      expect(await statusAt(old.storageUrl, old.token)).toBe(401)
      one.drop(old)
      const renewed = await Promise.all([one, two, one, two].map(each => each.session(context(1))))
      expect(new Set(renewed.map(each => each.token)).size).toBe(1)
      expect(await statusAt(old.storageUrl, renewed[0]!.token)).toBe(204)
      expect(own.tokens.given).toBe(2)
    } finally {
      await own.close()
    }
  })
})

describe('a custom CA and a proxy', () => {
  it('hold for the identity service as for all else (case 21)', async () => {
    using certificate = makeIdentity()
    const own = await startStrictSwift({ tls: certificate })
    try {
      const given = { ...USER_IN_PROJECT, authUrl: `${own.url}/v3`, regionName: null }
      await expect(session(given)).rejects.toMatchObject({ code: 'unavailable', outcome: 'not_applied' })
      expect(own.requests).toEqual([])
      expect((await session({ ...given, verify: certificate.certPath })).storageUrl).toContain(own.url)
      await using proxy = await serveProxy()
      const proxies = { https: proxy.url }
      expect((await session({ ...given, verify: certificate.certPath, proxies })).storageUrl).toContain(own.url)
      expect(proxy.asked.map(one => one.target)).toEqual([`127.0.0.1:${own.port}`])
    } finally {
      await own.close()
    }
  })
})

function rackspace(regionName: string): RawOptions {
  return { username: RACKSPACE.username, password: RACKSPACE.apiKey, regionName }
}
