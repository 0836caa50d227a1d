import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { Bucket, Storage } from '@google-cloud/storage'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { officialClient } from './strict-gcs/official.ts'
import { type StrictGcs, startStrictGcs } from './strict-gcs.ts'

let server: StrictGcs
let storage: Storage
let bucket: Bucket

beforeAll(async () => {
  server = await startStrictGcs({
    pageSize: 3,
    rewriteBytes: 1024 * 1024,
    buckets: ['media', 'other', { name: 'kept', versioning: true }],
  })
  storage = officialClient(server)
  bucket = storage.bucket('media')
})
beforeEach(() => {
  server.bucket().objects.clear()
  server.requests.length = 0
})
afterAll(() => server.close())

const md5 = (bytes: Uint8Array | string): string => createHash('md5').update(bytes).digest('base64')
const status = (error: unknown): number => Number((error as { code?: number | string }).code)
const codeOf = (work: Promise<unknown>): Promise<number> =>
  work.then(
    () => 0,
    error => status(error),
  )

describe('the official client', () => {
  test('saves in one request and reads back with both checksums', async () => {
    const file = bucket.file('a/b c+%?#.txt')
    await file.save('hello', {
      resumable: false,
      validation: 'crc32c',
      contentType: 'text/plain; charset=utf-8',
      metadata: { cacheControl: 'max-age=5', contentDisposition: 'inline', metadata: { colour: 'grün' } },
    })
    for (const validation of ['crc32c', 'md5'] as const) {
      expect(String((await file.download({ validation }))[0])).toBe('hello')
    }
    const [metadata] = await file.getMetadata()
    expect(metadata).toMatchObject({
      name: 'a/b c+%?#.txt',
      size: '5',
      md5Hash: md5('hello'),
      crc32c: 'mnG7TA==',
      cacheControl: 'max-age=5',
      contentDisposition: 'inline',
      contentType: 'text/plain; charset=utf-8',
      metadata: { colour: 'grün' },
      metageneration: '1',
    })
    expect([...server.bucket().objects.keys()]).toEqual(['a/b c+%?#.txt'])
  })

  test('notices a byte that was changed on the way', async () => {
    await bucket.file('x').save('hello world', { resumable: false })
    server.faults.add({ operation: 'objects.download', fault: { do: 'garble', offset: 3 } })
    await expect(bucket.file('x').download()).rejects.toThrow(/did not match/)
    expect(server.faults.size).toBe(0)
  })

  test('uploads in parts of 256 KiB, and in one request of unknown length', async () => {
    const bytes = Buffer.alloc(700_001, 'abc')
    for (const chunkSize of [256 * 1024, undefined]) {
      const file = bucket.file(`big-${chunkSize}`)
      const [uri] = await file.createResumableUpload({ metadata: { contentType: 'image/png' } })
      expect(uri).toContain(`${server.url}/upload/storage/v1/b/media/o?uploadType=resumable&upload_id=`)
      const stream = file.createWriteStream({ uri, ...(chunkSize === undefined ? {} : { chunkSize }) })
      await new Promise<void>((resolve, reject) => {
        Readable.from([bytes.subarray(0, 300_000), bytes.subarray(300_000)])
          .pipe(stream)
          .on('finish', resolve)
          .on('error', reject)
      })
      expect((await file.download())[0].equals(bytes)).toBe(true)
      expect((await file.getMetadata())[0].contentType).toBe('image/png')
    }
    const parts = server.requests.filter(one => one.operation === 'objects.insert.part').map(one => one.status)
    expect(parts).toEqual([308, 308, 200, 200])
    expect(server.sessions.open).toEqual([])
  })

  test('goes on with a part of which 256 KiB were stored before a 503', async () => {
    const bytes = Buffer.alloc(900_000, 'xyz')
    server.partialWrites.add({ key: 'broken', stored: 300_000, answer: 503 })
    const retrying = officialClient(server)
    Object.assign(retrying.retryOptions, { autoRetry: true, maxRetries: 3, maxRetryDelay: 1 })
    const file = retrying.bucket('media').file('broken')
    const [uri] = await file.createResumableUpload({ preconditionOpts: { ifGenerationMatch: 0 } })
    const stream = file.createWriteStream({ uri, chunkSize: 512 * 1024, preconditionOpts: { ifGenerationMatch: 0 } })
    await new Promise<void>((resolve, reject) => {
      Readable.from([bytes]).pipe(stream).on('finish', resolve).on('error', reject)
    })
    expect((await file.download())[0].equals(bytes)).toBe(true)
    const seen = server.requests.filter(one => one.operation.startsWith('objects.insert.')).map(one => one.status)
    expect(seen).toEqual([200, 308, 503, 308, 308, 200])
    expect(server.requests.find(one => one.operation === 'objects.insert.status')?.headers['content-range']).toBe(
      'bytes */*',
    )
  })

  test('reads ranges', async () => {
    const file = bucket.file('r')
    await file.save('0123456789', { resumable: false })
    const read = (start: number, end?: number): Promise<Buffer> =>
      buffer(file.createReadStream(end === undefined ? { start } : { start, end }))
    expect(String(await read(2, 4))).toBe('234')
    expect(String(await read(7))).toBe('789')
    expect(await codeOf(read(10))).toBe(416)
  })

  test('copies, and rewrites in several calls', async () => {
    const bytes = Buffer.alloc(2.5 * 1024 * 1024, 'q')
    await bucket
      .file('from')
      .save(bytes, { resumable: false, metadata: { contentType: 'text/css', metadata: { a: 'b' } } })
    await bucket.file('from').copy(storage.bucket('other').file('to'))
    expect((await storage.bucket('other').file('to').download())[0].equals(bytes)).toBe(true)
    expect((await storage.bucket('other').file('to').getMetadata())[0]).toMatchObject({
      contentType: 'text/css',
      metadata: { a: 'b' },
    })
    expect(server.requests.filter(one => one.operation === 'objects.rewrite').map(one => one.status)).toEqual([
      200, 200, 200,
    ])
  })

  test('composes; a composed object has no MD5', async () => {
    await bucket.file('1').save('one', { resumable: false })
    await bucket.file('2').save('two', { resumable: false })
    await bucket.combine(['1', '2'], 'both')
    const [metadata] = await bucket.file('both').getMetadata()
    expect(metadata).toMatchObject({ size: '6', componentCount: 2 })
    expect(metadata.md5Hash).toBeUndefined()
    expect(String((await bucket.file('both').download())[0])).toBe('onetwo')
  })

  test('lists with pages, prefixes and offsets', async () => {
    for (const name of ['a', 'b/1', 'b/2', 'c', 'd/', 'd/1', 'é', 'z'])
      await bucket.file(name).save('', { resumable: false })
    const [all] = await bucket.getFiles()
    expect(all.map(one => one.name)).toEqual(['a', 'b/1', 'b/2', 'c', 'd/', 'd/1', 'z', 'é'])
    const [files, , answer] = await bucket.getFiles({ delimiter: '/', autoPaginate: false, maxResults: 3 })
    expect(files.map(one => one.name)).toEqual(['a', 'c'])
    expect(answer).toMatchObject({ prefixes: ['b/'] })
    const [some] = await bucket.getFiles({ startOffset: 'b/2', endOffset: 'd/1' })
    expect(some.map(one => one.name)).toEqual(['b/2', 'c', 'd/'])
    const [trailing, , page] = await bucket.getFiles({
      prefix: 'd',
      delimiter: '/',
      includeTrailingDelimiter: true,
      autoPaginate: false,
    })
    expect(trailing.map(one => one.name)).toEqual(['d/'])
    expect(page).toMatchObject({ prefixes: ['d/'] })
  })

  test('creates only what is not there, and changes and deletes by conditions', async () => {
    const file = bucket.file('once')
    const opts = { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } }
    await file.save('first', opts)
    expect(await codeOf(bucket.file('once').save('second', opts))).toBe(412)
    const { generation } = file.metadata
    await file.setMetadata({ metadata: { a: '1', b: '2' }, contentType: 'text/x' }, { ifMetagenerationMatch: 1 })
    await file.setMetadata({ metadata: { a: null } })
    expect((await file.getMetadata())[0]).toMatchObject({
      metadata: { b: '2' },
      contentType: 'text/x',
      metageneration: '3',
      generation,
    })
    expect(await codeOf(file.setMetadata({ contentType: 'x/y' }, { ifMetagenerationMatch: 1 }))).toBe(412)
    expect(await codeOf(file.delete({ ifGenerationMatch: 5 }))).toBe(412)
    await file.delete({ ifGenerationMatch: Number(generation) })
    expect(await file.exists()).toEqual([false])
    expect(await codeOf(file.delete())).toBe(404)
  })

  test('keeps generations where the bucket has versions', async () => {
    const kept = storage.bucket('kept')
    for (const text of ['one', 'two']) await kept.file('v').save(text, { resumable: false })
    await kept.file('v').delete()
    const [versions] = await kept.getFiles({ versions: true })
    expect(versions.map(one => one.name)).toEqual(['v', 'v'])
    const first = kept.file('v', { generation: Number(versions[0]?.metadata.generation) })
    expect(String((await first.download())[0])).toBe('one')
    expect((await first.getMetadata())[0].timeDeleted).toBeTypeOf('string')
    expect(await kept.file('v').exists()).toEqual([false])
    await first.delete()
    expect((await kept.getFiles({ versions: true }))[0]).toHaveLength(1)
  })

  test('sets ACLs', async () => {
    const file = bucket.file('p')
    await file.save('x', { resumable: false, predefinedAcl: 'publicRead' })
    expect((await server.anonymous('/media/p')).status).toBe(200)
    await file.makePrivate()
    expect((await server.anonymous('/media/p')).status).toBe(403)
    await file.makePublic()
    expect((await file.acl.get())[0]).toEqual(expect.arrayContaining([{ entity: 'allUsers', role: 'READER' }]))
    expect(await (await server.anonymous('/media/p')).text()).toBe('x')
  })

  test('makes, lists, changes and deletes buckets', async () => {
    await storage.createBucket('brand-new', { location: 'eu', storageClass: 'NEARLINE' })
    expect(await codeOf(storage.createBucket('brand-new'))).toBe(409)
    expect((await storage.getBuckets())[0].map(one => one.name)).toEqual(['brand-new', 'kept', 'media', 'other'])
    const made = storage.bucket('brand-new')
    await made.setMetadata({ versioning: { enabled: true } })
    expect((await made.getMetadata())[0]).toMatchObject({
      location: 'EU',
      storageClass: 'NEARLINE',
      versioning: { enabled: true },
    })
    await made.file('x').save('', { resumable: false })
    expect(await codeOf(made.delete())).toBe(409)
    await made.deleteFiles({ versions: true })
    await made.delete()
    expect(await made.exists()).toEqual([false])
  })
})
