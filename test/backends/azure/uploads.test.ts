import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { AzureOptions } from '../../../src/backends/azure/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import { distinctBytes, streamed } from '../../faults/ground.ts'
import { startStrictAzure } from '../../servers/strict-azure.ts'
import { storageWith } from './support.ts'

const server = await startStrictAzure()
afterAll(() => server.close())
const PART = 10_000
const files = (options: Input<AzureOptions> = {}) =>
  storageWith({
    connectionString: server.connectionString,
    azureContainer: 'media',
    partSize: PART,
    multipartThreshold: PART,
    fileOverwrite: true,
    ...options,
  })
const bytes = distinctBytes(4 * PART + 400)
const operations = () => server.requests.map(({ operation }) => operation)
const countOf = (name: string) => operations().filter(each => each === name).length
const stored = (key = 'a') => server.container().bytes(key)

/** What another writer stores. */
const blobOf = (text: string) => ({
  body: Buffer.from(text),
  blocks: [],
  properties: {},
  metadata: {},
  tags: {},
  tier: undefined,
})

beforeEach(() => {
  server.faults.clear()
  for (const key of [...server.container().blobs.keys()]) server.container().blobs.delete(key)
  server.requests.length = 0
})

test('what is small goes in one request, of unknown length too', async () => {
  const media = files()
  await media.save('a', bytes.subarray(0, PART))
  await media.save('b', streamed(bytes.subarray(0, PART)))
  await media.save('c', '')
  expect(operations()).toEqual(['PutBlob', 'PutBlob', 'PutBlob'])
  expect(server.requests[0]!.headers).toMatchObject({
    'x-ms-blob-type': 'BlockBlob',
    'x-ms-content-crc64': expect.stringMatching(/^.{11}=$/),
    'x-ms-version': '2025-11-05',
  })
})

test.each(['md5', 'crc64', 'off'] as const)('what is large goes in blocks, with checksums by %s', async checksums => {
  const media = files({ checksums, cacheControl: 'max-age=1' })
  const told: number[] = []
  await media.save('a', bytes, {
    contentType: 'text/odd',
    metadata: { a: 'b' },
    onProgress: sent => void told.push(sent.loaded),
  })
  expect(stored()?.equals(bytes)).toBe(true)
  expect(countOf('PutBlock')).toBe(5)
  expect(operations().at(-1)).toBe('PutBlockList')
  expect(told.at(-1)).toBe(bytes.length)
  const blocks = server.requests.filter(({ operation }) => operation === 'PutBlock')
  const sums = blocks.map(({ headers }) => [
    headers['content-md5'] !== undefined,
    headers['x-ms-content-crc64'] !== undefined,
  ])
  expect(sums).toEqual(blocks.map(() => [checksums === 'md5', checksums === 'crc64']))
  expect(await media.stat('a')).toMatchObject({
    contentType: 'text/odd',
    cacheControl: 'max-age=1',
    metadata: { a: 'b' },
  })
  await media.save('b', streamed(bytes))
  expect(stored('b')?.equals(bytes)).toBe(true)
})

test('a block that fails is sent again by itself', async () => {
  server.faults.add({ operation: 'PutBlock', fault: { do: 'refuse', status: 503, code: 'ServerBusy' }, times: 2 })
  await files().save('a', bytes)
  expect(stored()?.equals(bytes)).toBe(true)
  expect(countOf('PutBlock')).toBe(7)
})

test('an upload that is aborted or fails leaves what was there', async () => {
  const media = files()
  await media.save('a', 'old')
  server.faults.add({
    operation: 'PutBlock',
    fault: { do: 'refuse', status: 403, code: 'AuthorizationPermissionMismatch' },
  })
  await expect(media.save('a', bytes)).rejects.toMatchObject({ code: 'permission_denied', outcome: 'not_applied' })
  const controller = new AbortController()
  server.faults.add({ operation: 'PutBlock', fault: { do: 'hold', onHold: () => controller.abort() } })
  await expect(media.save('a', bytes, { signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' })
  expect(stored()?.toString()).toBe('old')
})

test('one whose source fails leaves what was there', async () => {
  const media = files()
  await media.save('a', 'old')
  async function* broken() {
    yield bytes
    throw new Error('the source broke')
  }
  await expect(media.save('a', broken())).rejects.toMatchObject({ code: 'source_failed' })
  expect([stored()?.toString(), countOf('PutBlockList')]).toEqual(['old', 0])
})

describe('a lost answer to Put Block List', () => {
  const lost = { do: 'drop', at: 'after' } as const

  test.each([true, false])(
    'is a success when the blob is made of our blocks (overwriting: %s)',
    async fileOverwrite => {
      server.faults.add({ operation: 'PutBlockList', fault: lost })
      expect(await files({ fileOverwrite }).save('a', bytes)).toBe('a')
      expect(stored()?.equals(bytes)).toBe(true)
      expect([...server.container().blobs.keys()]).toEqual(['a'])
    },
  )

  test('is tried again when it was not carried out', async () => {
    server.faults.add({ operation: 'PutBlockList', fault: { do: 'drop' }, times: 3 })
    expect(await files({ fileOverwrite: false }).save('a', bytes)).toBe('a')
    expect(stored()?.equals(bytes)).toBe(true)
  })

  test('that cannot be looked up has an unknown outcome', async () => {
    server.faults.add({ operation: 'PutBlockList', fault: lost })
    server.faults.add({
      operation: 'GetBlockList',
      fault: { do: 'refuse', status: 403, code: 'AuthorizationFailure' },
      times: 99,
    })
    const error = await files({ fileOverwrite: false, maxAttempts: 2 })
      .save('a', bytes)
      .catch(error => error)
    expect(error).toMatchObject({ outcome: 'unknown' })
    expect(error.code).not.toBe('exists')
    expect([...server.container().blobs.keys()]).toEqual(['a'])
  })
})

test('a lost answer to a conditional Put Blob has an unknown outcome, and no second copy is saved', async () => {
  server.faults.add({ operation: 'PutBlob', fault: { do: 'drop', at: 'after' } })
  const said = await files({ fileOverwrite: false })
    .save('a', 'x')
    .catch(error => error)
  expect(said).toMatchObject({ code: 'unavailable', outcome: 'unknown' })
  expect([...server.container().blobs.keys()]).toEqual(['a'])
})

test('blocks that another writer made the service drop are sent again', async () => {
  const media = files()
  let stolen = false
  server.faults.add({
    operation: 'PutBlockList',
    match: () => {
      if (!stolen) server.container().put('a', blobOf('somebody else'), Date.now())
      stolen = true
      return false
    },
  })
  await media.save('a', bytes)
  expect(stored()?.equals(bytes)).toBe(true)
  expect(countOf('PutBlockList')).toBe(2)
})

test('a taken name is refused for blocks as for one request', async () => {
  const media = files({ fileOverwrite: false })
  await media.save('a', 'old')
  expect(await media.save('a', bytes)).toMatch(/^a_\w{7}$/)
  const file = await media.open('b', 'x')
  await file.write(bytes)
  await files().save('b', 'first')
  await expect(file.close()).rejects.toMatchObject({ code: 'exists' })
  expect(stored('b')?.toString()).toBe('first')
  expect(stored()?.toString()).toBe('old')
})

test('a version is replaced only while it is the newest', async () => {
  const media = files()
  await media.save('a', 'one')
  const { etag } = await media.stat('a')
  await media.save('a', 'two', { ifMatch: etag! })
  for (const content of ['x', bytes]) {
    await expect(media.save('a', content, { ifMatch: etag! })).rejects.toMatchObject({ code: 'precondition_failed' })
  }
  expect(stored()?.toString()).toBe('two')
})

test('closing ends the uploads under way', async () => {
  const media = files()
  const { promise: held, resolve } = Promise.withResolvers<void>()
  server.faults.add({ operation: 'PutBlock', fault: { do: 'hold', onHold: resolve }, times: 9 })
  const save = media.save('a', bytes)
  await held
  await Promise.all([expect(save).rejects.toMatchObject({ code: 'closed' }), media.close()])
  expect(stored()).toBeUndefined()
})
