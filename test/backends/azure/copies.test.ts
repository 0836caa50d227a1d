import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { AzureOptions } from '../../../src/backends/azure/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import { startStrictAzure } from '../../servers/strict-azure.ts'
import { storageWith } from './support.ts'

const server = await startStrictAzure()
const small = await startStrictAzure({ maxSyncCopySize: 1000 })
afterAll(() => Promise.all([server, small].map(one => one.close())))

const key = { connectionString: server.connectionString }
const identity = {
  accountName: server.account,
  endpointUrl: server.endpoint,
  tokenCredential: { getToken: async () => ({ token: server.token, expiresOnTimestamp: Date.now() + 3_600_000 }) },
}
const files = (options: Input<AzureOptions> = key) =>
  storageWith({
    azureContainer: 'media',
    maxAttempts: 1,
    partSize: 1000,
    multipartThreshold: 1000,
    fileOverwrite: true,
    ...options,
  })
const operations = () => server.requests.map(({ operation }) => operation)
/** What a service says that cannot read its own blobs by their URLs, as behind a firewall. */
const unreadable = { do: 'refuse', status: 403, code: 'CannotVerifyCopySource' } as const

beforeEach(async () => {
  for (const name of [...server.container().blobs.keys()]) server.container().blobs.delete(name)
  server.faults.clear()
  server.plans.copies = { polls: 0, end: 'success' }
  server.requests.length = 0
})

describe.each([
  ['a key', key],
  ['an identity', identity],
])('with %s', (_, options) => {
  test('a copy is one request of the service', async () => {
    const media = files(options)
    await media.save('from', 'bytes', { metadata: { a: 'b' }, contentType: 'text/odd' })
    server.requests.length = 0
    expect(await media.copy('from', "to ü'%")).toBe("to ü'%")
    expect(operations()).toEqual(['GetBlobProperties', 'CopyBlobFromURL'])
    expect(await media.stat("to ü'%")).toMatchObject({ metadata: { a: 'b' }, contentType: 'text/odd', size: 5 })
  })

  test('one with other attributes is made of blocks, and keeps the others', async () => {
    const media = files(options)
    const bytes = Buffer.alloc(2500, 'abc')
    await media.save('from', bytes, { metadata: { a: 'b' }, contentType: 'text/odd', cacheControl: 'no-store' })
    server.requests.length = 0
    await media.copy('from', 'to', { contentType: 'text/new' })
    expect(operations()).toEqual([
      'GetBlobProperties',
      'PutBlockFromURL',
      'PutBlockFromURL',
      'PutBlockFromURL',
      'PutBlockList',
    ])
    expect(await media.stat('to')).toMatchObject({
      contentType: 'text/new',
      cacheControl: 'no-store',
      metadata: { a: 'b' },
    })
    expect(await media.readBytes('to')).toEqual(bytes)
    await media.copy('from', 'from', { cacheControl: 'max-age=1' })
    expect(await media.stat('from')).toMatchObject({ contentType: 'text/odd', cacheControl: 'max-age=1', size: 2500 })
  })
})

test('new metadata goes with the copy, and none is none', async () => {
  const media = files()
  await media.save('from', 'x', { metadata: { a: 'b' }, contentType: 'text/odd' })
  await media.copy('from', 'to', { metadata: { 'c-d': 'e' } })
  expect(operations().at(-1)).toBe('CopyBlobFromURL')
  expect(await media.stat('to')).toMatchObject({ metadata: { 'c-d': 'e' }, contentType: 'text/odd' })
  await media.copy('from', 'bare', { metadata: {} })
  expect((await media.stat('bare')).metadata).toBeUndefined()
})

test('a taken name is not copied over', async () => {
  const media = files({ ...key, fileOverwrite: false })
  await media.save('from', 'x')
  await media.save('to', 'old')
  expect(await media.copy('from', 'to')).toMatch(/^to_\w{7}$/)
  expect(await media.copy('from', 'to', { contentType: 'text/new' })).toMatch(/^to_\w{7}$/)
  expect(await media.readText('to')).toBe('old')
})

describe('where the service cannot read the source by its URL', () => {
  const refused = () => server.faults.add({ operation: 'CopyBlobFromURL', fault: unreadable })

  test('it copies by itself and is asked until it has', async () => {
    const media = files()
    await media.save('from', 'bytes')
    refused()
    server.plans.copies = { polls: 3, end: 'success' }
    server.requests.length = 0
    await media.copy('from', 'to')
    expect(operations()).toEqual([
      ...['GetBlobProperties', 'CopyBlobFromURL', 'CopyBlob'],
      ...['GetBlobProperties', 'GetBlobProperties', 'GetBlobProperties', 'GetBlobProperties'].slice(
        0,
        operations().length - 3,
      ),
    ])
    expect(operations().length).toBeGreaterThan(4)
    expect(await media.readText('to')).toBe('bytes')
  })

  test.each(['failed', 'aborted'] as const)('a copy that %s is an error', async end => {
    const media = files()
    await media.save('from', 'bytes')
    refused()
    server.plans.copies = { polls: 1, end }
    await expect(media.copy('from', 'to')).rejects.toMatchObject({
      code: 'unavailable',
      outcome: 'unknown',
      fileName: 'from',
    })
  })

  test('a copy whose call is aborted is ended', async () => {
    const media = files()
    await media.save('from', 'bytes')
    refused()
    server.plans.copies = { polls: 1_000_000, end: 'success' }
    const controller = new AbortController()
    const { promise: pending, resolve } = Promise.withResolvers<void>()
    server.faults.add({
      operation: 'GetBlobProperties',
      match: request => {
        if (request.key === 'to') resolve()
        return request.key === 'to'
      },
    })
    const copy = media.copy('from', 'to', { signal: controller.signal })
    await pending
    controller.abort()
    await expect(copy).rejects.toMatchObject({ code: 'aborted' })
    await expect.poll(() => operations().includes('AbortCopyBlob')).toBe(true)
  })

  test('one with other attributes goes through this machine', async () => {
    const media = files()
    await media.save('from', 'bytes')
    server.faults.add({ operation: 'PutBlockFromURL', fault: unreadable, times: 9 })
    await media.copy('from', 'to', { contentType: 'text/new' })
    expect(operations().slice(-2)).toEqual(['GetBlob', 'PutBlob'])
    expect(await media.stat('to')).toMatchObject({ contentType: 'text/new', size: 5 })
  })
})

test('a missing source is not_found and leaves the target', async () => {
  const media = files()
  await media.save('to', 'old')
  await expect(media.copy('from', 'to')).rejects.toMatchObject({ code: 'not_found', fileName: 'from' })
  expect(await media.readText('to')).toBe('old')
})

test('a source that changes meanwhile is never mixed', async () => {
  const media = files()
  await media.save('from', Buffer.alloc(3000, 'a'))
  await media.save('to', 'old')
  let changed = false
  server.faults.add({
    operation: 'PutBlockFromURL',
    match: () => {
      if (!changed)
        server
          .container()
          .put('from', { ...server.container().blobs.get('from')!, body: Buffer.alloc(3000, 'b') }, Date.now())
      changed = true
      return false
    },
  })
  await expect(media.copy('from', 'to', { contentType: 'text/new' })).rejects.toMatchObject({
    code: 'precondition_failed',
  })
  expect(await media.readText('to')).toBe('old')
})

test('a move leaves no source', async () => {
  const media = files()
  await media.save('from', 'bytes')
  expect(await media.move('from', 'to')).toBe('to')
  expect([await media.exists('from'), await media.readText('to')]).toEqual([false, 'bytes'])
})

describe('tiers and tags of copies', () => {
  const blob = (name: string) => server.container().blobs.get(name)!

  test('are those that the call gives, for one request as for blocks', async () => {
    const media = files()
    await media.save('from', Buffer.alloc(2500), { extra: { tags: { a: 'source' }, access_tier: 'Cool' } })
    expect(await media.stat('from')).toMatchObject({ storageClass: 'Cool' })
    const extra = { access_tier: 'Cold', tags: { b: 'c d' } }
    await media.copy('from', 'whole', { extra })
    await media.copy('from', 'blocks', { extra, contentType: 'text/new' })
    for (const name of ['whole', 'blocks']) {
      expect([blob(name).tags, blob(name).tier]).toEqual([{ b: 'c d' }, 'Cold'])
      expect(await media.stat(name)).toMatchObject({ storageClass: 'Cold' })
    }
    const { entries } = await media.page()
    expect(entries.map(({ name, storageClass }) => [name, storageClass])).toEqual([
      ['blocks', 'Cold'],
      ['from', 'Cool'],
      ['whole', 'Cold'],
    ])
    await media.copy('from', 'plain')
    expect(blob('plain').tags).toEqual({})
  })

  test('the tier of the storage counts, and a file is put into another one by a copy onto itself', async () => {
    const media = files({ ...key, objectParameters: { access_tier: 'Cool' } })
    await media.save('a', 'x')
    await media.copy('a', 'b')
    expect([blob('a').tier, blob('b').tier]).toEqual(['Cool', 'Cool'])
    await media.copy('a', 'a', { extra: { accessTier: 'Cold' } })
    expect([blob('a').tier, await media.readText('a')]).toEqual(['Cold', 'x'])
  })

  test('a file is moved to another tier, out of the archive too', async () => {
    const media = files()
    await media.save('a', 'x')
    await media.setTier('a', 'Cool')
    expect([await media.readText('a'), (await media.stat('a')).storageClass]).toEqual(['x', 'Cool'])
    await media.setTier((await media.page()).entries[0]!, 'Archive')
    await expect(media.readText('a')).rejects.toMatchObject({ code: 'unsupported' })
    await media.setTier('a', 'Hot')
    expect(blob('a').archiveStatus).toBe('rehydrate-pending-to-hot')
    await expect(media.setTier('missing', 'Hot')).rejects.toMatchObject({ code: 'not_found', fileName: 'missing' })
    await expect(media.setTier('a', 'Lukewarm')).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(media.setTier('a', 'x\ny')).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(files({ ...key, readOnly: true }).setTier('a', 'Hot')).rejects.toMatchObject({
      code: 'permission_denied',
    })
  })
})
