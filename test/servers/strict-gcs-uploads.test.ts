import { createHash } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type StrictGcs, startStrictGcs } from './strict-gcs.ts'
import { checksum } from './strict-s3/checksums.ts'

const QUANTUM = 262_144
let server: StrictGcs
let token: string

beforeAll(async () => {
  server = await startStrictGcs({ buckets: ['media', 'other'] })
  token = server.token()
})
beforeEach(() => {
  server.bucket().objects.clear()
})
afterAll(() => server.close())

const md5 = (bytes: string | Buffer): string => createHash('md5').update(bytes).digest('base64')
const crc32c = (bytes: string | Buffer): string => checksum('crc32c', Buffer.from(bytes)).toString('base64')

interface Sent {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

async function send(
  method: string,
  url: string,
  headers: Record<string, string> = {},
  body?: string | Buffer,
): Promise<Sent> {
  const whole = url.startsWith('http') ? url : server.url + url
  const own = { authorization: `Bearer ${token}`, ...headers }
  const init = body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }
  const answer = await fetch(whole, { method, headers: own, ...init })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

const insert = (query: string, headers: Record<string, string>, body: string | Buffer): Promise<Sent> =>
  send('POST', `/upload/storage/v1/b/media/o?${query}`, headers, body)

function multipart(resource: object, body: string, tail = '--'): Promise<Sent> {
  const json = JSON.stringify(resource)
  const text = `--b\r\nContent-Type: application/json\r\n\r\n${json}\r\n--b\r\nContent-Type: text/plain\r\n\r\n${body}\r\n--b${tail}`
  return insert('uploadType=multipart', { 'content-type': 'multipart/related; boundary=b' }, text)
}

describe('uploads in one request', () => {
  test('media takes its type from the header, multipart from its second part', async () => {
    expect((await insert('uploadType=media&name=a', { 'content-type': 'text/css' }, 'x')).status).toBe(200)
    expect((await insert('uploadType=media&name=b', {}, Buffer.from('x'))).status).toBe(200)
    expect((await multipart({ name: 'c' }, 'x')).status).toBe(200)
    expect((await multipart({ name: 'd', contentType: 'a/b' }, 'x')).status).toBe(200)
    const types = ['a', 'b', 'c', 'd'].map(name => server.bucket().live(name)?.contentType)
    expect(types).toEqual(['text/css', 'application/octet-stream', 'text/plain', 'a/b'])
  })

  test('bodies that are not what they say are refused', async () => {
    expect((await multipart({ name: 'x' }, 'x', '')).status).toBe(400)
    expect((await multipart({ name: 'x', bogus: 1 }, 'x')).status).toBe(400)
    expect((await multipart({ name: 'x', metadata: { a: 1 } }, 'x')).status).toBe(400)
    expect((await multipart({ name: 'x', metadata: { a: 'x'.repeat(8200) } }, 'x')).status).toBe(400)
    expect((await multipart({}, 'x')).status).toBe(400)
    expect((await insert('uploadType=media', {}, 'x')).status).toBe(400)
    expect((await insert('uploadType=other&name=x', {}, 'x')).status).toBe(400)
    expect((await insert('name=x', {}, 'x')).status).toBe(400)
    expect((await insert('uploadType=media&name=x&ifGenerationmatch=0', {}, 'x')).status).toBe(400)
    expect((await insert('uploadType=media&name=x&ifGenerationMatch=none', {}, 'x')).status).toBe(400)
    const other = await insert(
      'uploadType=multipart&name=y',
      { 'content-type': 'multipart/related; boundary=b' },
      '--b\r\nContent-Type: application/json\r\n\r\n{"name":"x"}\r\n--b\r\nContent-Type: a/b\r\n\r\n\r\n--b--',
    )
    expect([other.status, other.text]).toEqual([400, expect.stringContaining('does not agree with value')])
    expect(server.bucket().objects.size).toBe(0)
  })

  test('names are 1 to 1024 bytes without line feeds', async () => {
    const put = (name: string): Promise<number> =>
      insert(`uploadType=media&name=${encodeURIComponent(name)}`, {}, '').then(one => one.status)
    for (const name of ['.', '..', 'a\nb', 'a\rb', 'é'.repeat(513), '.well-known/acme-challenge/x'])
      expect([name, await put(name)]).toEqual([name, 400])
    for (const name of ['a/../b', ' ', '...', 'é'.repeat(512), '?#%2F+', '\t\u0001'])
      expect([name, await put(name)]).toEqual([name, 200])
    expect(await insert('uploadType=media&name=%FF', {}, '').then(one => one.status)).toBe(400)
  })

  test('a wrong checksum is 400 and nothing is stored', async () => {
    const wrong: Promise<Sent>[] = [
      multipart({ name: 'x', md5Hash: md5('other') }, 'body'),
      multipart({ name: 'x', crc32c: crc32c('other') }, 'body'),
      multipart({ name: 'x', crc32c: 'nonsense' }, 'body'),
      insert('uploadType=media&name=x', { 'x-goog-hash': `crc32c=${crc32c('body')},md5=${md5('other')}` }, 'body'),
      insert('uploadType=media&name=x', { 'x-goog-hash': `crc32c=${crc32c('other')}` }, 'body'),
      send('PUT', '/media/x', { 'content-md5': md5('other') }, 'body'),
    ]
    const seen = await Promise.all(wrong)
    expect(seen.map(one => one.status)).toEqual(wrong.map(() => 400))
    expect(seen[0]?.text).toContain("doesn't match calculated MD5 hash")
    expect(seen[5]?.text).toContain('<Code>BadDigest</Code>')
    expect(server.bucket().objects.size).toBe(0)
    expect((await multipart({ name: 'x', md5Hash: md5('body'), crc32c: crc32c('body') }, 'body')).status).toBe(200)
  })

  test('of eight creates at once exactly one wins, by either API', async () => {
    const create = (index: number): Promise<Sent> => {
      if (index % 2 === 0) return insert('uploadType=media&name=race&ifGenerationMatch=0', {}, `${index}`)
      return send('PUT', '/media/race', { 'x-goog-if-generation-match': '0' }, `${index}`)
    }
    const seen = await Promise.all(Array.from({ length: 8 }, (_, index) => create(index)))
    expect(seen.map(one => one.status).sort()).toEqual([200, ...Array(7).fill(412)])
    const json = seen.find((one, index) => one.status === 412 && index % 2 === 0)
    expect(JSON.parse(json?.text ?? '')).toMatchObject({
      error: { code: 412, errors: [{ reason: 'conditionNotMet' }] },
    })
  })

  test('conditions hold for generations and metagenerations', async () => {
    const first = JSON.parse((await insert('uploadType=media&name=x', {}, '1')).text) as { generation: string }
    const put = (query: string): Promise<number> =>
      insert(`uploadType=media&name=x&${query}`, {}, '2').then(one => one.status)
    expect(await put(`ifGenerationMatch=${BigInt(first.generation) + 1n}`)).toBe(412)
    expect(await put(`ifGenerationNotMatch=${first.generation}`)).toBe(412)
    expect(await put('ifMetagenerationMatch=2')).toBe(412)
    expect(await put(`ifGenerationMatch=${first.generation}&ifMetagenerationMatch=1`)).toBe(200)
    expect(await insert('uploadType=media&name=new&ifMetagenerationMatch=1', {}, '').then(one => one.status)).toBe(412)
  })
})

describe('resumable uploads', () => {
  const bytes = Buffer.alloc(QUANTUM * 2 + 100, 'abcdefg')

  async function start(more = '', headers: Record<string, string> = {}, resource: object = {}): Promise<string> {
    const url = `/upload/storage/v1/b/media/o?uploadType=resumable&name=big${more}`
    const answer = await send('POST', url, { 'content-type': 'application/json', ...headers }, JSON.stringify(resource))
    expect([answer.status, answer.text]).toEqual([200, ''])
    expect(answer.headers.get('x-guploader-uploadid')).toBeTruthy()
    return answer.headers.get('location') as string
  }

  const put = async (
    url: string,
    range: string | undefined,
    body: string | Buffer = '',
    headers: Record<string, string> = {},
  ): Promise<string> => {
    const own: Record<string, string> = { ...headers }
    if (range !== undefined) own['content-range'] = range
    const answer = await fetch(url, {
      method: 'PUT',
      headers: own,
      body: typeof body === 'string' ? body : new Uint8Array(body),
    })
    await answer.arrayBuffer()
    return `${answer.status} ${answer.headers.get('range') ?? ''}`.trim()
  }

  test('go on by what is stored, and end once', async () => {
    const url = await start('', { 'x-upload-content-type': 'video/mp4', 'x-upload-content-length': `${bytes.length}` })
    expect(await put(url, 'bytes */*')).toBe('308')
    expect(await put(url, `bytes */${bytes.length}`)).toBe('308')
    expect(await put(url, `bytes 0-${QUANTUM - 1}/${bytes.length}`, bytes.subarray(0, QUANTUM))).toBe(
      `308 bytes=0-${QUANTUM - 1}`,
    )
    expect(await put(url, 'bytes */*')).toBe(`308 bytes=0-${QUANTUM - 1}`)
    expect(await put(url, `bytes ${QUANTUM}-${bytes.length - 1}/${bytes.length}`, bytes.subarray(QUANTUM))).toBe('200')
    for (const range of [
      'bytes */*',
      `bytes */${bytes.length}`,
      `bytes ${QUANTUM}-${bytes.length - 1}/${bytes.length}`,
    ]) {
      expect(await put(url, range, range.includes('*') ? '' : bytes.subarray(QUANTUM))).toBe('200')
    }
    const object = server.bucket().live('big')
    expect([object?.body.equals(bytes), object?.contentType, object?.metageneration]).toEqual([true, 'video/mp4', 1n])
    expect(server.bucket().objects.get('big')).toHaveLength(1)
  })

  test('a status query with the size never ends an upload by default', async () => {
    const url = await start()
    expect(await put(url, `bytes 0-${QUANTUM - 1}/*`, bytes.subarray(0, QUANTUM))).toBe(`308 bytes=0-${QUANTUM - 1}`)
    expect(await put(url, `bytes */${QUANTUM}`)).toBe(`308 bytes=0-${QUANTUM - 1}`)
    expect(server.bucket().objects.size).toBe(0)
    const lenient = await startStrictGcs({ completeOnTotal: true })
    const path = '/upload/storage/v1/b/media/o?uploadType=resumable&name=big'
    const begun = await fetch(lenient.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${lenient.token()}` },
    })
    const session = begun.headers.get('location') as string
    await put(session, `bytes 0-${QUANTUM - 1}/*`, bytes.subarray(0, QUANTUM))
    expect(await put(session, `bytes */${QUANTUM}`)).toBe('200')
    await lenient.close()
  })

  test('of unknown length end with the part that tells it, or with a body without a range', async () => {
    const url = await start()
    await put(url, `bytes 0-${QUANTUM - 1}/*`, bytes.subarray(0, QUANTUM))
    expect(
      await put(url, `bytes ${QUANTUM}-${QUANTUM + 9}/${QUANTUM + 10}`, bytes.subarray(QUANTUM, QUANTUM + 10)),
    ).toBe('200')
    expect(await put(await start(), undefined, 'whole')).toBe('200')
    expect(await put(await start(), undefined, '')).toBe('200')
    expect(server.bucket().live('big')?.body.length).toBe(0)
    expect(await put(await start(), 'bytes 0-*/*', 'to the end')).toBe('200')
    expect(String(server.bucket().live('big')?.body)).toBe('to the end')
  })

  test('parts that are not what they say are refused, and store nothing', async () => {
    const url = await start()
    const refusals: [string, Buffer, number][] = [
      [`bytes 0-99999/*`, bytes.subarray(0, 100_000), 400],
      [`bytes 0-99999/${bytes.length}`, bytes.subarray(0, 100_000), 400],
      [`bytes 0-${QUANTUM - 1}/*`, bytes.subarray(0, 10), 400],
      [`bytes ${QUANTUM}-${QUANTUM * 2 - 1}/*`, bytes.subarray(0, QUANTUM), 503],
      ['bytes 5-4/10', bytes.subarray(0, 1), 400],
      ['bytes 0-9/5', bytes.subarray(0, 10), 400],
      ['0-9/10', bytes.subarray(0, 10), 400],
    ]
    for (const [range, body, status] of refusals)
      expect([range, await put(url, range, body)]).toEqual([range, String(status)])
    expect(await put(url, 'bytes */*')).toBe('308')
    await put(url, `bytes 0-${QUANTUM - 1}/${bytes.length}`, bytes.subarray(0, QUANTUM))
    expect(await put(url, `bytes ${QUANTUM}-${QUANTUM + 9}/${QUANTUM + 10}`, bytes.subarray(0, 10))).toBe('400')
    expect(await put(await start('', { 'x-upload-content-length': '5' }), 'bytes 0-5/6', '123456')).toBe('400')
  })

  test('bytes that are stored already are not stored again', async () => {
    const url = await start()
    await put(url, `bytes 0-${QUANTUM - 1}/*`, bytes.subarray(0, QUANTUM))
    expect(await put(url, `bytes 0-${QUANTUM - 1}/*`, bytes.subarray(0, QUANTUM))).toBe(`308 bytes=0-${QUANTUM - 1}`)
    expect(await put(url, `bytes 0-${bytes.length - 1}/${bytes.length}`, bytes)).toBe('200')
    expect(server.bucket().live('big')?.body.equals(bytes)).toBe(true)
  })

  test('sessions end by DELETE with 499, by time with 410, and unknown ones are 404', async () => {
    const url = await start()
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(499)
    expect([await put(url, 'bytes */*'), (await fetch(url, { method: 'DELETE' })).status]).toEqual(['410', 410])
    const other = await start()
    expect(server.sessions.expireAll()).toBeGreaterThan(0)
    expect(await put(other, 'bytes 0-0/1', 'x')).toBe('410')
    expect(await put(`${url}x`, 'bytes */*')).toBe('404')
    expect(await put(url, 'bytes */*', '', { authorization: 'Bearer wrong' })).toBe('401')
  })

  test('conditions are checked at the start and again at the end', async () => {
    const url = await start('&ifGenerationMatch=0')
    await insert('uploadType=media&name=big', {}, 'meanwhile')
    expect(await put(url, 'bytes 0-2/3', 'new')).toBe('412')
    expect(await put(url, 'bytes */*')).toBe('412')
    expect(String(server.bucket().live('big')?.body)).toBe('meanwhile')
    const answer = await send('POST', '/upload/storage/v1/b/media/o?uploadType=resumable&name=big&ifGenerationMatch=0')
    expect([answer.status, answer.headers.get('location')]).toEqual([412, null])
  })

  test('checksums of the start and of the last part are verified', async () => {
    expect(await put(await start('', {}, { crc32c: crc32c('abc') }), 'bytes 0-2/3', 'abd')).toBe('400')
    expect(await put(await start('', {}, { md5Hash: md5('abc') }), 'bytes 0-2/3', 'abd')).toBe('400')
    expect(await put(await start(), 'bytes 0-2/3', 'abc', { 'x-goog-hash': `crc32c=${crc32c('abd')}` })).toBe('400')
    expect(server.bucket().objects.size).toBe(0)
    expect(
      await put(await start('', {}, { crc32c: crc32c('abc') }), 'bytes 0-2/3', 'abc', {
        'x-goog-hash': `md5=${md5('abc')}`,
      }),
    ).toBe('200')
  })

  test('some bytes of a part may be all that is stored, told by a 308, a 503 or a broken connection', async () => {
    for (const answer of [308, 503, 'break'] as const) {
      server.partialWrites.add({ key: 'big', stored: QUANTUM + 5, answer })
      const url = await start()
      const sent = put(url, `bytes 0-${bytes.length - 1}/${bytes.length}`, bytes)
      if (answer === 'break') await expect(sent).rejects.toThrow()
      else expect(await sent).toBe(answer === 308 ? `308 bytes=0-${QUANTUM - 1}` : '503')
      expect(await put(url, 'bytes */*')).toBe(`308 bytes=0-${QUANTUM - 1}`)
      expect(await put(url, `bytes ${QUANTUM}-${bytes.length - 1}/${bytes.length}`, bytes.subarray(QUANTUM))).toBe(
        '200',
      )
      expect(server.bucket().live('big')?.body.equals(bytes)).toBe(true)
    }
    expect(server.partialWrites.size).toBe(0)
  })

  test('what arrived of a part whose sender went away is stored, in multiples of 256 KiB', async () => {
    const url = new URL(await start())
    const headers = {
      'content-range': `bytes 0-${bytes.length - 1}/${bytes.length}`,
      'content-length': String(bytes.length),
    }
    const sent = httpRequest(url, { method: 'PUT', headers })
    sent.on('error', () => {})
    await new Promise<void>(resolve => sent.write(bytes.subarray(0, QUANTUM + 70_000), () => resolve()))
    const [session] = server.sessions.open.slice(-1)
    sent.destroy()
    await expect.poll(() => session?.size).toBe(QUANTUM)
    expect(await put(url.href, 'bytes */*')).toBe(`308 bytes=0-${QUANTUM - 1}`)
  })

  test('the answer of the last part may be lost', async () => {
    const url = await start('&ifGenerationMatch=0')
    server.faults.add({ operation: 'objects.insert.part', key: 'big', fault: { do: 'drop', at: 'after' } })
    await expect(put(url, 'bytes 0-2/3', 'abc')).rejects.toThrow()
    expect(await put(url, 'bytes */3')).toBe('200')
  })

  test('a session address may point elsewhere', async () => {
    const elsewhere = await startStrictGcs({ sessionOrigin: 'http://sessions.invalid' })
    const headers = { authorization: `Bearer ${elsewhere.token()}` }
    const answer = await fetch(`${elsewhere.url}/upload/storage/v1/b/media/o?uploadType=resumable&name=x`, {
      method: 'POST',
      headers,
    })
    expect(answer.headers.get('location')).toMatch(/^http:\/\/sessions\.invalid\/upload\/storage\/v1\/b\/media\/o\?/)
    await elsewhere.close()
  })
})
