/** Answers that no service should give: they are neither believed nor followed for ever, and no secret is shown. */
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { sessionTarget } from '../../../src/backends/gcs/endpoint.ts'
import { gcsEndpoint } from '../../../src/backends/gcs/index.ts'
import { checksum } from '../../servers/strict-s3/checksums.ts'
import type { Asked, Scripted } from '../../support/scripted-client.ts'
import { KEY_FILE } from './sample.ts'
import { scripted } from './scripted.ts'
import { KIB_256 } from './support.ts'

const GENERATION = '1445412480000000'
const object = { kind: 'storage#object', name: 'a', generation: GENERATION, size: '4' }
const crcOf = (bytes: Uint8Array): string => checksum('crc32c', Buffer.from(bytes)).toString('base64')
const TEXT = Buffer.from('text')
const failed = (promise: Promise<unknown>) =>
  promise.then(
    value => ({ value }),
    error => error,
  )

describe('a resource', () => {
  it.each<[string, unknown]>([
    ['a list', []],
    ['a text', 'storage#object'],
    ['null', null],
    ['a number', 5],
    ['nothing', {}],
    ['no generation', { ...object, generation: undefined }],
    ['a generation that is a number beyond 2^53', { ...object, generation: 2 ** 60 }],
    ['a generation that is an object', { ...object, generation: {} }],
    ['no size', { ...object, size: undefined }],
    ['a negative size', { ...object, size: '-4' }],
    ['a size with a fraction', { ...object, size: '4.5' }],
    ['a size beyond every number', { ...object, size: '9'.repeat(400) }],
    ['a size in words', { ...object, size: 'four' }],
  ])('that is or has %s tells no size', async (_, json) => {
    expect(await failed(scripted(() => ({ json })).size('a'))).toMatchObject({ code: 'unavailable' })
  })

  it('keeps a generation beyond 2^53 to its last digit, in versions and conditions', async () => {
    const generation = '9223372036854775806'
    const files = scripted(() => ({ json: { ...object, generation } }))
    const { etag, versionId } = await files.stat('a')
    expect([etag, versionId]).toEqual([generation, generation])
    await files.stat('a', { versionId })
    expect(files.asked.at(-1)!.url).toContain(`generation=${generation}`)
    expect(await failed(files.stat('a', { versionId: '9223372036854775808' }))).toMatchObject({ code: 'not_found' })
    expect(files.asked).toHaveLength(2)
  })

  it('with odd fields is read without them', async () => {
    const odd = {
      ...object,
      updated: 'yesterday',
      timeCreated: 5,
      contentType: { a: 1 },
      cacheControl: 'a\r\nb',
      metadata: { a: 1, B: 'b', c: null },
      storageClass: ['X'],
    }
    const { size, metadata, ...stat } = await scripted(() => ({ json: odd })).stat('a')
    expect([size, metadata]).toEqual([4, { b: 'b' }])
    expect(stat).toMatchObject({ contentType: undefined, cacheControl: undefined, storageClass: undefined })
    expect(stat.modifiedAt).toBeUndefined()
  })
})

describe('the checksum in the answer to an upload', () => {
  const save = (crc32c: unknown) =>
    failed(scripted(() => ({ json: { ...object, crc32c } })).save('a', TEXT, { overwrite: true }))

  it('of other bytes is checksum_mismatch, with the outcome unknown', async () => {
    expect(await save('AAAAAA==')).toMatchObject({ code: 'checksum_mismatch', outcome: 'unknown' })
  })

  it.each([[undefined], [5], ['not base64'], ['']])('%j is none: the service has compared its own', async crc32c => {
    expect(await save(crc32c)).toEqual({ value: 'a' })
  })

  it('that is none proves no other writer, so that a lost create is unknown', async () => {
    const files = scripted(
      ({ method }, count) =>
        count === 1 ? { status: 503 } : method === 'GET' ? { json: { ...object, crc32c: '?' } } : { status: 412 },
      { maxAttempts: 2 },
    )
    expect(await failed(files.save('a', TEXT, { overwrite: false }))).toMatchObject({
      code: 'unavailable',
      outcome: 'unknown',
    })
  })
})

describe('the address of a session', () => {
  const endpoint = gcsEndpoint(null, undefined)

  it.each([
    ['https://evil.example/upload/x?upload_id=1', '/upload/x?upload_id=1'],
    ['https://user:password@evil.example/upload/x?upload_id=1', '/upload/x?upload_id=1'],
    ['//evil.example/upload/x?upload_id=1', '/upload/x?upload_id=1'],
    ['/upload/x?upload_id=1', '/upload/x?upload_id=1'],
    ['https://evil.example//other.example/x?upload_id=1#end', '//other.example/x?upload_id=1'],
    ['https://evil.example/a/../b?upload_id=1', '/b?upload_id=1'],
  ])('%s is a path at the endpoint', (location, target) => {
    expect(sessionTarget(location, endpoint)).toBe(target)
    const { hostname, username } = new URL(`https://storage.googleapis.com${target}`)
    expect([hostname, username]).toEqual(['storage.googleapis.com', ''])
  })

  it.each([
    'foo:.evil.example/x?upload_id=1',
    'foo:@evil.example/x?upload_id=1',
    'data:text/html,?upload_id=1',
    'javascript:1?upload_id=1',
    'file:///etc/passwd?upload_id=1',
    'https://evil.example/x?upload_id=',
    'https://evil.example/x',
    'https://',
    '',
  ])('%j is refused, so that no token leaves for another host', location => {
    expect(() => sessionTarget(location, endpoint)).toThrow('storage.googleapis.com')
  })
})

describe('a session', () => {
  const SIZE = 3 * KIB_256
  const bytes = Buffer.alloc(SIZE, 'x')
  const start: Scripted = { status: 200, headers: { location: '/upload?upload_id=session-secret' } }
  /** Uploads in three parts; the script answers the parts and status queries. */
  const upload = (answer: (asked: Asked, count: number) => Scripted) => {
    const files = scripted(
      (asked, count) =>
        asked.method === 'POST' ? start : asked.method === 'DELETE' ? { status: 499 } : answer(asked, count),
      { multipartThreshold: 0, blobChunkSize: KIB_256 },
    )
    return { files, result: failed(files.save('a', bytes, { overwrite: true })) }
  }
  const at = (last: number): Scripted => ({ status: 308, headers: { range: `bytes=0-${last}` } })

  it.each<[string, (asked: Asked, count: number) => Scripted]>([
    ['nothing, for ever', () => ({ status: 308 })],
    ['the same byte, for ever', () => at(99)],
    ['the first part, for ever', () => at(KIB_256 - 1)],
    ['less each time', (_, count) => at(KIB_256 - count)],
    ['more than was sent', () => at(2 * KIB_256)],
    ['a part of the middle', () => ({ status: 308, headers: { range: 'bytes=5-9' } })],
    ['an end before its beginning', () => ({ status: 308, headers: { range: 'bytes=0--1' } })],
    ['a number beyond every number', () => ({ status: 308, headers: { range: `bytes=0-${'9'.repeat(99)}` } })],
    ['two ranges', () => ({ status: 308, headers: { range: 'bytes=0-9, bytes=20-29' } })],
  ])('that has %s ends in an error after a few requests', async (_, answer) => {
    const { files, result } = upload(answer)
    expect(await result).toMatchObject({ code: 'unavailable' })
    expect(files.asked.length).toBeLessThan(12)
  })

  it('that takes a byte at a time is followed, since it makes progress', async () => {
    let has = KIB_256 - 6
    const { result } = upload(({ headers }) => {
      const [, end, total] = /-(\d+)\/(\d+|\*)$/.exec(headers['content-range']!)!
      has = Math.min(has < KIB_256 ? has + 1 : Number(end) + 1, Number(end) + 1)
      return total === '*' || has < SIZE
        ? at(has - 1)
        : { json: { ...object, size: String(SIZE), crc32c: crcOf(bytes) } }
    })
    expect(await result).toEqual({ value: 'a' })
  })

  it('that is complete before its last part has an unknown outcome', async () => {
    const { result } = upload(() => ({ json: { ...object, size: String(SIZE), crc32c: crcOf(bytes) } }))
    expect(await result).toMatchObject({ code: 'unavailable', outcome: 'unknown' })
  })

  it('is a secret, since its address alone lets anybody write: no error shows it', async () => {
    const { result } = upload(() => ({ status: 403, body: 'no: upload_id=session-secret' }))
    const error = await result
    expect(error).toMatchObject({ code: 'permission_denied' })
    expect(inspect(error, { depth: 9 })).not.toContain('session-secret')
  })
})

describe('a copy', () => {
  const size = String(9 * KIB_256)
  const copy = async (answer: (count: number) => unknown) => {
    const files = scripted(({ method }, count) =>
      method === 'GET' ? { json: { ...object, size } } : { json: answer(count - 1) },
    )
    return { error: await failed(files.calls.driver.copy!('a', 'b', {}, files.calls.context({}))), asked: files.asked }
  }

  it.each<[string, (count: number) => unknown]>([
    ['the same token and the same bytes', () => ({ done: false, rewriteToken: 't', totalBytesRewritten: '5' })],
    ['no count', count => ({ done: false, rewriteToken: `t${count}` })],
    ['fewer bytes', count => ({ done: false, rewriteToken: `t${count}`, totalBytesRewritten: String(99 - count) })],
    [
      'more bytes than there are',
      count => ({ done: false, rewriteToken: 't', totalBytesRewritten: `9${'0'.repeat(count + 6)}` }),
    ],
    ['an endless number', () => ({ done: false, rewriteToken: 't', totalBytesRewritten: '1e999' })],
    ['no token', () => ({ done: false, totalBytesRewritten: '5' })],
    ['an empty token', () => ({ done: false, rewriteToken: '', totalBytesRewritten: '5' })],
    ['done as a text', () => ({ done: 'true', resource: object })],
    ['done without a resource', () => ({ done: true })],
  ])('that tells %s ends in an error after a few requests', async (_, answer) => {
    const { error, asked } = await copy(answer)
    expect(error).toMatchObject({ code: 'unavailable' })
    expect(asked.length).toBeLessThan(6)
  })

  it('that tells another size is a checksum_mismatch', async () => {
    const { error } = await copy(() => ({ done: true, resource: { ...object, size: '5' } }))
    expect(error).toMatchObject({ code: 'checksum_mismatch' })
  })
})

describe('a listing', () => {
  const listed = async (page: object) => {
    const files = scripted((_, count) => ({ json: { kind: 'storage#objects', ...(count > 20 ? {} : page) } }))
    return { result: await failed(files.listdir('dir')), asked: files.asked }
  }

  it('with the same token for ever ends in an error', async () => {
    const { result, asked } = await listed({ nextPageToken: 'again' })
    expect(result).toMatchObject({ code: 'unavailable' })
    expect(asked.length).toBeLessThan(4)
  })

  it('with odd folders and files shows those that are in the place that was asked for', async () => {
    const { result } = await listed({
      prefixes: ['dir/a/', 'dir/', '', 'other/x/', 5, null, '../', 'dir/b', 'dir//', 'dir/é/'],
      items: [
        { ...object, name: 'dir/one' },
        { ...object, name: 'elsewhere' },
        { ...object, name: 'dir/' },
      ],
    })
    expect(result.value[1]).toEqual(['one'])
    expect(result.value[0]).toEqual(expect.arrayContaining(['a', 'é']))
    expect(result.value[0]).not.toContain('x')
    expect(result.value[0]).not.toContain('..')
  })

  it.each([[{ items: {} }], [{ prefixes: 'dir/' }], [{ kind: 'storage#buckets' }], [{ items: [null] }]])(
    'of another shape, %j, is an error and not an empty folder',
    async page => {
      expect((await listed(page)).result).toMatchObject({ code: 'unavailable' })
    },
  )
})

describe('the XML API, which an HMAC key uses,', () => {
  const hmac = { credentials: null, hmacKeyId: 'GOOG1EXAMPLE', hmacSecret: 'secret' }
  const xml = (text: string): Scripted => ({
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0"?><ListBucketResult>${text}</ListBucketResult>`,
  })
  const file = '<Contents><Key>a</Key><Size>4</Size><Generation>1</Generation></Contents>'

  it('tells the size of the stored bytes, also where the length is that of unpacked ones or is not told', async () => {
    const told = { 'x-goog-generation': '1', 'x-goog-stored-content-length': '4' }
    for (const more of [{}, { 'content-length': '99' }]) {
      expect(await scripted(() => ({ status: 200, headers: { ...told, ...more } }), hmac).size('a')).toBe(4)
    }
    for (const headers of [{ 'x-goog-generation': '1' }, { 'content-length': '4' }]) {
      const files = scripted(() => ({ status: 200, headers: headers as Record<string, string> }), hmac)
      expect(await failed(files.size('a'))).toMatchObject({ code: 'unavailable' })
    }
  })

  it.each([
    ['cut off and without a next page', `${file}<IsTruncated>true</IsTruncated>`],
    ['with an empty token', `${file}<IsTruncated>true</IsTruncated><NextContinuationToken/>`],
    ['with the same token for ever', `<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>`],
    ['with a file without a name', '<Contents><Size>4</Size></Contents>'],
  ])('lists nothing as the whole that is %s', async (_, text) => {
    const files = scripted((_, count) => (count > 9 ? xml('') : xml(text)), hmac)
    expect(await failed(files.listdir(''))).toMatchObject({ code: 'unavailable' })
  })

  it('asks for what odd items of a listing do not tell, and lists the others', async () => {
    const odd = '<Contents><Key>b</Key><Size>many</Size><LastModified>never</LastModified></Contents>'
    const files = scripted(
      ({ method }) =>
        method === 'HEAD'
          ? { status: 200, headers: { 'x-goog-generation': '1', 'content-length': '7' } }
          : xml(`${file}${odd}<IsTruncated>false</IsTruncated>`),
      hmac,
    )
    const sizes: unknown[] = []
    for await (const { name, size } of files.entries('', { recursive: true })) sizes.push([name, size])
    expect(sizes).toEqual([
      ['a', 4],
      ['b', 7],
    ])
  })
})

describe('the answer to a batch', () => {
  const deleted = (places: readonly (string | number)[], statuses: readonly number[] = places.map(() => 204)) => {
    const parts = places.map(
      (place, at) =>
        `--b\r\ncontent-type: application/http\r\ncontent-id: ${place}\r\n\r\nHTTP/1.1 ${statuses[at]} X\r\n\r\n\r\n`,
    )
    const headers = { 'content-type': 'multipart/mixed; boundary=b' }
    const files = scripted(() => ({ status: 200, headers, body: `${parts.join('')}--b--\r\n` }))
    return files.deleteMany(['one', 'two'])
  }

  it.each<[string, readonly (string | number)[], readonly number[] | undefined, readonly string[]]>([
    ['a missing part', ['<response-0>'], undefined, ['two']],
    ['no part', [], undefined, ['one', 'two']],
    ['the parts in another order', ['<response-1>', '<response-0>'], undefined, []],
    ['a part twice, refused and done', ['<response-0>', '<response-1>', '<response-1>'], [204, 403, 204], ['two']],
    ['a part of another request', ['<response-0>', '<response-7>'], undefined, ['two']],
    ['parts with foreign names', ['<other-0>', '<response-x>'], undefined, ['one', 'two']],
    ['a part that is another success', ['<response-0>', '<response-1>'], [204, 200], ['two']],
    ['a part that moves', ['<response-0>', '<response-1>'], [204, 302], ['two']],
  ])('with %s deletes only what it names once', async (_, places, statuses, left) => {
    const { deleted: count, errors } = await deleted(places, statuses)
    expect(count).toBe(2 - left.length)
    expect(errors.map(({ name }) => name).sort()).toEqual([...left].sort())
  })

  it('in which a token has ended is asked for again with a new one', async () => {
    let tokens = 0
    const credentials = { getAccessToken: async () => `token-${++tokens}` }
    const files = scripted(
      ({ body }) => {
        const places = [...body.toString().matchAll(/content-id: (\d+)/g)].map(([, place]) => place)
        const isOld = body.toString().includes('token-1')
        const parts = places.map(place => {
          const status = isOld && place === '1' ? 401 : 204
          return `--b\r\ncontent-id: <response-${place}>\r\n\r\nHTTP/1.1 ${status} X\r\n\r\n\r\n`
        })
        const headers = { 'content-type': 'multipart/mixed; boundary=b' }
        return { status: 200, headers, body: `${parts.join('')}--b--\r\n` }
      },
      { credentials },
    )
    expect(await files.deleteMany(['one', 'two'])).toMatchObject({ deleted: 2, errors: [] })
    expect([tokens, files.asked.length]).toEqual([2, 2])
    expect(files.asked[1]!.body.toString()).not.toContain('/one')
  })
})

describe('the token endpoint', () => {
  const user = {
    type: 'authorized_user',
    client_id: 'id',
    client_secret: 'client-secret',
    refresh_token: 'refresh-secret',
  }
  const asking = (answer: Scripted) => {
    const files = scripted(({ url }) => (url.includes('oauth2') ? answer : { json: object }), { credentials: user })
    return { files, result: failed(files.size('a')) }
  }

  it.each<[string, Scripted]>([
    ['a page', { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Sign in: refresh-secret</html>' }],
    ['nothing', { status: 200 }],
    ['a list', { json: [] }],
    ['a token that is no text', { json: { access_token: { a: 1 }, expires_in: 3600 } }],
    ['a token with a line feed', { json: { access_token: 'a\r\nhost: evil', expires_in: 3600 } }],
    ['an empty token', { json: { access_token: '', expires_in: 3600 } }],
    ['an error in a success', { json: { error: 'invalid_grant' } }],
    ['a redirect', { status: 302, headers: { location: 'http://evil.example' } }],
  ])('that answers %s gives no token, and the error shows no secret', async (_, answer) => {
    const { files, result } = asking(answer)
    const error = await result
    expect(error).toMatchObject({
      code: expect.stringMatching(/^(unavailable|permission_denied|improperly_configured)$/),
      outcome: 'not_applied',
    })
    expect(inspect(error, { depth: 9 })).not.toMatch(/refresh-secret|client-secret/)
    expect(files.asked.every(({ url }) => url.includes('oauth2'))).toBe(true)
  })

  it.each([0, -5, '0', 'soon', null, undefined, 1e300])(
    'that tells %j as the life of a token gives one that works',
    async expires_in => {
      const { files, result } = asking({ json: { access_token: 'token', expires_in } })
      expect(await result).toEqual({ value: 4 })
      await files.size('a')
      expect(files.asked.filter(({ url }) => url.includes('oauth2'))).toHaveLength(1)
    },
  )
})

describe('a metadata server', () => {
  const home = { HOME: '/nonexistent', GCE_METADATA_HOST: 'metadata.test' }
  const asking = (answer: Scripted, env: Record<string, string> = home) => {
    const isOurs = (url: string) => url.startsWith('http://metadata.test/')
    const files = scripted(({ url }) => (isOurs(url) ? answer : { json: object }), { credentials: null }, env)
    return { files, result: failed(files.size('a')) }
  }
  const flavor = { 'metadata-flavor': 'Google', 'content-type': 'application/json' }
  const token = JSON.stringify({ access_token: 'of-machine', expires_in: 3600 })

  it.each<[string, Scripted]>([
    ['without its mark', { json: { access_token: 'of-somebody', expires_in: 3600 } }],
    ['that is a page', { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>router</html>' }],
    ['that knows no account', { status: 404, headers: flavor, body: 'no such account' }],
    ['that refuses', { status: 403, headers: flavor }],
    ['whose answer is no JSON', { status: 200, headers: flavor, body: 'token' }],
  ])('%s gives no token', async (_, answer) => {
    const { files, result } = asking(answer)
    expect(await result).toMatchObject({ outcome: 'not_applied', fileName: 'a' })
    expect(files.asked.every(({ url }) => url.startsWith('http://metadata.test/'))).toBe(true)
  })

  it.each(['metadata.test', 'http://metadata.test', 'http://metadata.test/'])('may be named as %s', async host => {
    const { result } = asking({ status: 200, headers: flavor, body: token }, { ...home, GCE_METADATA_HOST: host })
    expect(await result).toEqual({ value: 4 })
  })
})

describe('secrets', () => {
  const SECRETS = {
    key: KEY_FILE.private_key.split('\n')[3]!,
    token: 'access-token-secret',
    hmac: 'hmac-secret-text',
    refresh: 'refresh-secret',
  }
  const pattern = new RegExp(
    Object.values(SECRETS)
      .map(text => text.replace(/[+/]/g, '\\$&'))
      .join('|'),
  )
  const echoes = ({ headers, url, body }: Asked): Scripted => ({
    status: 400,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      error: { message: `no: ${JSON.stringify(headers)} ${url} ${body}`, errors: [{ reason: 'invalid' }] },
    }),
  })

  it.each([
    ['a key file', { credentials: KEY_FILE }],
    ['the JSON of a key file', { credentials: JSON.stringify(KEY_FILE) }],
    ['a client', { credentials: { getAccessToken: async () => SECRETS.token, refresh: SECRETS.refresh } }],
    [
      'an authorized_user',
      {
        credentials: {
          type: 'authorized_user',
          client_id: 'a',
          client_secret: SECRETS.token,
          refresh_token: SECRETS.refresh,
        },
      },
    ],
    ['an HMAC key', { hmacKeyId: 'GOOG1EXAMPLE', hmacSecret: SECRETS.hmac }],
    [
      'an HMAC key of the old way',
      { hmacKeyId: 'GOOG1EXAMPLE', hmacSecret: SECRETS.hmac, hmacSignature: 'GOOG1' as const },
    ],
  ])('of %s are in no error, log or JSON, also where the service echoes the request', async (_, options) => {
    const files = scripted(echoes, { credentials: null, ...options })
    const errors = [
      await failed(files.save('a', TEXT)),
      await failed(files.size('a')),
      await failed(files.readBytes('a')),
      await failed(files.deleteMany(['a'])),
    ]
    for (const thing of [files, files.calls.driver, files.options, ...errors]) {
      expect(inspect(thing, { depth: 9 })).not.toMatch(pattern)
      expect(`${JSON.stringify(thing)}`).not.toMatch(pattern)
      expect(String((thing as Error).stack ?? thing)).not.toMatch(pattern)
    }
  })
})
