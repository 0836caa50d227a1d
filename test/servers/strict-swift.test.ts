/** The strict Swift server by plain requests: containers, objects, listings, copies. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeIdentity } from '../http/support.ts'
import { type StrictSwift, startStrictSwift, TEMPAUTH } from './strict-swift.ts'

let server: StrictSwift
let token: string
beforeAll(async () => {
  server = await startStrictSwift({
    limits: { maxFileSize: 1000, listingLimit: 100, maxObjectName: 64, maxContainerName: 32 },
  })
  token = server.token()
})
afterAll(() => server.close())

const md5 = (bytes: string | Buffer): string => createHash('md5').update(bytes).digest('hex')

/** One request with the token; the path is below the account. */
function call(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Response> {
  const init = body === undefined ? {} : { body }
  return fetch(`${server.storageUrl}${path}`, { method, headers: { 'x-auth-token': token, ...headers }, ...init })
}

/** A container of its own for a test. */
async function made(name: string): Promise<string> {
  expect((await call('PUT', `/${name}`)).status).toBe(201)
  return `/${name}`
}

async function listed(path: string): Promise<string[]> {
  const answer = await call('GET', path)
  expect(answer.status).toBe(200)
  const rows = (await answer.json()) as { name?: string; subdir?: string }[]
  return rows.map(row => row.name ?? `${row.subdir} (subdir)`)
}

/** A complaint is 400 and goes into the list. */
async function complained(answer: Promise<Response>, about: string): Promise<void> {
  expect((await answer).status).toBe(400)
  expect(server.complaints.filter(one => one.includes(about))).not.toEqual([])
}

describe('accounts and containers', () => {
  test('a container is made with 201, again with 202, and deleted with 204 once it is empty', async () => {
    const c = await made('cycle')
    expect((await call('PUT', c)).status).toBe(202)
    expect((await call('PUT', `${c}/o`, {}, 'x')).status).toBe(201)
    expect((await call('DELETE', c)).status).toBe(409)
    const head = await call('HEAD', c)
    expect([head.status, head.headers.get('x-container-object-count')]).toEqual([204, '1'])
    expect(head.headers.get('x-container-bytes-used')).toBe('1')
    expect((await call('DELETE', `${c}/o`)).status).toBe(204)
    expect((await call('DELETE', c)).status).toBe(204)
    expect((await call('DELETE', c)).status).toBe(404)
    expect((await call('HEAD', c)).status).toBe(404)
    expect((await call('PUT', `/${'n'.repeat(33)}`)).status).toBe(400)
  })

  test('metadata of a container and of the account is changed by what is named only', async () => {
    const c = await made('meta')
    await call('POST', c, { 'x-container-meta-a': '1', 'x-container-meta-b': '2' })
    await call('POST', c, { 'x-container-meta-b': '3' })
    await call('POST', c, { 'x-remove-container-meta-a': 'x' })
    const { headers } = await call('HEAD', c)
    expect([headers.get('x-container-meta-a'), headers.get('x-container-meta-b')]).toEqual([null, '3'])
    expect((await call('POST', '', { 'x-account-meta-colour': 'red' })).status).toBe(204)
    const account = await call('HEAD', '')
    expect([account.status, account.headers.get('x-account-meta-colour')]).toEqual([204, 'red'])
    expect(account.headers.get('x-account-container-count')).toMatch(/^\d+$/)
  })

  test('containers are listed', async () => {
    await made('listed-a')
    await made('listed-b')
    expect(await listed('?format=json&prefix=listed-')).toEqual(['listed-a', 'listed-b'])
    expect(await listed('?format=json&prefix=listed-&marker=listed-a')).toEqual(['listed-b'])
    expect((await call('GET', '?format=json&limit=101')).status).toBe(412)
    const plain = await call('GET', '?prefix=listed-')
    expect(await plain.text()).toBe('listed-a\nlisted-b\n')
    expect((await call('GET', '?prefix=nothing')).status).toBe(204)
  })

  test('public containers are read without a token, and private ones not', async () => {
    const c = await made('public')
    await call('PUT', `${c}/o`, {}, 'open')
    const anonymous = (path: string): Promise<Response> => fetch(`${server.storageUrl}${path}`)
    expect((await anonymous(`${c}/o`)).status).toBe(401)
    expect((await call('POST', c, { 'x-container-read': '.r:*' })).status).toBe(204)
    expect(await (await anonymous(`${c}/o`)).text()).toBe('open')
    expect((await anonymous(`${c}?format=json`)).status).toBe(401)
    await call('POST', c, { 'x-container-read': '.r:*,.rlistings' })
    expect((await anonymous(`${c}?format=json`)).status).toBe(200)
    await call('POST', c, { 'x-container-read': '' })
    expect((await anonymous(`${c}/o`)).status).toBe(401)
    expect((await call('POST', c, { 'x-container-read': '.x:*' })).status).toBe(400)
    expect((await call('POST', c, { 'x-container-write': '.r:*' })).status).toBe(400)
  })
})

describe('listings', () => {
  beforeAll(async () => {
    await made('list')
    for (const name of ['a', 'a/1', 'a/2', 'a/b/3', 'b/4', 'c', '\u{1F600}', '\uFF5E'])
      server.put(name, name, { container: 'list' })
  })

  test.each([
    ['', ['a', 'a/1', 'a/2', 'a/b/3', 'b/4', 'c', '\uFF5E', '\u{1F600}']],
    ['&delimiter=/', ['a', 'a/ (subdir)', 'b/ (subdir)', 'c', '\uFF5E', '\u{1F600}']],
    ['&delimiter=/&limit=2', ['a', 'a/ (subdir)']],
    ['&delimiter=/&limit=2&marker=a/', ['b/ (subdir)', 'c']],
    ['&delimiter=/&prefix=a/', ['a/1', 'a/2', 'a/b/ (subdir)']],
    ['&marker=a/1&end_marker=c', ['a/2', 'a/b/3', 'b/4']],
    ['&reverse=true&prefix=a', ['a/b/3', 'a/2', 'a/1', 'a']],
    ['&reverse=true&prefix=a&marker=a/2', ['a/1', 'a']],
    ['&path=a', ['a/1', 'a/2']],
    ['&prefix=none', []],
  ])('%s', async (query, names) => {
    expect(await listed(`/list?format=json${query}`)).toEqual(names)
  })

  test('an entry has size, hash, type and a date without a zone', async () => {
    const answer = await call('GET', '/list?format=json&limit=1')
    expect(await answer.json()).toEqual([
      {
        name: 'a',
        bytes: 1,
        hash: md5('a'),
        content_type: 'application/octet-stream',
        last_modified: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/),
      },
    ])
  })

  test('a ghost is listed and cannot be read, and a late object is listed later', async () => {
    await made('odd')
    server.container('odd').ghosts.add('gone')
    server.put('late', 'x', { container: 'odd' })
    server.container('odd').late.set('late', 1)
    expect(await listed('/odd?format=json')).toEqual(['gone'])
    expect(await listed('/odd?format=json')).toEqual(['gone', 'late'])
    expect((await call('HEAD', '/odd/gone')).status).toBe(404)
    expect((await call('DELETE', '/odd/gone')).status).toBe(404)
  })
})

describe('objects', () => {
  beforeAll(async () => void (await made('o')))

  test('what is put is read, whole and in part', async () => {
    const put = await call(
      'PUT',
      '/o/a%20b/%C3%BC.txt',
      { 'x-object-meta-who': 'me', etag: md5('0123456789') },
      '0123456789',
    )
    expect([put.status, put.headers.get('etag')]).toEqual([201, md5('0123456789')])
    const get = await call('GET', '/o/a%20b/%C3%BC.txt')
    expect(await get.text()).toBe('0123456789')
    expect(get.headers.get('x-object-meta-who')).toBe('me')
    expect(get.headers.get('etag')).toBe(md5('0123456789'))
    const part = await call('GET', '/o/a%20b/%C3%BC.txt', { range: 'bytes=2-4' })
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 2-4/10', '234'])
    const beyond = await call('GET', '/o/a%20b/%C3%BC.txt', { range: 'bytes=10-' })
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10'])
    const head = await call('HEAD', '/o/a%20b/%C3%BC.txt')
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '10'])
  })

  test('conditions of a read', async () => {
    await call('PUT', '/o/cond', {}, 'x')
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await call('GET', '/o/cond', headers)).status
    expect(await status({ 'if-match': `"${md5('x')}"` })).toBe(200)
    expect(await status({ 'if-match': '"other"' })).toBe(412)
    expect(await status({ 'if-none-match': md5('x') })).toBe(304)
    const later = new Date(Date.now() + 60_000).toUTCString()
    expect(await status({ 'if-modified-since': later })).toBe(304)
    expect(await status({ 'if-unmodified-since': new Date(0).toUTCString() })).toBe(412)
  })

  test('a wrong ETag is 422, and nothing is stored', async () => {
    expect((await call('PUT', '/o/bad', { etag: md5('other') }, 'x')).status).toBe(422)
    expect((await call('HEAD', '/o/bad')).status).toBe(404)
  })

  test('If-None-Match: * keeps what is there', async () => {
    expect((await call('PUT', '/o/once', { 'if-none-match': '*' }, '1')).status).toBe(201)
    expect((await call('PUT', '/o/once', { 'if-none-match': '*' }, '2')).status).toBe(412)
    expect((await call('PUT', '/o/once', { 'if-none-match': '"x"' }, '2')).status).toBe(400)
    expect(server.object('once', 'o')?.bytes.toString()).toBe('1')
  })

  test('a body in chunks is taken, none without a length, and none that is too large', async () => {
    const send = (headers: Record<string, string>, body: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const sent = { 'x-auth-token': token, ...headers }
        const outgoing = httpRequest(`${server.storageUrl}/o/chunked`, { method: 'PUT', headers: sent }, answer => {
          answer.resume()
          resolve(answer.statusCode ?? 0)
        })
        outgoing.on('error', reject)
        if (headers['transfer-encoding'] === undefined && headers['content-length'] === undefined) {
          outgoing.removeHeader('transfer-encoding')
          outgoing.useChunkedEncodingByDefault = false
        }
        outgoing.end(body)
      })
    expect(await send({ 'transfer-encoding': 'chunked' }, 'chunks')).toBe(201)
    expect(server.object('chunked', 'o')?.bytes.toString()).toBe('chunks')
    expect(await send({ 'transfer-encoding': 'chunked' }, 'c'.repeat(1001))).toBe(413)
    expect(await send({ 'content-length': '1001' }, 'c'.repeat(1001))).toBe(413)
    expect(await send({}, '')).toBe(411)
    expect(server.object('chunked', 'o')?.bytes.toString()).toBe('chunks')
  })

  test('a POST replaces all metadata and drops a date of deletion, a manifest and other headers', async () => {
    const headers = {
      'x-object-meta-a': '1',
      'x-object-meta-b': '2',
      'x-delete-after': '100',
      'content-encoding': 'gzip',
    }
    await call('PUT', '/o/post', { ...headers, 'content-type': 'text/odd', 'x-object-manifest': 'o/none-' }, '')
    const before = (await call('HEAD', '/o/post?multipart-manifest=get')).headers
    expect([before.get('x-delete-at'), before.get('x-object-manifest')]).toEqual([
      expect.stringMatching(/^\d+$/),
      'o/none-',
    ])
    expect((await call('POST', '/o/post', { 'x-object-meta-b': '3' })).status).toBe(202)
    const { headers: after } = await call('HEAD', '/o/post')
    const names = ['x-object-meta-a', 'x-object-meta-b', 'x-delete-at', 'x-object-manifest', 'content-encoding']
    expect(names.map(name => after.get(name))).toEqual([null, '3', null, null, null])
    expect(after.get('content-type')).toBe('text/odd')
    expect((await call('POST', '/o/nothing', { 'x-object-meta-b': '3' })).status).toBe(404)
  })

  test('metadata beyond ASCII comes back as its bytes; too much is refused', async () => {
    const value = Buffer.from('Jürgen 日本').toString('latin1')
    await call('PUT', '/o/utf8', { 'x-object-meta-who': value }, 'x')
    expect((await call('HEAD', '/o/utf8')).headers.get('x-object-meta-who')).toBe(value)
    expect((await call('PUT', '/o/utf8', { 'x-object-meta-who': '\xff' }, 'x')).status).toBe(400)
    expect((await call('PUT', '/o/utf8', { 'x-object-meta-who': 'x'.repeat(257) }, 'x')).status).toBe(400)
    expect((await call('PUT', '/o/utf8', { [`x-object-meta-${'x'.repeat(129)}`]: 'x' }, 'x')).status).toBe(400)
  })

  test('X-Delete-After and X-Delete-At', async () => {
    let now = Date.now()
    const other = await startStrictSwift({ now: () => now })
    try {
      const auth = { 'x-auth-token': other.token() }
      const put = (headers: Record<string, string>): Promise<Response> =>
        fetch(`${other.storageUrl}/media/o`, { method: 'PUT', headers: { ...auth, ...headers }, body: 'x' })
      expect((await put({ 'x-delete-after': '10' })).status).toBe(201)
      now += 11_000
      expect((await fetch(`${other.storageUrl}/media/o`, { headers: auth })).status).toBe(404)
      const rows = await fetch(`${other.storageUrl}/media?format=json`, { headers: auth })
      expect(await rows.json()).toHaveLength(1)
      expect((await put({ 'x-delete-at': String(Math.floor(now / 1000) - 5) })).status).toBe(400)
      expect((await put({ 'x-delete-at': 'tomorrow' })).status).toBe(400)
    } finally {
      await other.close()
    }
  })

  test('names: too long, missing container, missing object', async () => {
    expect((await call('PUT', `/o/${'n'.repeat(65)}`, {}, 'x')).status).toBe(400)
    expect((await call('PUT', '/none/o', {}, 'x')).status).toBe(404)
    expect((await call('GET', '/none/o')).status).toBe(404)
    expect((await call('DELETE', '/o/none')).status).toBe(404)
    expect((await call('PUT', '/o/%FF', {}, 'x')).status).toBe(412)
  })
})

describe('copies', () => {
  beforeAll(async () => void (await made('copy')))

  test('PUT with X-Copy-From and COPY take bytes, type and metadata along', async () => {
    await call('PUT', '/copy/a%20%C3%BC', { 'x-object-meta-a': '1', 'content-type': 'text/odd' }, 'source')
    const put = await call('PUT', '/copy/b', {
      'x-copy-from': '/copy/a%20%C3%BC',
      'content-length': '0',
      'x-object-meta-b': '2',
    })
    expect([put.status, put.headers.get('x-copied-from')]).toEqual([201, 'copy/a%20%C3%BC'])
    const { headers } = await call('HEAD', '/copy/b')
    expect(['x-object-meta-a', 'x-object-meta-b', 'content-type'].map(name => headers.get(name))).toEqual([
      '1',
      '2',
      'text/odd',
    ])
    const fresh = { destination: 'copy/c', 'x-fresh-metadata': 'true', 'x-object-meta-c': '3' }
    expect((await call('COPY', '/copy/b', fresh)).status).toBe(201)
    const third = await call('GET', '/copy/c')
    expect(['x-object-meta-a', 'x-object-meta-c', 'content-type'].map(name => third.headers.get(name))).toEqual([
      null,
      '3',
      'text/odd',
    ])
    expect(await third.text()).toBe('source')
  })

  test('what cannot be copied', async () => {
    const put = (from: string, body?: string): Promise<Response> =>
      call('PUT', '/copy/x', { 'x-copy-from': from }, body)
    expect((await put('/copy/none')).status).toBe(404)
    expect((await put('copy')).status).toBe(412)
    expect((await put('/copy/a%20%C3%BC', 'body')).status).toBe(400)
    expect((await call('COPY', '/copy/none', { destination: 'copy/x' })).status).toBe(404)
    expect((await call('COPY', '/copy/a')).status).toBe(412)
  })
})

describe('what no client should send is complained of', () => {
  test('headers, parameters and bodies that mean nothing', async () => {
    await complained(call('PUT', '/media/o', { 'if-match': '"x"' }, 'x'), 'if-match')
    await complained(call('PUT', '/media/o', { 'x-amz-acl': 'private' }, 'x'), 'x-amz-acl')
    await complained(call('GET', '/media?format=json&max-keys=2'), 'max-keys')
    await complained(call('GET', '/media?format=json&limit=many'), 'the limit')
    await complained(call('DELETE', '/media/o', {}, 'body'), 'takes no body')
    await complained(call('PUT', '/media/o', { 'x-copy-from': '/media/100%' }), 'not encoded')
    await complained(call('GET', '/media/100%'), 'percent sign')
    expect(server.names()).toEqual([])
  })

  test('other paths and methods', async () => {
    expect((await fetch(`${server.url}/v9/x`)).status).toBe(404)
    expect((await call('PATCH', '/media')).status).toBe(405)
    expect((await fetch(`${server.url}/healthcheck`)).status).toBe(200)
  })
})

test('over TLS every address is https, and the certificate is the one that was given', async () => {
  using identity = makeIdentity()
  const other = await startStrictSwift({ tls: identity })
  try {
    expect(other.authUrl).toMatch(/^https:/)
    const headers = { 'x-auth-user': TEMPAUTH.user, 'x-auth-key': TEMPAUTH.key }
    const asked = httpsRequest(other.authUrl, { ca: identity.cert, headers }).end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    answer.resume()
    expect(answer.headers['x-storage-url']).toBe(other.storageUrl)
    await expect(fetch(other.authUrl, { headers })).rejects.toThrow()
  } finally {
    await other.close()
  }
})
