import { createSign, createVerify } from 'node:crypto'
import { Storage } from '@google-cloud/storage'
import { GoogleAuth, OAuth2Client } from 'google-auth-library'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Account } from './strict-gcs/accounts.ts'
import { officialClient } from './strict-gcs/official.ts'
import { type StrictGcs, startStrictGcs } from './strict-gcs.ts'

const base = 'https://www.googleapis.com/auth/'
const roles = ['admin', 'objectAdmin', 'objectCreator', 'objectViewer', 'none'] as const
let server: StrictGcs
let shiftMs = 0

beforeAll(async () => {
  server = await startStrictGcs({
    accounts: roles.map(role => ({
      email: `${role.toLowerCase()}@strict.iam.gserviceaccount.com`,
      role,
      tokenCreator: role !== 'none',
    })),
    buckets: ['media', { name: 'open', publicRead: true }, { name: 'uniform', uniform: true }],
    now: () => Date.now() + shiftMs,
  })
  await officialClient(server).bucket('media').file('there').save('x', { resumable: false })
  await officialClient(server).bucket('open').file('there').save('x', { resumable: false })
})
afterAll(() => server.close())

const account = (role: (typeof roles)[number]): Account => server.accounts[roles.indexOf(role)] as Account

function send(method: string, path: string, token?: string, body?: object): Promise<Response> {
  const headers: Record<string, string> = {}
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  return fetch(server.url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
}

const statusOf = (method: string, path: string, token?: string, body?: object): Promise<number> =>
  send(method, path, token, body).then(answer => answer.status)

function jwt(change: Record<string, unknown> = {}, signer: Account = account('admin')): string {
  const secs = Math.floor(Date.now() / 1000)
  const claims = {
    iss: account('admin').email,
    aud: `${server.url}/token`,
    scope: `${base}cloud-platform`,
    iat: secs,
    exp: secs + 3600,
    ...change,
  }
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${encode({ alg: 'RS256', typ: 'JWT', kid: account('admin').userKey.id })}.${encode(claims)}`
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(signer.userKey.privateKey).toString('base64url')}`
}

async function grant(
  fields: Record<string, string>,
  path = '/token',
): Promise<readonly [number, Record<string, unknown>]> {
  const answer = await fetch(server.url + path, { method: 'POST', body: new URLSearchParams(fields) })
  return [answer.status, (await answer.json()) as Record<string, unknown>]
}

describe('tokens', () => {
  test('without a good token there is 401 with the document of the service', async () => {
    const path = '/storage/v1/b/media/o/there'
    const none = await send('GET', path)
    expect([none.status, await none.json()]).toEqual([
      401,
      {
        error: {
          code: 401,
          message: expect.stringMatching(/^Anonymous caller does not have storage.objects.get access/),
          errors: [expect.objectContaining({ reason: 'required' })],
        },
      },
    ])
    const wrong = await send('GET', path, 'ya29.wrong')
    expect([wrong.status, wrong.headers.get('www-authenticate'), await wrong.json()]).toEqual([
      401,
      expect.stringContaining('Bearer'),
      {
        error: {
          code: 401,
          message: 'Invalid Credentials',
          errors: [
            {
              message: 'Invalid Credentials',
              domain: 'global',
              reason: 'authError',
              locationType: 'header',
              location: 'Authorization',
            },
          ],
        },
      },
    ])
    const token = server.token({ secs: 60 })
    expect(await statusOf('GET', path, token)).toBe(200)
    shiftMs = 61_000
    expect(await statusOf('GET', path, token)).toBe(401)
    shiftMs = 0
    server.tokens.revokeAll()
    expect(await statusOf('GET', path, token)).toBe(401)
  })

  test('the token endpoint verifies assertions', async () => {
    const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
    const [status, body] = await grant({ grant_type: grantType, assertion: jwt() })
    expect([status, body['expires_in'], body['token_type']]).toEqual([200, 3600, 'Bearer'])
    expect(await statusOf('GET', '/storage/v1/b/media/o/there', String(body['access_token']))).toBe(200)
    const secs = Math.floor(Date.now() / 1000)
    const refusals: Record<string, string> = {
      otherSigner: jwt({}, account('none')),
      unknownAccount: jwt({ iss: 'nobody@strict.iam.gserviceaccount.com' }),
      otherAudience: jwt({ aud: 'https://example.com/token' }),
      expired: jwt({ iat: secs - 7200, exp: secs - 3600 }),
      tooLong: jwt({ exp: secs + 7200 }),
      future: jwt({ iat: secs + 3000, exp: secs + 6000 }),
      garbage: 'a.b.c',
    }
    for (const [name, assertion] of Object.entries(refusals)) {
      expect([name, ...(await grant({ grant_type: grantType, assertion }))]).toEqual([
        name,
        400,
        expect.objectContaining({ error: 'invalid_grant' }),
      ])
    }
    expect(await grant({ grant_type: grantType, assertion: jwt({ scope: '' }) })).toMatchObject([
      400,
      { error: 'invalid_scope' },
    ])
    expect(await grant({ grant_type: 'password' })).toMatchObject([400, { error: 'unsupported_grant_type' }])
  })

  test('a JWT of the key file is a token by itself where it is aimed at the service', async () => {
    const aimed = { aud: 'https://storage.googleapis.com/', scope: undefined, sub: account('admin').email }
    expect(await statusOf('GET', '/storage/v1/b/media', jwt(aimed))).toBe(200)
    expect(await statusOf('GET', '/storage/v1/b/media', jwt({ ...aimed, aud: 'https://pubsub.googleapis.com/' }))).toBe(
      401,
    )
    expect(await statusOf('GET', '/storage/v1/b/media', jwt(aimed, account('none')))).toBe(401)
  })

  test('a refresh token gives an access token, with the client that it belongs to', async () => {
    const { client_id = '', client_secret = '', refresh_token = '' } = server.authorizedUserFile()
    const fields = { grant_type: 'refresh_token', client_id, client_secret, refresh_token }
    const [status, body] = await grant(fields)
    expect(status).toBe(200)
    expect(await statusOf('GET', '/storage/v1/b/media', String(body['access_token']))).toBe(200)
    expect(await grant({ ...fields, refresh_token: 'other' })).toMatchObject([400, { error: 'invalid_grant' }])
    expect(await grant({ ...fields, client_secret: 'other' })).toMatchObject([401, { error: 'invalid_client' }])
  })

  test('the STS exchange takes the known subject token, and a token may give one of the account', async () => {
    const fields = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      audience: String(server.externalAccountFile('/nowhere')['audience']),
      scope: `${base}cloud-platform`,
      subject_token: 'strict-subject-token',
    }
    const [status, body] = await grant(fields, '/v1/token')
    expect([status, body['issued_token_type']]).toEqual([200, 'urn:ietf:params:oauth:token-type:access_token'])
    expect(await grant({ ...fields, subject_token: 'other' }, '/v1/token')).toMatchObject([
      400,
      { error: 'invalid_grant' },
    ])
    expect(await grant({ ...fields, audience: '//iam' }, '/v1/token')).toMatchObject([400, { error: 'invalid_target' }])
    const path = `/v1/projects/-/serviceAccounts/${account('objectViewer').email}:generateAccessToken`
    const answer = await send('POST', path, String(body['access_token']), {
      scope: [`${base}devstorage.read_only`],
      lifetime: '600s',
    })
    const given = (await answer.json()) as { accessToken: string; expireTime: string }
    expect(Date.parse(given.expireTime)).toBeGreaterThan(Date.now() + 590_000)
    expect(await statusOf('GET', '/storage/v1/b/media/o/there', given.accessToken)).toBe(200)
    expect(await statusOf('DELETE', '/storage/v1/b/media/o/there', given.accessToken)).toBe(403)
  })

  test('the metadata server wants its header', async () => {
    const path = '/computeMetadata/v1/instance/service-accounts/default/token'
    expect((await fetch(server.url + path)).status).toBe(403)
    const headers = { 'metadata-flavor': 'Google' }
    const answer = await fetch(server.url + path, { headers })
    expect(answer.headers.get('metadata-flavor')).toBe('Google')
    const { access_token: token } = (await answer.json()) as { access_token: string }
    expect(await statusOf('GET', '/storage/v1/b/media', token)).toBe(200)
    const read = (name: string): Promise<string> =>
      fetch(`${server.url}/computeMetadata/v1/${name}`, { headers }).then(one => one.text())
    expect(await read('instance/service-accounts/default/email')).toBe(account('admin').email)
    expect(await read('project/project-id')).toBe('strict-project')
  })

  test('signBlob signs with a key of the account, for those who may', async () => {
    const path = `/v1/projects/-/serviceAccounts/${account('admin').email}:signBlob`
    const payload = Buffer.from('to be signed').toString('base64')
    const answer = await send('POST', path, server.token(), { payload })
    const { keyId, signedBlob } = (await answer.json()) as { keyId: string; signedBlob: string }
    const { systemKey } = account('admin')
    expect(keyId).toBe(systemKey.id)
    expect(
      createVerify('RSA-SHA256').update('to be signed').verify(systemKey.publicKey, Buffer.from(signedBlob, 'base64')),
    ).toBe(true)
    expect(await statusOf('POST', path, undefined, { payload })).toBe(401)
    expect(
      await statusOf('POST', path, server.token({ scopes: [`${base}devstorage.full_control`] }), { payload }),
    ).toBe(403)
    expect(await statusOf('POST', path, server.token(), { payload: '?' })).toBe(400)
    const other = path.replace(account('admin').email, account('none').email)
    const refused = await send('POST', other, server.token(), { payload })
    expect([refused.status, await refused.json()]).toMatchObject([403, { error: { status: 'PERMISSION_DENIED' } }])
  })

  test('the official client signs by signBlob where it has no key', async () => {
    const token = new OAuth2Client()
    token.setCredentials({ access_token: server.token() })
    const auth = new GoogleAuth({ authClient: token })
    const storage = new Storage({
      apiEndpoint: server.url,
      projectId: 'p',
      authClient: auth,
      useAuthWithCustomEndpoint: true,
    })
    Object.assign(auth, { getCredentials: async () => ({ client_email: account('admin').email }) })
    const file = storage.bucket('media').file('there')
    const signingEndpoint = `${server.url}/v1/projects/-/serviceAccounts/`
    const [url] = await file.getSignedUrl({
      version: 'v4',
      action: 'read',
      expires: Date.now() + 60_000,
      signingEndpoint,
    })
    expect(await (await fetch(url)).text()).toBe('x')
  })
})

describe('rights', () => {
  const insert = '/upload/storage/v1/b/media/o?uploadType=media&name='
  const calls = (role: string): Record<string, readonly [method: string, path: string, body?: object]> => ({
    get: ['GET', '/storage/v1/b/media/o/there'],
    list: ['GET', '/storage/v1/b/media/o'],
    create: ['POST', `${insert}new-${role}`, {}],
    overwrite: ['POST', `${insert}there`, {}],
    patch: ['PATCH', '/storage/v1/b/media/o/there', { contentType: 'a/b' }],
    missing: ['GET', '/storage/v1/b/media/o/missing'],
    bucket: ['GET', '/storage/v1/b/media'],
  })

  async function statuses(role: string, token: string): Promise<string> {
    const all: number[] = []
    for (const [method, path, body] of Object.values(calls(role))) all.push(await statusOf(method, path, token, body))
    return all.join(' ')
  }

  test('are those of the role', async () => {
    const seen: Record<string, string> = {}
    for (const role of roles) seen[role] = await statuses(role, server.token({ account: account(role) }))
    expect(seen).toEqual({
      admin: '200 200 200 200 200 404 200',
      objectAdmin: '200 200 200 200 200 404 403',
      objectCreator: '403 403 200 403 403 403 403',
      objectViewer: '200 200 403 403 403 404 403',
      none: '403 403 403 403 403 403 403',
    })
  })

  test('are limited by the scope of the token', async () => {
    const seen: Record<string, string> = {}
    for (const scope of ['read_only', 'read_write', 'full_control']) {
      seen[scope] = await statuses(scope, server.token({ scopes: [`${base}devstorage.${scope}`] }))
    }
    expect(seen).toEqual({
      read_only: '200 200 403 403 403 404 200',
      read_write: '200 200 200 200 403 404 200',
      full_control: '200 200 200 200 200 404 200',
    })
    const answer = await send(
      'DELETE',
      '/storage/v1/b/media/o/there',
      server.token({ scopes: [`${base}devstorage.read_only`] }),
    )
    expect(answer.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
  })

  test('anonymous callers read what is public, and learn nothing else', async () => {
    expect(await statusOf('GET', '/open/there')).toBe(200)
    expect(await statusOf('GET', '/storage/v1/b/open/o/there?alt=media')).toBe(200)
    expect(await statusOf('GET', '/open/missing')).toBe(404)
    expect(await statusOf('GET', '/media/there')).toBe(403)
    expect(await statusOf('GET', '/media/missing')).toBe(403)
    expect(await statusOf('PUT', '/open/there', undefined, {})).toBe(403)
    expect(await statusOf('DELETE', '/storage/v1/b/open/o/there')).toBe(401)
  })

  test('an ACL on a bucket with uniform access is 400, by every way', async () => {
    const token = server.token()
    const made = await statusOf('POST', '/upload/storage/v1/b/uniform/o?uploadType=media&name=x', token, {})
    const asked = await send(
      'POST',
      '/upload/storage/v1/b/uniform/o?uploadType=media&name=x&predefinedAcl=publicRead',
      token,
      {},
    )
    expect([made, asked.status, await asked.text()]).toEqual([
      200,
      400,
      expect.stringContaining('uniform bucket-level access is enabled'),
    ])
    const headers = { authorization: `Bearer ${token}`, 'x-goog-acl': 'public-read' }
    expect((await fetch(`${server.url}/uniform/x`, { method: 'PUT', headers, body: '' })).status).toBe(400)
    expect(await statusOf('PATCH', '/storage/v1/b/uniform/o/x?predefinedAcl=private', token, {})).toBe(400)
    expect(
      await statusOf(
        'POST',
        '/storage/v1/b/uniform/o/x/rewriteTo/b/uniform/o/y?destinationPredefinedAcl=private',
        token,
        {},
      ),
    ).toBe(400)
    expect(await statusOf('GET', '/storage/v1/b/uniform/o/x/acl', token)).toBe(400)
    expect(
      (await (await send('GET', '/storage/v1/b/uniform/o/x?projection=full', token)).json()) as object,
    ).not.toHaveProperty('acl')
  })
})
