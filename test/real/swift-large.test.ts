/** Large objects, TempURLs, public containers, ends of life and ended tokens on OpenStack Swift, whose largest object is 4 MiB here. */
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { SwiftOptions, SwiftStorage } from '../../src/backends/swift/index.ts'
import type { Input } from '../../src/core/settings.ts'
import { distinctBytes, streamed } from '../faults/ground.ts'
import { startSwift } from '../servers/swift.ts'
import { emptyAndClose } from './backend.ts'
import { namesIn, setKey, swiftStorage, TEMP_URL_KEY } from './places/swift.ts'

const MIB = 1024 * 1024
const PART = MIB
const server = await startSwift({ maxFileSize: 4 * MIB })
afterAll(() => server.close(), 60_000)
await setKey(server)
await using made = swiftStorage(server)
await made.createContainer()
afterEach(async () => {
  await emptyAndClose(swiftStorage(server))
  expect(await namesIn(server, 'media_segments')).toEqual([])
})

const parts = { multipartThreshold: PART, partSize: PART }
const create = (options: Input<SwiftOptions> = {}): SwiftStorage => swiftStorage(server, { ...parts, ...options })
const bytes = distinctBytes(3 * MIB + 40_000)

async function contentOf(files: SwiftStorage, name: string): Promise<Buffer> {
  await using file = await files.open(name)
  return Buffer.from(await file.read())
}

/** A plain request with a token; the path is below the account. */
async function raw(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: Buffer,
): Promise<Response> {
  const { token, storageUrl } = await server.login()
  return fetch(storageUrl + path, { method, headers: { 'x-auth-token': token, ...headers }, ...(body ? { body } : {}) })
}

describe.each(['slo', 'dlo'] as const)('large objects, %s', largeObjects => {
  const files = (): SwiftStorage => create({ largeObjects })

  test('a stream of unknown length is joined from segments, read whole and over their borders', async () => {
    await using storage = files()
    await storage.save('large', streamed(bytes))
    const { headers } = await raw('HEAD', '/media/large')
    const isStatic = headers.get('x-static-large-object')?.toLowerCase() === 'true'
    expect([isStatic, headers.get('x-object-manifest') !== null]).toEqual([
      largeObjects === 'slo',
      largeObjects === 'dlo',
    ])
    expect(headers.get('content-length')).toBe(String(bytes.length))
    expect(await namesIn(server, 'media_segments')).toHaveLength(4)
    expect(bytes.equals(await contentOf(storage, 'large'))).toBe(true)
    expect((await storage.stat('large')).size).toBe(bytes.length)
    for (const [start, end] of [
      [MIB - 3, MIB + 3],
      [0, 1],
      [3 * MIB, bytes.length],
    ] as const) {
      const chunks: Buffer[] = []
      for await (const chunk of storage.createReadStream('large', { start, end })) chunks.push(chunk)
      expect(Buffer.concat(chunks).equals(bytes.subarray(start, end))).toBe(true)
    }
  })

  test('segments go when the object is replaced or deleted, and not with its copies', async () => {
    await using storage = files()
    await storage.save('large', bytes)
    const first = await namesIn(server, 'media_segments')
    await storage.save('large', Buffer.from(bytes).reverse(), { overwrite: true })
    const second = await namesIn(server, 'media_segments')
    expect(second.filter(name => first.includes(name))).toEqual([])
    expect(second).toHaveLength(4)
    await storage.copy('large', 'copy')
    await storage.save('large', 'small', { overwrite: true })
    expect((await namesIn(server, 'media_segments')).filter(name => second.includes(name))).toEqual([])
    expect(
      Buffer.from(bytes)
        .reverse()
        .equals(await contentOf(storage, 'copy')),
    ).toBe(true)
    expect(await storage.readText('large')).toBe('small')
  })

  test('an upload that fails leaves the old file and no segment', async () => {
    await using storage = files()
    await storage.save('large', 'old')
    async function* broken(): AsyncGenerator<Buffer> {
      yield bytes.subarray(0, 2 * MIB + 5)
      throw new Error('the source failed')
    }
    await expect(storage.save('large', broken(), { overwrite: true })).rejects.toThrow('the source failed')
    expect(await storage.readText('large')).toBe('old')
    expect(await namesIn(server, 'media_segments')).toEqual([])
  })

  test('an end of life is that of the segments too', async () => {
    await using storage = files()
    await storage.save('large', bytes, { extra: { deleteAfter: 1000 } })
    const at = (await raw('HEAD', '/media/large')).headers.get('x-delete-at')
    expect(Number(at)).toBeGreaterThan(Date.now() / 1000 + 900)
    for (const name of await namesIn(server, 'media_segments')) {
      expect((await raw('HEAD', `/media_segments/${name}`)).headers.get('x-delete-at')).toBe(at)
    }
  })
})

test('no part is larger than the cluster takes, whatever is set', async () => {
  const large = distinctBytes(9 * MIB)
  await using storage = swiftStorage(server, { multipartThreshold: 64 * MIB, partSize: 64 * MIB })
  await storage.save('limited', large)
  expect(large.equals(await contentOf(storage, 'limited'))).toBe(true)
  expect((await namesIn(server, 'media_segments')).length).toBeGreaterThanOrEqual(3)
})

test('an object that another program put is read whole although its ETag is no MD5 of the content', async () => {
  await using storage = create()
  await raw('PUT', '/media/a', {}, bytes.subarray(0, MIB))
  await raw('PUT', '/media/b', {}, bytes.subarray(MIB, 2 * MIB))
  const manifest = Buffer.from(JSON.stringify([{ path: '/media/a' }, { path: '/media/b', range: '0-99' }]))
  expect((await raw('PUT', '/media/joined?multipart-manifest=put', {}, manifest)).status).toBe(201)
  expect(bytes.subarray(0, MIB + 100).equals(await contentOf(storage, 'joined'))).toBe(true)
  await storage.delete('joined')
  // Segments of others stay.
  expect((await namesIn(server, 'media')).toSorted()).toEqual(['a', 'b'])
})

describe('temporary URLs', () => {
  const name = 'folder/a b+c%2E#?&ü.txt'

  test.each(['sha1', 'sha256', 'sha512'] as const)('%s: good, tampered and expired', async tempUrlDigest => {
    await using storage = create({ tempUrlKey: TEMP_URL_KEY, tempUrlDigest })
    await storage.save(name, 'content')
    const url = await storage.url(name, { expiresInSecs: 60 })
    const answer = await fetch(url)
    expect([answer.status, await answer.text()]).toEqual([200, 'content'])
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(401)
    expect((await fetch(url.replace('/folder/', '/felder/'))).status).toBe(401)
    expect((await fetch(url.replace(/temp_url_expires=(\d+)/, 'temp_url_expires=99$1'))).status).toBe(401)
    const short = await storage.url(name, { expiresInSecs: 1 })
    await expect.poll(async () => (await fetch(short)).status, { timeout: 10_000, interval: 200 }).toBe(401)
  })

  test('an upload, and a large object', async () => {
    await using storage = create({ tempUrlKey: TEMP_URL_KEY })
    const url = await storage.url(name, { method: 'PUT', expiresInSecs: 60 })
    expect((await fetch(url, { method: 'PUT', body: 'sent' })).status).toBe(201)
    expect(await storage.readText(name)).toBe('sent')
    await storage.save('large', bytes)
    const answer = await fetch(await storage.url('large', { expiresInSecs: 60 }))
    expect(bytes.equals(Buffer.from(await answer.arrayBuffer()))).toBe(true)
  })

  test('by the key of the account, which is asked for', async () => {
    await using storage = create({ useTempUrls: true })
    await storage.save(name, 'content')
    expect(await (await fetch(await storage.url(name))).text()).toBe('content')
  })
})

test('files of a public container are read by plain URLs until it is private again', async () => {
  await using storage = create({ useTempUrls: false })
  await storage.save('a b/ü.txt', 'open')
  const url = await storage.url('a b/ü.txt')
  expect((await fetch(url)).status).toBe(401)
  await raw('POST', '/media', { 'x-container-read': '.r:*' })
  expect(await (await fetch(url)).text()).toBe('open')
  await raw('POST', '/media', { 'x-container-read': '' })
  expect((await fetch(url)).status).toBe(401)
})

test('after its end a file is missing, although it is listed', async () => {
  await using storage = create()
  await storage.save('late', 'x', { extra: { deleteAfter: 1 } })
  await expect.poll(() => storage.exists('late'), { timeout: 10_000, interval: 200 }).toBe(false)
  await expect(storage.readText('late')).rejects.toMatchObject({ code: 'not_found' })
  await storage.delete('late')
  expect((await storage.deleteMany(['late'])).errors).toEqual([])
})

test('after all tokens ended, uploads in parts and reads go on with one new token', async () => {
  await using storage = create()
  await storage.save('kept', 'kept')
  await server.expireTokens()
  const names = Array.from({ length: 8 }, (_, index) => `after/${index}`)
  await Promise.all([...names.map(name => storage.save(name, name)), storage.save('after/large', streamed(bytes))])
  expect(await storage.readText('kept')).toBe('kept')
  expect(bytes.equals(await contentOf(storage, 'after/large'))).toBe(true)
})

test('many names are deleted by one request; each ends as deleted or missing', async () => {
  await using storage = create()
  const names = Array.from({ length: 30 }, (_, index) => `many/ü ${index}#?%.txt`)
  await Promise.all(names.map(name => storage.save(name, 'x')))
  expect((await storage.deleteMany([...names, 'many/none'])).errors).toEqual([])
  expect(await namesIn(server, 'media')).toEqual([])
})
