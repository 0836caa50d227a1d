/** The pitfalls of Swift that other projects have met, by their numbers in the project's list: swl-1 to swl-9. */
import { createHash } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { NodeClient } from '../../../src/http/node-client.ts'
import type { HttpClient } from '../../../src/http/request.ts'
import { distinctBytes, streamed } from '../../faults/ground.ts'
import { type StrictSwift, startStrictSwift } from '../../servers/strict-swift.ts'
import { folderOf } from './fault-steps.ts'
import { at, KIB, keystone, PART, SMALL_PARTS, storageWith } from './support.ts'

const md5 = (bytes: Uint8Array | string): string => createHash('md5').update(bytes).digest('hex')
const LARGE = distinctBytes(3 * PART - 1000)
const OTHER = distinctBytes(2 * PART).subarray(4)

const servers: StrictSwift[] = []
async function started(options: Parameters<typeof startStrictSwift>[0] = {}): Promise<StrictSwift> {
  const server = await startStrictSwift({ containers: ['media', 'media_segments', 'others'], ...options })
  servers.push(server)
  return server
}
afterAll(async () => {
  await Promise.all(servers.map(server => server.close()))
  expect(servers.flatMap(({ complaints }) => complaints)).toEqual([])
})

const files = (server: StrictSwift, options: Parameters<typeof storageWith>[0] = {}) =>
  storageWith({ ...at(server), ...SMALL_PARTS, fileOverwrite: true, ...options })
const segmentsOf = (server: StrictSwift, key: string): string[] =>
  server.names('media_segments').filter(name => name.startsWith(folderOf(key)))
const sent = (server: StrictSwift, operation: string) =>
  server.requests.filter(request => request.operation === operation)

describe('swl-1: a token that ends', () => {
  it('is renewed once for all calls that wait, and a large upload survives it', async () => {
    const server = await started()
    await using storage = files(server, { maxAttempts: 1 })
    await storage.save('small', 'text')
    const given = server.tokens.given
    async function* dying(): AsyncGenerator<Buffer> {
      for await (const chunk of streamed(LARGE)) {
        yield chunk
        if (sent(server, 'object.put').length === 2) server.tokens.expireAll()
      }
    }
    await storage.save('large', dying())
    expect((await storage.readBytes('large')).equals(LARGE)).toBe(true)
    server.tokens.expireAll()
    const before = server.tokens.given
    const texts = await Promise.all(Array.from({ length: 8 }, () => storage.readText('small')))
    expect(texts).toEqual(Array(8).fill('text'))
    expect([before >= given, server.tokens.given - before]).toEqual([true, 1])
  })

  it('is told where the body is a stream that cannot be sent again, and the next call has a new one', async () => {
    const server = await started()
    await using storage = files(server, { largeObjects: 'none', maxAttempts: 1, leaveSegments: true })
    await storage.save('small', 'text')
    server.tokens.expireAll()
    const failure = await storage.save('streamed', streamed(LARGE)).catch(error => error)
    expect(failure).toMatchObject({ code: 'unavailable', outcome: 'not_applied', status: 401 })
    expect(failure.message).toContain('cannot be sent a second time')
    expect(server.object('streamed')).toBeUndefined()
    await storage.save('streamed', streamed(LARGE))
    expect(server.object('streamed')?.bytes.equals(LARGE)).toBe(true)
  })

  it('on a read is an error, never an empty file', async () => {
    const server = await started()
    server.put('file', 'text')
    await using storage = storageWith({ token: 'ended', storageUrl: server.storageUrl, maxAttempts: 1 })
    await expect(storage.readBytes('file')).rejects.toMatchObject({ code: 'permission_denied', status: 401 })
    await expect(storage.listdir('')).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(storage.exists('file')).rejects.toMatchObject({ code: 'permission_denied' })
  })

  it('is shared by storages of equal credentials', async () => {
    const server = await started()
    server.put('file', 'text')
    await using one = files(server)
    await using other = files(server, { containerName: 'others' })
    await Promise.all([one.readText('file'), other.exists('file'), one.exists('x')])
    expect(server.tokens.given).toBe(1)
  })
})

describe('swl-2: the segments of a large object', () => {
  it('go after the new manifest stands, and with the object', async () => {
    const server = await started()
    await using storage = files(server)
    await storage.save('large', LARGE)
    const old = segmentsOf(server, 'large')
    expect(old).toHaveLength(3)
    await storage.save('large', OTHER)
    expect((await storage.readBytes('large')).equals(OTHER)).toBe(true)
    const now = segmentsOf(server, 'large')
    expect([now.length, now.some(name => old.includes(name))]).toEqual([2, false])
    const log = server.requests.map(({ operation, key }) => (old.includes(key) ? `${operation} old` : operation))
    expect(log.indexOf('object.delete old')).toBeGreaterThan(log.lastIndexOf('slo.put'))
    await storage.save('large', 'small now')
    expect(segmentsOf(server, 'large')).toEqual([])
    await storage.save('large', LARGE)
    await storage.delete('large')
    expect([server.object('large'), segmentsOf(server, 'large')]).toEqual([undefined, []])
  })

  it('stay where a copied manifest of another program is deleted or replaced, and where they are of another program', async () => {
    const server = await started()
    await using storage = files(server)
    await storage.save('large', LARGE)
    const token = { 'X-Auth-Token': server.token() }
    const copied = await fetch(`${server.storageUrl}/media/copied?multipart-manifest=get`, {
      method: 'PUT',
      headers: { ...token, 'X-Copy-From': '/media/large', 'Content-Length': '0' },
    })
    expect(copied.status).toBe(201)
    for (const [name, text] of [
      ['f/1', 'one '],
      ['f/2', 'two'],
    ] as const)
      server.put(name, text, { container: 'others' })
    const entries = [
      { path: '/others/f/1', etag: md5('one '), size_bytes: 4 },
      { path: '/others/f/2', etag: md5('two'), size_bytes: 3 },
    ]
    const foreign = await fetch(`${server.storageUrl}/media/foreign?multipart-manifest=put`, {
      method: 'PUT',
      headers: token,
      body: JSON.stringify(entries),
    })
    expect(foreign.status).toBe(201)
    server.put('dynamic', '', { manifest: 'others/f/' })
    expect(await storage.readText('foreign')).toBe('one two')
    expect(await storage.readText('dynamic')).toBe('one two')
    await storage.delete('copied')
    await storage.save('foreign', 'replaced')
    await storage.deleteMany(['foreign', 'dynamic'])
    expect((await storage.readBytes('large')).equals(LARGE)).toBe(true)
    expect(server.names('others')).toEqual(['f/1', 'f/2'])
    expect(server.names()).toEqual(['large'])
  })

  it('are copied by copy(), never the bare manifest, so that either file can be deleted', async () => {
    const server = await started()
    for (const largeObjects of ['slo', 'dlo'] as const) {
      await using storage = files(server, { largeObjects })
      await storage.save('from', LARGE, { contentType: 'text/x-odd', metadata: { owner: 'ü' } })
      await storage.copy('from', 'to')
      await storage.save('from', 'short')
      expect((await storage.readBytes('to')).equals(LARGE)).toBe(true)
      expect(await storage.stat('to')).toMatchObject({ contentType: 'text/x-odd', metadata: { owner: 'ü' } })
      expect(segmentsOf(server, 'to')).toHaveLength(3)
      // What is smaller than a part becomes a plain object.
      server.put('f/1', 'one ', { container: 'others' })
      server.put('dynamic', '', { manifest: 'others/f/' })
      await storage.copy('dynamic', 'plain')
      expect(server.object('plain')).toMatchObject({ manifest: undefined, slo: undefined })
      expect(server.object('plain')?.bytes.toString()).toBe('one ')
      await storage.deleteMany(['to', 'from', 'plain', 'dynamic'])
      expect([server.names(), server.names('media_segments')]).toEqual([[], []])
    }
  })

  it('are gone after an upload that failed', async () => {
    const server = await started()
    await using storage = files(server)
    async function* failing(): AsyncGenerator<Buffer> {
      yield* streamed(LARGE)
      throw new Error('the disk is gone')
    }
    await expect(storage.save('failed', failing())).rejects.toMatchObject({ code: 'source_failed' })
    expect([server.names(), server.names('media_segments')]).toEqual([[], []])
  })
})

describe('swl-3: the ETag of a large object', () => {
  it('is no hash of its bytes, and HEAD tells the size where the listing says 0', async () => {
    const server = await started()
    for (const largeObjects of ['slo', 'dlo'] as const) {
      await using storage = files(server, { largeObjects })
      await storage.save('large', LARGE)
      const { size, etag } = await storage.stat('large')
      expect([size, etag === md5(LARGE), etag?.includes('"')]).toEqual([LARGE.length, false, false])
      expect((await storage.readBytes('large')).equals(LARGE)).toBe(true)
      const parallel = await storage.readBytes('large', { parallel: 2, partSize: 50 * KIB })
      expect(parallel.equals(LARGE)).toBe(true)
      const [entry] = (await storage.page('')).entries
      expect([entry?.size, entry?.etag]).toEqual([size, etag])
    }
  })
})

describe('swl-4: a large object', () => {
  it('is static, with sizes and ETags in its manifest, where /info has slo', async () => {
    const server = await started()
    await using storage = files(server)
    await storage.save('large', streamed(LARGE))
    const segments = server.object('large')?.slo?.segments ?? []
    expect(segments.map(({ bytes }) => bytes)).toEqual([PART, PART, PART - 1000])
    expect(segments.map(({ hash }) => hash)[0]).toBe(md5(LARGE.subarray(0, PART)))
    expect(segments[0]?.name).toMatch(/^\/media_segments\/\.holdall\/[0-9a-f]{32}\/[0-9a-f-]{36}\/00000001$/)
  })

  it('has as many segments as the cluster takes, and larger ones for a larger file', async () => {
    const server = await started({ limits: { maxManifestSegments: 4 } })
    await using storage = files(server, { partSize: 16 * KIB, multipartThreshold: 16 * KIB })
    await storage.save('large', LARGE)
    expect(segmentsOf(server, 'large')).toHaveLength(4)
    expect((await storage.readBytes('large')).equals(LARGE)).toBe(true)
  })

  it('is dynamic where /info has no slo, and save returns when it has its full size', async () => {
    const server = await started({ features: { slo: false } })
    await using storage = files(server)
    let seen = 0
    async function* watched(): AsyncGenerator<Buffer> {
      yield* streamed(LARGE)
    }
    const saving = storage.save('large', watched(), {
      onProgress: () => {
        // The next listings do not show the last segment that was stored.
        if (++seen !== 3) return
        for (const name of segmentsOf(server, 'large').slice(-1)) server.container('media_segments').late.set(name, 3)
      },
    })
    await saving
    expect((await storage.stat('large')).size).toBe(LARGE.length)
    expect(server.object('large')?.manifest).toBeDefined()
    expect(sent(server, 'object.head').length).toBeGreaterThan(3)
  })
})

describe('swl-5: a change of metadata', () => {
  it('sends all that is to stay, since POST drops what is not sent', async () => {
    const server = await started()
    await using storage = files(server, { largeObjects: 'dlo' })
    const end = Math.floor(Date.now() / 1000) + 1000
    await storage.save('large', LARGE, {
      contentType: 'text/x-odd',
      contentDisposition: 'inline',
      cacheControl: 'max-age=1',
      metadata: { owner: 'me', project_name: 'x' },
      extra: { deleteAt: end },
    })
    await storage.copy('large', 'large', { overwrite: true, cacheControl: 'max-age=9' })
    expect((await storage.readBytes('large')).equals(LARGE)).toBe(true)
    const told = { contentType: 'text/x-odd', contentDisposition: 'inline', cacheControl: 'max-age=9' }
    expect(await storage.stat('large')).toMatchObject({ ...told, metadata: { owner: 'me', project_name: 'x' } })
    expect(server.object('large')).toMatchObject({
      deleteAt: end,
      manifest: expect.stringContaining('media_segments/'),
    })
    await storage.copy('large', 'large', { overwrite: true, metadata: {} })
    expect((await storage.stat('large')).metadata ?? {}).toEqual({})
    expect(await storage.stat('large')).toMatchObject({ ...told, size: LARGE.length })
    expect(sent(server, 'object.post')).toHaveLength(2)
  })

  it('gives the segments the end of life that the object gets', async () => {
    const server = await started()
    await using storage = files(server)
    await storage.save('large', LARGE, { extra: { deleteAfter: 1000 } })
    const end = Math.floor(Date.now() / 1000) + 5000
    await storage.copy('large', 'large', { overwrite: true, extra: { deleteAt: end } })
    const ends = segmentsOf(server, 'large').map(name => server.object(name, 'media_segments')?.deleteAt)
    expect([server.object('large')?.deleteAt, ...ends]).toEqual([end, end, end, end])
    expect((await storage.readBytes('large')).equals(LARGE)).toBe(true)
  })
})

describe('swl-6: a bulk deletion', () => {
  const names = ['a b/ü %.txt', 'b', 'c', 'd#?', 'e', 'missing']

  it('is read name by name, in requests of as many names as /info allows', async () => {
    const server = await started({ limits: { maxDeletes: 2 }, heartbeats: true })
    for (const name of names.slice(0, 5)) server.put(name, 'x')
    server.bulkFailures.set('media/c', 403)
    await using storage = files(server, { leaveSegments: true })
    const { deleted, errors } = await storage.deleteMany(names)
    expect(deleted).toBe(5)
    expect(errors.map(({ name, error }) => [name, error.code])).toEqual([['c', 'permission_denied']])
    expect(server.names()).toEqual(['c'])
    const requests = sent(server, 'bulk.delete')
    expect(requests).toHaveLength(3)
    expect(requests[0]?.text).toBe('/media/a%20b/%C3%BC%20%25.txt\n/media/b\n')
  })

  it('is made of single ones where there is none', async () => {
    const server = await started({ features: { bulk: false } })
    for (const name of names.slice(0, 5)) server.put(name, 'x')
    await using storage = files(server, { leaveSegments: true })
    expect(await storage.deleteMany(names)).toMatchObject({ deleted: 6, errors: [] })
    expect([server.names(), sent(server, 'bulk.delete').length]).toEqual([[], 0])
  })
})

describe('swl-7: a temporary URL', () => {
  it('is on the public endpoint with its port, also where transfers are internal, and names may have blanks and slashes', async () => {
    const server = await started({ tempUrlKey: 'secret' })
    await using storage = storageWith({
      ...keystone(server, 3),
      interface: 'internal',
      tempUrlKey: 'secret',
    })
    const name = await storage.save('a b/ü & #1.txt', 'text')
    expect(server.requests.at(-1)?.headers.host).toMatch(/^localhost:/)
    const url = await storage.url(name)
    expect(url.startsWith(`${server.url}/v1/AUTH_`)).toBe(true)
    expect(url).toContain('/media/a%20b/%C3%BC%20%26%20%231.txt?temp_url_sig=')
    const answer = await fetch(url)
    expect([answer.status, await answer.text()]).toEqual([200, 'text'])
  })
})

describe('swl-8: a listed object that is missing', () => {
  it('is listed, is missing when it is read, and counts as missing in deleteMany', async () => {
    const server = await started()
    server.put('real', 'x')
    server.container().ghosts.add('ghost')
    await using storage = files(server)
    const { entries } = await storage.page('')
    expect(entries.map(({ name }) => name)).toEqual(['ghost', 'real'])
    await expect(storage.readText(entries[0]!)).rejects.toMatchObject({ code: 'not_found' })
    expect(await storage.exists('ghost')).toBe(false)
    await storage.delete('ghost')
    expect(await storage.deleteMany(entries)).toMatchObject({ deleted: 2, errors: [] })
    expect(server.names()).toEqual([])
  })
})

describe('swl-9: the hash of a stream', () => {
  /** A client that damages what is stored under a name on its way, and by whose word no hash goes along. */
  function damaging(key: string, keepsHash: boolean): HttpClient {
    const inner = new NodeClient()
    return {
      async request(request, ctx) {
        if (request.method !== 'PUT' || !request.url.includes(key)) return inner.request(request, ctx)
        const { etag, 'content-length': _, ...headers } = request.headers
        const chunks = [request.body].flat() as Buffer[]
        const body: Buffer[] = []
        for (const chunk of chunks)
          for await (const each of chunk instanceof Uint8Array ? [chunk] : chunk) body.push(Buffer.from(each as Buffer))
        const bytes = Buffer.concat(body)
        bytes[0]! ^= 1
        return inner.request(
          { ...request, headers: keepsHash && etag ? { ...headers, etag } : headers, body: bytes },
          ctx,
        )
      },
      close: () => inner.close(),
    }
  }

  it.each([
    ['a small file', 'auto', 'text', false],
    ['a small file whose hash the server compares', 'auto', 'text', true],
    ['a stream of unknown length', 'none', LARGE, false],
  ] as const)(
    'is that of the bytes as they are sent: %s that is damaged on the way is not left',
    async (_, largeObjects, content, keeps) => {
      const server = await started()
      await using storage = storageWith(
        { ...at(server), ...SMALL_PARTS, maxAttempts: 1, largeObjects },
        { httpClient: damaging('/media/damaged', keeps) },
      )
      let reads = 0
      async function* once(): AsyncGenerator<Buffer> {
        reads++
        yield* streamed(content as Buffer)
      }
      const source = typeof content === 'string' ? content : once()
      await expect(storage.save('damaged', source)).rejects.toMatchObject({
        code: 'checksum_mismatch',
        outcome: 'not_applied',
      })
      expect([server.object('damaged'), reads]).toEqual([undefined, typeof content === 'string' ? 0 : 1])
      await storage.save('right', typeof content === 'string' ? content : streamed(content))
      expect(server.object('right')?.etag).toBe(md5(content))
    },
  )
})
