import { createHash } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  backendError,
  htmlError,
  rateLimited,
  type StrictGcs,
  type StrictGcsOptions,
  startStrictGcs,
} from './strict-gcs.ts'

let server: StrictGcs
let token: string

beforeAll(async () => {
  server = await startStrictGcs({ buckets: ['media', 'other', { name: 'open', publicRead: true }] })
  token = server.token()
})
beforeEach(() => {
  server.bucket().objects.clear()
  server.requests.length = 0
})
afterAll(() => server.close())

interface Sent {
  readonly status: number
  readonly headers: Record<string, string | undefined>
  readonly body: Buffer
}

/** Not by fetch, which unpacks what is gzip and asks for it. */
function send(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body: string | Buffer = '',
  to = server,
  by = token,
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const own = { authorization: `Bearer ${by}`, 'content-length': String(Buffer.byteLength(body)), ...headers }
    const sent = httpRequest(new URL(path, to.url), { method, headers: own }, answer => {
      const result = (bytes: Buffer): Sent => ({
        status: answer.statusCode ?? 0,
        headers: answer.headers as Sent['headers'],
        body: bytes,
      })
      buffer(answer).then(bytes => resolve(result(bytes)), reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const json = (sent: Sent): Record<string, unknown> => JSON.parse(String(sent.body)) as Record<string, unknown>
const upload = (name: string, body: string | Buffer, more = ''): Promise<Sent> =>
  send('POST', `/upload/storage/v1/b/media/o?uploadType=media&name=${encodeURIComponent(name)}${more}`, {}, body)
const object = (name: string, query = ''): string => `/storage/v1/b/media/o/${encodeURIComponent(name)}${query}`
const patch = (name: string, resource: object): Promise<Sent> =>
  send('PATCH', object(name), { 'content-type': 'application/json' }, JSON.stringify(resource))

describe('bytes', () => {
  test('come with the hashes and the length of what is stored', async () => {
    const made = json(await upload('x', 'hello'))
    for (const path of [object('x', '?alt=media'), `/download${object('x', '?alt=media')}`, '/media/x']) {
      const { status, headers, body } = await send('GET', path)
      expect([status, String(body)]).toEqual([200, 'hello'])
      expect(headers['x-goog-hash']?.replace(' ', '')).toBe(
        `crc32c=mnG7TA==,md5=${createHash('md5').update('hello').digest('base64')}`,
      )
      expect(headers).toMatchObject({
        'x-goog-generation': made['generation'],
        'x-goog-metageneration': '1',
        'x-goog-stored-content-length': '5',
        'x-goog-stored-content-encoding': 'identity',
        'content-length': '5',
      })
    }
    const head = await send('HEAD', '/media/x')
    expect([head.status, head.headers['content-length'], head.headers['etag']]).toEqual([
      200,
      '5',
      `"${createHash('md5').update('hello').digest('hex')}"`,
    ])
  })

  test('come in ranges', async () => {
    await upload('x', '0123456789')
    const read = async (range: string): Promise<(string | number | undefined)[]> => {
      const { status, headers, body } = await send('GET', object('x', '?alt=media'), { range })
      return [status, headers['content-range'], status < 300 ? String(body) : '']
    }
    expect(await read('bytes=2-4')).toEqual([206, 'bytes 2-4/10', '234'])
    expect(await read('bytes=8-99')).toEqual([206, 'bytes 8-9/10', '89'])
    expect(await read('bytes=-3')).toEqual([206, 'bytes 7-9/10', '789'])
    expect(await read('bytes=10-')).toEqual([416, 'bytes */10', ''])
    expect(await read('bytes=4-2')).toEqual([200, undefined, '0123456789'])
    await upload('empty', '')
    expect((await send('GET', object('empty', '?alt=media'), { range: 'bytes=0-' })).status).toBe(416)
  })

  test('of gzip are unpacked unless the caller accepts gzip or the object forbids it', async () => {
    const packed = gzipSync('unpacked text')
    await upload('z', packed, '&contentEncoding=gzip')
    for (const path of [object('z', '?alt=media'), '/media/z']) {
      const plain = await send('GET', path, { range: 'bytes=0-3' })
      expect([plain.status, String(plain.body)]).toEqual([200, 'unpacked text'])
      expect(plain.headers).toMatchObject({
        'x-goog-stored-content-encoding': 'gzip',
        'x-goog-stored-content-length': String(packed.length),
        'transfer-encoding': 'chunked',
        warning: expect.stringContaining('214'),
        'x-goog-hash': expect.stringContaining(createHash('md5').update(packed).digest('base64')),
      })
      expect([
        plain.headers['content-encoding'],
        plain.headers['content-length'],
        plain.headers['content-range'],
      ]).toEqual([undefined, undefined, undefined])
      const kept = await send('GET', path, { 'accept-encoding': 'br, gzip;q=0.5', range: 'bytes=0-3' })
      expect([kept.status, kept.body.equals(packed.subarray(0, 4)), kept.headers['content-encoding']]).toEqual([
        206,
        true,
        'gzip',
      ])
      expect(String((await send('GET', path, { 'accept-encoding': 'gzip;q=0, identity' })).body)).toBe('unpacked text')
    }
    await patch('z', { cacheControl: 'public, no-transform' })
    const forbidden = await send('GET', object('z', '?alt=media'))
    expect([
      forbidden.body.equals(packed),
      forbidden.headers['content-encoding'],
      forbidden.headers['content-length'],
    ]).toEqual([true, 'gzip', String(packed.length)])
  })

  test('of gzip may be unpacked in spite of all', async () => {
    const other = await startStrictGcs({ alwaysUnpack: true })
    const by = other.token()
    const path = '/upload/storage/v1/b/media/o?uploadType=media&name=z&contentEncoding=gzip'
    await send('POST', path, {}, gzipSync('text'), other, by)
    const answer = await send(
      'GET',
      object('z', '?alt=media'),
      { 'accept-encoding': 'gzip', range: 'bytes=1-2' },
      '',
      other,
      by,
    )
    expect([answer.status, String(answer.body), answer.headers['content-encoding']]).toEqual([200, 'text', undefined])
    await other.close()
  })

  test('errors of a download are text, those of a resource JSON, and those of the XML API XML', async () => {
    const texts = [object('none', '?alt=media'), object('none'), '/media/none']
    const seen = await Promise.all(texts.map(path => send('GET', path)))
    expect(seen.map(one => [one.status, one.headers['content-type']?.split(';')[0]])).toEqual([
      [404, 'text/html'],
      [404, 'application/json'],
      [404, 'application/xml'],
    ])
    expect(json(seen[1] as Sent)).toMatchObject({
      error: { code: 404, message: 'No such object: media/none', errors: [{ reason: 'notFound' }] },
    })
    expect(String(seen[2]?.body)).toContain('<Code>NoSuchKey</Code>')
    expect((await send('GET', '/storage/v1/b/media/o/a/b')).status).toBe(404)
  })
})

describe('conditions of reads', () => {
  test('are 304 for those that must not match, and 412 for the others', async () => {
    const { generation, etag } = json(await upload('x', '1')) as { generation: string; etag: string }
    const read = (query: string, headers: Record<string, string> = {}): Promise<number> =>
      send('GET', object('x', query), headers).then(one => one.status)
    expect(await read(`?ifGenerationMatch=${generation}`)).toBe(200)
    expect(await read('?ifGenerationMatch=5')).toBe(412)
    expect(await read(`?ifGenerationNotMatch=${generation}`)).toBe(304)
    expect(await read('?ifMetagenerationNotMatch=1&alt=media')).toBe(304)
    expect(await read('', { 'if-none-match': etag })).toBe(304)
    expect(await read('', { 'if-match': 'other' })).toBe(412)
    expect(await read('?generation=5')).toBe(404)
    expect(await read(`?generation=${generation}`)).toBe(200)
  })
})

describe('listings', () => {
  const names = ['a', 'b/1', 'b/2', 'b/c/3', 'b0', 'd/']

  async function pages(query: string, to: StrictGcs, by: string): Promise<Record<string, unknown>[]> {
    const all: Record<string, unknown>[] = []
    let next = ''
    do {
      const page = json(await send('GET', `/storage/v1/b/media/o?${query}${next}`, {}, '', to, by))
      all.push(page)
      next =
        page['nextPageToken'] === undefined ? '' : `&pageToken=${encodeURIComponent(String(page['nextPageToken']))}`
    } while (next !== '')
    return all
  }

  const shape = (page: Record<string, unknown>): string =>
    [
      ...((page['items'] ?? []) as { name: string }[]).map(one => one.name),
      ...((page['prefixes'] ?? []) as string[]).map(one => `[${one}]`),
    ].join(' ')

  async function listed(query: string, options?: StrictGcsOptions): Promise<string[]> {
    const to = options === undefined ? server : await startStrictGcs(options)
    const by = options === undefined ? token : to.token()
    for (const name of names)
      await send(
        'POST',
        `/upload/storage/v1/b/media/o?uploadType=media&name=${encodeURIComponent(name)}`,
        {},
        '',
        to,
        by,
      )
    const all = await pages(query, to, by)
    if (to !== server) await to.close()
    return all.map(shape)
  }

  test('count names and prefixes alike, in pages', async () => {
    expect(await listed('delimiter=/&maxResults=2')).toEqual(['a [b/]', 'b0 [d/]'])
    expect(await listed('delimiter=/&prefix=b/')).toEqual(['b/1 b/2 [b/c/]'])
    expect(await listed('startOffset=b/2&endOffset=d/')).toEqual(['b/2 b/c/3 b0'])
    expect(await listed('delimiter=/&includeTrailingDelimiter=true')).toEqual(['a b0 d/ [b/] [d/]'])
    expect(await listed('prefix=nothing')).toEqual([''])
  })

  test('may have empty pages with a token', async () => {
    expect(await listed('maxResults=4', { emptyPages: 2 })).toEqual(['', '', 'a b/1 b/2 b/c/3', '', '', 'b0 d/'])
  })

  test('take only their own tokens, and only fields that there are', async () => {
    await listed('')
    const first = json(
      await send('GET', '/storage/v1/b/media/o?maxResults=1&fields=nextPageToken,items(name,metadata/a)'),
    )
    expect(first).toEqual({ nextPageToken: expect.any(String), items: [{ name: 'a' }] })
    const next = encodeURIComponent(String(first['nextPageToken']))
    const read = (query: string): Promise<number> =>
      send('GET', `/storage/v1/b/media/o?${query}`).then(one => one.status)
    expect(await read(`pageToken=${next}`)).toBe(200)
    for (const query of [
      `pageToken=${next}&prefix=b`,
      'pageToken=x',
      'maxResults=-1',
      'maxResults=x',
      'fields=items(nome)',
      'fields=items(',
      'versions=yes',
      'startoffset=a',
    ]) {
      expect([query, await read(query)]).toEqual([query, 400])
    }
  })

  test('are XML for the XML API, in both versions', async () => {
    await listed('')
    const first = String((await send('GET', '/media?delimiter=/&max-keys=2')).body)
    expect(first).toContain('<Key>a</Key>')
    expect(first).toContain('<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>')
    expect(first).toContain('<NextMarker>b/</NextMarker>')
    const rest = String((await send('GET', '/media?delimiter=/&max-keys=2&marker=b/')).body)
    expect([rest.includes('<Key>b0</Key>'), rest.includes('<IsTruncated>false</IsTruncated>')]).toEqual([true, true])
    const second = String((await send('GET', '/media?list-type=2&max-keys=1')).body)
    const next = /<NextContinuationToken>(.*)<\/NextContinuationToken>/.exec(second)?.[1] ?? ''
    expect(String((await send('GET', `/media?list-type=2&max-keys=1&continuation-token=${next}`)).body)).toContain(
      '<Key>b/1</Key>',
    )
  })
})

describe('what is said of an object', () => {
  test('is kept, and changed field by field', async () => {
    await upload('x', '1')
    const customTime = '2020-01-02T03:04:05.000Z'
    const changed = await patch('x', {
      cacheControl: 'no-store',
      contentLanguage: 'de',
      customTime,
      temporaryHold: true,
      metadata: { a: '1', b: '2' },
    })
    expect(json(changed)).toMatchObject({
      cacheControl: 'no-store',
      contentLanguage: 'de',
      customTime,
      temporaryHold: true,
      metageneration: '2',
    })
    expect((await send('DELETE', object('x'))).status).toBe(403)
    expect((await upload('x', '2')).status).toBe(403)
    const back = json(await patch('x', { temporaryHold: false, cacheControl: null, metadata: { a: null } }))
    expect([back['cacheControl'], back['metadata']]).toEqual([undefined, { b: '2' }])
    expect((await patch('x', { customTime: '2019-01-01T00:00:00Z' })).status).toBe(400)
    expect((await patch('x', { customTime: 'yesterday' })).status).toBe(400)
    expect((await patch('x', { contentType: 5 })).status).toBe(400)
    expect((await send('PATCH', object('x'), {}, '{}')).status).toBe(400)
    expect((await send('DELETE', object('x'))).status).toBe(204)
  })

  test('storage class and key are kept', async () => {
    await send(
      'PUT',
      '/media/x',
      {
        'x-goog-storage-class': 'nearline',
        'x-goog-custom-time': '2020-01-01T00:00:00Z',
        'x-goog-encryption-kms-key-name': 'projects/p/k',
      },
      'x',
    )
    expect(json(await send('GET', object('x')))).toMatchObject({
      storageClass: 'NEARLINE',
      kmsKeyName: 'projects/p/k',
      customTime: '2020-01-01T00:00:00.000Z',
    })
    expect((await send('PUT', '/media/y', { 'x-goog-storage-class': 'warm' }, 'x')).status).toBe(400)
    expect((await send('PUT', '/media/y', { 'x-goog-encryption-algorithm': 'AES256' }, 'x')).status).toBe(501)
  })
})

describe('faults', () => {
  test('are told in the documents of the service, or in HTML', async () => {
    await upload('x', '1')
    server.faults.add({ operation: 'objects.get', key: 'x', fault: rateLimited() })
    server.faults.add({ operation: 'objects.get', fault: backendError() })
    server.faults.add({ operation: 'objects.get', fault: htmlError(502) })
    const seen = [await send('GET', object('x')), await send('GET', object('x')), await send('GET', object('x'))]
    expect(seen.map(one => one.status)).toEqual([429, 503, 502])
    expect(json(seen[0] as Sent)).toMatchObject({ error: { code: 429, errors: [{ reason: 'rateLimitExceeded' }] } })
    expect([seen[2]?.headers['content-type'], String(seen[2]?.body)]).toEqual([
      'text/html; charset=UTF-8',
      expect.stringContaining('<title>Error 502'),
    ])
  })

  test('one object that is changed too fast is 429', async () => {
    let now = Date.now()
    const slow = await startStrictGcs({ objectChangeMs: 1000, now: () => now })
    const by = slow.token()
    const put = (name: string): Promise<Sent> => send('PUT', `/media/${name}`, {}, 'x', slow, by)
    expect([(await put('a')).status, (await put('b')).status]).toEqual([200, 200])
    const refused = await send('DELETE', '/storage/v1/b/media/o/a', {}, '', slow, by)
    expect([refused.status, json(refused)]).toMatchObject([
      429,
      { error: { message: expect.stringContaining('media/a'), errors: [{ reason: 'rateLimitExceeded' }] } },
    ])
    now += 1001
    expect((await put('a')).status).toBe(200)
    await slow.close()
  })
})
