/** Large objects, bulk deletions and temporary URLs of the strict Swift server, by plain requests. */
import { createHash, createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type StrictSwift, type StrictSwiftOptions, startStrictSwift, TEMPAUTH } from './strict-swift.ts'

let server: StrictSwift
let token: string
beforeAll(async () => {
  server = await startStrictSwift({
    containers: ['media', 'parts'],
    tempUrlKey: 'sécret',
    heartbeats: true,
    limits: { maxManifestSegments: 3, maxDeletes: 4, maxFailedDeletes: 2 },
  })
  token = server.token()
})
afterAll(async () => {
  expect(server.complaints).toEqual([])
  await server.close()
})
beforeEach(() => {
  for (const name of ['media', 'parts']) server.container(name).objects.clear()
  for (const [index, text] of ['one', 'two', 'three'].entries()) server.put(`s/${index}`, text, { container: 'parts' })
})

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
const etags = ['one', 'two', 'three'].map(md5)

function call(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Response> {
  const init = body === undefined ? {} : { body }
  return fetch(`${server.storageUrl}${path}`, { method, headers: { 'x-auth-token': token, ...headers }, ...init })
}

const put = (segments: unknown, path = '/media/slo', headers: Record<string, string> = {}): Promise<Response> =>
  call('PUT', `${path}?multipart-manifest=put`, headers, JSON.stringify(segments))
const good = [
  { path: '/parts/s/0', etag: etags[0], size_bytes: 3 },
  { path: 'parts/s/1' },
  { path: '/parts/s/2', range: '1-3' },
]

describe('static large objects', () => {
  test('are joined, with an ETag in quotes, and read over their borders', async () => {
    const made = await put(good, '/media/slo', { 'content-type': 'text/odd', 'x-object-meta-a': '1' })
    const etag = `"${md5(`${etags[0]}${etags[1]}${etags[2]}:1-3;`)}"`
    expect([made.status, made.headers.get('etag')]).toEqual([201, etag])
    const read = await call('GET', '/media/slo')
    expect([await read.text(), read.headers.get('etag')]).toEqual(['onetwohre', etag])
    expect(read.headers.get('x-static-large-object')).toBe('True')
    expect((await call('HEAD', '/media/slo')).headers.get('content-length')).toBe('9')
    expect(await (await call('GET', '/media/slo', { range: 'bytes=2-6' })).text()).toBe('etwoh')
    const raw = await call('GET', '/media/slo?multipart-manifest=get')
    const rows = (await raw.json()) as { name: string; hash: string; bytes: number }[]
    expect(rows.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['/parts/s/0', 3],
      ['/parts/s/1', 3],
      ['/parts/s/2', 5],
    ])
    const [listed] = (await (await call('GET', '/media?format=json')).json()) as object[]
    expect(listed).toMatchObject({ name: 'slo', bytes: 9, hash: raw.headers.get('etag'), slo_etag: etag })
  })

  test.each([
    ['no JSON', 'x', 400, 'valid JSON'],
    ['no list', {}, 400, 'must be a list'],
    ['a missing segment', [{ path: '/parts/none' }], 400, '/parts/none, 404 Not Found'],
    ['a wrong ETag', [{ path: '/parts/s/0', etag: 'x' }], 400, 'Etag Mismatch'],
    ['a wrong size', [{ path: '/parts/s/0', size_bytes: 4 }], 400, 'Size Mismatch'],
    ['an unknown key', [{ path: '/parts/s/0', md5: 'x' }], 400, 'extraneous keys'],
    ['a container', [{ path: '/parts' }], 400, 'does not refer to an object'],
    ['itself', [{ path: '/media/slo' }], 400, 'must not include itself'],
    ['a range beyond the end', [{ path: '/parts/s/0', range: '3-9' }], 400, 'Unsatisfiable Range'],
    ['too many', [...good, { path: '/parts/s/0' }], 413, 'must be <= 3'],
  ])('%s is refused', async (_title, segments, status, text) => {
    const answer = segments === 'x' ? call('PUT', '/media/slo?multipart-manifest=put', {}, '{') : put(segments)
    expect([(await answer).status, await (await answer).text()]).toEqual([status, expect.stringContaining(text)])
    expect(server.object('slo')).toBeUndefined()
  })

  test('a segment that is gone or another one makes a read 409', async () => {
    await put(good)
    server.put('s/1', 'six', { container: 'parts' })
    expect((await call('GET', '/media/slo')).status).toBe(409)
    server.container('parts').objects.delete('s/1')
    expect((await call('GET', '/media/slo')).status).toBe(409)
  })

  test('a plain DELETE and a PUT leave the segments, multipart-manifest=delete takes them along', async () => {
    await put(good)
    expect((await call('DELETE', '/media/slo')).status).toBe(204)
    expect(server.names('parts')).toHaveLength(3)
    await put(good)
    await call('PUT', '/media/slo', {}, 'plain')
    expect(server.names('parts')).toHaveLength(3)
    const json = { accept: 'application/json' }
    const wrong = await call('DELETE', '/media/slo?multipart-manifest=delete', json)
    expect(await wrong.json()).toMatchObject({ Errors: [['/media/slo', 'Not an SLO manifest']], 'Number Deleted': 0 })
    await put(good)
    const right = await call('DELETE', '/media/slo?multipart-manifest=delete', json)
    expect(await right.json()).toMatchObject({ 'Response Status': '200 OK', 'Number Deleted': 4, Errors: [] })
    expect([server.names(), server.names('parts')]).toEqual([[], []])
  })

  test('a copy has the content, or the manifest where it is asked for', async () => {
    await put(good)
    await call('COPY', '/media/slo', { destination: 'media/content' })
    expect(server.object('content')?.bytes.toString()).toBe('onetwohre')
    await call('COPY', '/media/slo?multipart-manifest=get', { destination: 'media/manifest' })
    expect(server.object('manifest')?.slo?.segments).toHaveLength(3)
  })
})

describe('dynamic large objects', () => {
  const manifest = { 'x-object-manifest': 'parts/s%2F' }

  test('are what the listing of their segments says', async () => {
    expect((await call('PUT', '/media/dlo', manifest, '')).status).toBe(201)
    const read = await call('GET', '/media/dlo')
    expect([await read.text(), read.headers.get('etag')]).toEqual(['onetwothree', `"${md5(etags.join(''))}"`])
    server.container('parts').late.set('s/2', 1)
    expect((await call('HEAD', '/media/dlo')).headers.get('content-length')).toBe('6')
    expect((await call('HEAD', '/media/dlo')).headers.get('content-length')).toBe('11')
    const [listed] = (await (await call('GET', '/media?format=json')).json()) as object[]
    expect(listed).toMatchObject({ name: 'dlo', bytes: 0 })
    expect((await call('PUT', '/media/bad', { 'x-object-manifest': 'parts' }, '')).status).toBe(400)
  })

  test('a copy has the content, or the manifest where it is asked for', async () => {
    await call('PUT', '/media/dlo', manifest, '')
    await call('PUT', '/media/content', { 'x-copy-from': '/media/dlo', 'content-length': '0' })
    expect([server.object('content')?.bytes.toString(), server.object('content')?.manifest]).toEqual([
      'onetwothree',
      undefined,
    ])
    await call('COPY', '/media/dlo?multipart-manifest=get', { destination: 'media/manifest' })
    expect(server.object('manifest')?.manifest).toBe('parts/s%2F')
  })
})

describe('bulk deletions', () => {
  const text = { 'content-type': 'text/plain', accept: 'application/json' }
  const remove = async (...names: string[]): Promise<object> => {
    const answer = await call('POST', '?bulk-delete', text, names.join('\n'))
    expect(answer.status).toBe(200)
    return (await answer.json()) as object
  }

  test('count what is deleted, missing and refused', async () => {
    server.put('a ü', 'x')
    server.bulkFailures.set('parts/s/1', 503)
    const found = await remove('/media/a%20%C3%BC', 'media/none', '/parts/s/1')
    server.bulkFailures.clear()
    expect(found).toEqual({
      'Response Status': '400 Bad Request',
      'Response Body': '',
      'Number Deleted': 1,
      'Number Not Found': 1,
      Errors: [['/parts/s/1', '503 Service Unavailable']],
    })
    expect(await remove('/parts')).toMatchObject({ Errors: [['/parts', '409 Conflict']] })
  })

  test('limits are told in the body of a success', async () => {
    expect(await remove('a/1', 'a/2', 'a/3', 'a/4', 'a/5')).toMatchObject({
      'Response Status': '413 Request Entity Too Large',
    })
    expect(await remove('')).toMatchObject({
      'Response Status': '400 Bad Request',
      'Response Body': 'Invalid bulk delete.',
    })
  })
})

describe('temporary URLs', () => {
  const path = `/v1/${TEMPAUTH.account}/media/folder/a b.txt`
  const later = Math.floor(Date.now() / 1000) + 60
  const sign = (digest: string, text: string): string => createHmac(digest, 'sécret').update(text).digest('hex')
  const statusOf = async (query: Record<string, string | number>, method = 'GET', at = path): Promise<number> => {
    const pairs = Object.entries(query).map(([name, value]): [string, string] => [name, String(value)])
    const body = method === 'PUT' ? { body: 'sent' } : {}
    const answer = await fetch(`${server.url}${encodeURI(at)}?${new URLSearchParams(pairs)}`, { method, ...body })
    await answer.arrayBuffer()
    return answer.status
  }
  beforeEach(() => void server.put('folder/a b.txt', 'x', { metadata: { private: '1' } }))

  test.each(['sha1', 'sha256', 'sha512'])('%s, in hex and named', async digest => {
    const temp_url_sig = sign(digest, `GET\n${later}\n${path}`)
    expect(await statusOf({ temp_url_sig, temp_url_expires: later })).toBe(200)
    expect(await statusOf({ temp_url_sig, temp_url_expires: later }, 'HEAD')).toBe(200)
    expect(await statusOf({ temp_url_sig, temp_url_expires: later }, 'DELETE')).toBe(401)
    expect(await statusOf({ temp_url_sig, temp_url_expires: later + 1 })).toBe(401)
    const named = `${digest}:${Buffer.from(temp_url_sig, 'hex').toString('base64')}`
    expect(await statusOf({ temp_url_sig: named, temp_url_expires: later })).toBe(200)
  })

  test('a prefix, a network, a date, the past', async () => {
    const prefix = `/v1/${TEMPAUTH.account}/media/folder/`
    const temp_url_sig = sign('sha256', `GET\n${later}\nprefix:${prefix}`)
    const query = { temp_url_sig, temp_url_expires: later, temp_url_prefix: 'folder/' }
    expect(await statusOf(query)).toBe(200)
    expect(await statusOf(query, 'GET', `/v1/${TEMPAUTH.account}/media/other`)).toBe(401)
    const within = (network: string): Promise<number> =>
      statusOf({
        temp_url_sig: sign('sha256', `ip=${network}\nGET\n${later}\n${path}`),
        temp_url_expires: later,
        temp_url_ip_range: network,
      })
    expect([await within('127.0.0.0/8'), await within('127.0.0.1'), await within('10.0.0.0/8')]).toEqual([
      200, 200, 401,
    ])
    const iso = new Date(later * 1000).toISOString().replace('.000Z', 'Z')
    expect(await statusOf({ temp_url_sig: sign('sha256', `GET\n${later}\n${path}`), temp_url_expires: iso })).toBe(200)
    const past = later - 100
    expect(await statusOf({ temp_url_sig: sign('sha256', `GET\n${past}\n${path}`), temp_url_expires: past })).toBe(401)
  })

  test('uploads, without manifests; downloads with a name and without metadata', async () => {
    const signed = { temp_url_sig: sign('sha256', `PUT\n${later}\n${path}`), temp_url_expires: later }
    expect(await statusOf(signed, 'PUT')).toBe(201)
    expect(server.object('folder/a b.txt')?.bytes.toString()).toBe('sent')
    const query = new URLSearchParams({ ...signed, temp_url_expires: String(later) })
    const headers = { 'x-object-manifest': 'parts/s' }
    const refused = await fetch(`${server.url}${encodeURI(path)}?${query}`, { method: 'PUT', headers, body: '' })
    expect(refused.status).toBe(400)
    server.put('folder/a b.txt', 'x', { metadata: { private: '1' } })
    const read = {
      temp_url_sig: sign('sha1', `GET\n${later}\n${path}`),
      temp_url_expires: String(later),
      filename: 'ü.txt',
    }
    const answer = await fetch(`${server.url}${encodeURI(path)}?${new URLSearchParams(read)}&inline`)
    expect(answer.headers.get('content-disposition')).toContain(
      'inline; filename="%C3%BC.txt"; filename*=UTF-8\'\'%C3%BC.txt',
    )
    expect(answer.headers.get('x-object-meta-private')).toBeNull()
  })
})

describe('what a cluster lacks', () => {
  const lacking = async (options: StrictSwiftOptions): Promise<Record<string, Record<string, unknown>>> => {
    const other = await startStrictSwift(options)
    try {
      return (await (await fetch(`${other.url}/info`)).json()) as Record<string, Record<string, unknown>>
    } finally {
      await other.close()
    }
  }

  test('is missing in /info, and limits are told there', async () => {
    const all = await lacking({ limits: { maxManifestSegments: 7, minSegmentSize: 5 }, allowedDigests: ['sha1'] })
    expect(all['slo']).toMatchObject({ max_manifest_segments: 7, min_segment_size: 5 })
    expect(all['tempurl']).toMatchObject({ allowed_digests: ['sha1'] })
    const none = await lacking({ features: { slo: false, bulk: false, tempurl: false, dlo: false } })
    expect(Object.keys(none).toSorted()).toEqual(['swift', 'tempauth'])
  })

  test('is complained of when it is used', async () => {
    const other = await startStrictSwift({ features: { slo: false, info: false } })
    try {
      const headers = { 'x-auth-token': other.token() }
      const url = `${other.storageUrl}/media/slo?multipart-manifest=put`
      expect((await fetch(url, { method: 'PUT', headers, body: '[]' })).status).toBe(400)
      expect(other.complaints).toHaveLength(1)
      expect((await fetch(`${other.url}/info`)).status).toBe(403)
    } finally {
      await other.close()
    }
  })
})
