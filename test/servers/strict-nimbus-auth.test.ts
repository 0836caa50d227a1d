/** Signatures, hosts and collections of the strict Nimbus.io server. */
import { get as httpsGet } from 'node:https'
import { afterAll, describe, expect, test } from 'vitest'
import { makeIdentity } from '../http/support.ts'
import { send } from './strict-atmos/asker.ts'
import { startStrictAtmos } from './strict-atmos.ts'
import { type Answered, ask, digestOf, type NimbusAsked } from './strict-nimbus/asker.ts'
import { startStrictNimbus } from './strict-nimbus.ts'

const KEY = 'DwWKayqqnWnmLouZQKfncsNj72x7TThMA3uO9Y/IBJg'
const DIGEST = '317df0926d72ac610d7d3e819000b77a537f4acfa7c63d5322b2d9afbda82a47'
const NOW = 1_276_808_600

const alice = { username: 'alice', keyId: 5001, key: KEY }
const bob = { username: 'bob', keyId: 5002, key: 'bobs key' }
const server = await startStrictNimbus({
  now: () => NOW * 1000,
  domain: 'objects.test',
  users: [alice, bob],
  collections: [
    'media',
    { name: 'bobs', owner: 'bob' },
    { name: 'open', accessControl: { version: '1.0', allow_unauth_read: true } },
    { name: 'elsewhere', accessControl: { version: '1.0', ipv4_whitelist: ['192.0.2.0/24'] } },
  ],
})
const old = await startStrictNimbus({ oldCollections: true, oldCreateStatus: true, deletesFull: true })
afterAll(() => Promise.all([server.close(), old.close()]))

const at = (method: string, uri: string, asked?: NimbusAsked): Promise<Answered> =>
  ask(server, method, uri, { now: NOW, ...asked })
const data = (method: string, uri: string, asked?: NimbusAsked): Promise<Answered> =>
  at(method, uri, { collection: 'media', ...asked })
const managed = (method: string, rest = '', asked?: NimbusAsked): Promise<Answered> =>
  at(method, `/customers/alice/collections${rest}`, asked)
const json = ({ body }: Answered): unknown => JSON.parse(String(body))

describe.concurrent('signatures', () => {
  test('the digest is that of user, method, time and path', () => {
    expect(digestOf(KEY, 'alice', 'GET', NOW, '/list_collections')).toBe(DIGEST)
  })

  test('a signature is taken for what it was made for, and for nothing else', async () => {
    const uri = '/data/?prefix=a+b%2Bc'
    const signature = digestOf(KEY, 'alice', 'GET', NOW, uri)
    expect((await data('GET', uri, { signature })).status).toBe(200)
    expect((await data('GET', uri, { signature: signature.toUpperCase() })).status).toBe(200)
    // Both are signed as a blank and a plus sign.
    expect((await data('GET', '/data/?prefix=a%20b%2Bc', { signature })).status).toBe(200)
    for (const [other, asked] of [
      ['/data/?prefix=a+b+c', { signature }],
      [uri, { signature, now: NOW + 1 }],
      [uri, { username: 'bob' }],
      [uri, { signature: digestOf(`${KEY}x`, 'alice', 'GET', NOW, uri) }],
      [uri, { signature: digestOf(KEY, 'alice', 'HEAD', NOW, uri) }],
      [uri, { signature: `${signature.slice(2)}00` }],
      [uri, { signature: 'no digest' }],
    ] as const) {
      expect((await data('GET', other, asked)).status, JSON.stringify([other, asked])).toBe(401)
    }
  })

  test('a clock that is more than ten minutes off is refused', async () => {
    for (const [seconds, status] of [
      [-600, 200],
      [600, 200],
      [-601, 401],
      [601, 401],
    ] as const) {
      expect((await data('GET', '/data/', { now: NOW + seconds })).status, String(seconds)).toBe(status)
    }
  })

  test('an unknown collection, and one of another user, are answered as a wrong signature', async () => {
    expect((await at('GET', '/data/', { collection: 'nothing' })).status).toBe(401)
    expect((await at('GET', '/data/', { collection: 'bobs' })).status).toBe(401)
    expect((await ask({ ...server, user: bob }, 'GET', '/data/', { collection: 'bobs', now: NOW })).status).toBe(200)
    const key = { ...server, user: { ...alice, keyId: 5002 } }
    expect((await ask(key, 'GET', '/data/', { collection: 'media', now: NOW })).status).toBe(401)
    expect((await at('GET', '/customers/bob/collections')).status).toBe(401)
  })

  test('without a signature only what a collection allows is done', async () => {
    await at('POST', '/data/x', { collection: 'open', body: 'open' })
    const unsigned = (method: string, uri: string, collection: string): Promise<Answered> =>
      send(server.url + uri, method, { host: `${collection}.objects.test:${server.port}`, 'content-length': '0' })
    const read = await unsigned('GET', '/data/x', 'open')
    expect([read.status, String(read.body)]).toEqual([200, 'open'])
    expect((await unsigned('DELETE', '/data/x', 'open')).status).toBe(401)
    expect((await unsigned('GET', '/data/', 'open')).status).toBe(401)
    expect((await unsigned('GET', '/data/x', 'media')).status).toBe(401)
    expect((await at('GET', '/data/', { collection: 'elsewhere' })).status).toBe(403)
  })
})

test('both servers speak TLS where they get a certificate', async () => {
  using identity = makeIdentity()
  const servers = [await startStrictNimbus({ tls: identity }), await startStrictAtmos({ tls: identity })]
  for (const { url } of servers) {
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
    const asked = httpsGet(`${url}/nothing`, { ca: identity.cert, agent: false }, answer => {
      answer.resume().once('end', () => resolve(answer.statusCode))
    })
    asked.once('error', reject)
    expect(await promise).toBe(404)
  }
  await Promise.all(servers.map(one => one.close()))
})

describe.concurrent('hosts', () => {
  test('a host that is not of the service, and a URL that there is not, are not found', async () => {
    for (const headers of [{ host: 'media.else.test' }, { host: 'a.b.objects.test' }, { host: '127.0.0.1' }]) {
      expect((await at('GET', '/data/', { headers })).status).toBe(404)
    }
    expect((await data('GET', '/other')).status).toBe(404)
    expect((await at('GET', '/data/')).status).toBe(404)
    expect((await data('GET', '/customers/alice/collections')).status).toBe(404)
    expect((await data('PUT', '/data/x', { body: 'x' })).status).toBe(404)
    expect((await at('GET', '/data/', { headers: { host: 'media.objects.test' } })).status).toBe(200)
  })
})

describe.concurrent('collections', () => {
  test('a collection is made, described, and deleted', async () => {
    const made = await managed('POST', '?action=create&name=new-one')
    const born = 'Thu, 17 Jun 2010 21:03:20 GMT'
    expect([made.status, json(made)]).toEqual([201, { name: 'new-one', versioning: false, 'creation-time': born }])
    const described = {
      name: 'new-one',
      default_collection: false,
      versioning: false,
      access_control: null,
      'creation-time': born,
    }
    expect(json(await managed('GET', '/new-one'))).toEqual({ success: true, ...described })
    const all = json(await managed('GET')) as { name: string; default_collection: boolean }[]
    expect(all).toContainEqual(described)
    expect(all.filter(one => one.default_collection).map(one => one.name)).toEqual(['dd-alice'])
    expect(all.map(one => one.name)).not.toContain('bobs')
    const deleted = await managed('DELETE', '/new-one')
    expect([deleted.status, json(deleted)]).toEqual([200, { success: true }])
    const missing = await managed('GET', '/new-one')
    expect([missing.status, json(missing)]).toEqual([404, { success: false, error_message: 'No such collection' }])
    expect((await managed('DELETE', '/new-one')).status).toBe(404)
    await managed('POST', '?action=create&name=new-two')
    expect((await managed('POST', '/new-two?action=delete')).status).toBe(200)
  })

  test('a name that is taken or not valid is a conflict', async () => {
    for (const name of [
      'media',
      'bobs',
      'a',
      'A-b',
      '-ab',
      'ab-',
      'a--b',
      'a_b',
      'rr-alice-x',
      'dd-x',
      'x'.repeat(64),
      '',
    ]) {
      const refused = await managed('POST', `?action=create&name=${name}`)
      expect([refused.status, json(refused)], name).toEqual([409, { name, 'error-messages': ['Invalid Name'] }])
    }
    expect((await managed('POST', '?name=new-one&action=create')).status).toBe(404)
  })

  test('the default collection stays, and one that is not empty', async () => {
    expect((await managed('DELETE', '/dd-alice')).status).toBe(405)
    await managed('POST', '?action=create&name=full')
    await at('POST', '/data/x', { collection: 'full', body: 'x' })
    expect((await managed('DELETE', '/full')).status).toBe(403)
    await at('DELETE', '/data/x', { collection: 'full' })
    expect((await managed('DELETE', '/full')).status).toBe(200)
    expect((await managed('DELETE', '/bobs')).status).toBe(404)
  })

  test('versioning and access control are set by PUT with a length', async () => {
    await managed('POST', '?action=create&name=settable')
    expect(json(await managed('PUT', '/settable?versioning=True'))).toEqual({ success: true })
    expect(server.collection('settable').versioning).toBe(true)
    const control = { version: '1.0', allow_unauth_read: true, locations: [{ prefix: 'public/' }] }
    const update = (body: string): Promise<Answered> => managed('PUT', '/settable?access_control=update', { body })
    expect((await update(JSON.stringify(control))).status).toBe(200)
    expect(json(await managed('GET', '/settable'))).toMatchObject({ access_control: control, versioning: true })
    for (const body of ['', '[]', '{"version":"2.0"}', '{"version":"1.0","other":1}', `"${'x'.repeat(16384)}"`]) {
      const refused = await update(body)
      expect([refused.status, json(refused)]).toEqual([400, { success: false, error_list: [expect.any(String)] }])
    }
    const bare = { 'content-length': [] as unknown as string, 'transfer-encoding': 'chunked' }
    expect((await managed('PUT', '/settable?versioning=True', { headers: bare, body: 'x' })).status).toBe(411)
    expect((await managed('PUT', '/bobs?versioning=True')).status).toBe(403)
    expect((await managed('PUT', '/settable?colour=red')).status).toBe(405)
  })

  test('access control may come with a new collection', async () => {
    const body = JSON.stringify({ version: '1.0', allow_unauth_list: true })
    const type = { 'content-type': 'application/json' }
    expect((await managed('POST', '?action=create&name=controlled', { body, headers: type })).status).toBe(201)
    expect(server.collection('controlled').accessControl).toEqual({ version: '1.0', allow_unauth_list: true })
    expect((await managed('POST', '?action=create&name=plain', { body })).status).toBe(400)
  })

  test('what is used is told by day', async () => {
    const usage = json(await managed('GET', '/media?action=space_usage&days_of_history=2'))
    expect(usage).toMatchObject({ success: true, operational_stats: [{ day: '2010-06-17' }, { day: '2010-06-16' }] })
    expect((await managed('GET', '/nothing?action=space_usage')).status).toBe(404)
  })

  test('older servers answer arrays, and 200 to a new collection', async () => {
    const made = await ask(old, 'POST', '/customers/alice/collections?action=create&name=new-one')
    expect(made.status).toBe(200)
    const all = json(await ask(old, 'GET', '/customers/alice/collections'))
    expect(all).toContainEqual(['new-one', false, expect.stringMatching(/ GMT$/)])
    await ask(old, 'POST', '/data/x', { collection: 'new-one', body: 'x' })
    expect((await ask(old, 'DELETE', '/customers/alice/collections/new-one')).status).toBe(200)
  })
})
