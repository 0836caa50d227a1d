import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { S3Storage } from '../../src/backends/s3/index.ts'
import type { Storage } from '../../src/storage/storage.ts'
import * as azure from '../backends/azure/support.ts'
import * as dropbox from '../backends/dropbox/support.ts'
import * as gcs from '../backends/gcs/support.ts'
import { startStrictAzure } from '../servers/strict-azure.ts'
import { startStrictDropbox } from '../servers/strict-dropbox.ts'
import { startStrictGcs } from '../servers/strict-gcs.ts'
import { type StrictS3Options, startStrictS3 } from '../servers/strict-s3.ts'
import { isFull } from '../support/sampled.ts'
import { increment } from './increments.ts'
import { Kinds } from './kinds.ts'

const kinds = await Kinds.start()
const ends: Array<() => Promise<unknown>> = [() => kinds.end()]
afterAll(() => Promise.all(ends.map(end => end())))

/** A server that is ended with the tests. */
async function started<T extends { close(): Promise<unknown> }>(server: Promise<T>): Promise<T> {
  const found = await server
  ends.push(() => found.close())
  return found
}

const NOWHERE = { settings: {}, env: {} }

/** Makes storages of one place, as several processes have them. */
const places: Readonly<Record<string, () => Promise<() => Storage>>> = {
  async memory() {
    // Only one object has the files of a memory storage.
    const storage = kinds.memory({ fileOverwrite: true })
    return () => storage
  },
  async local() {
    const location = kinds.folder()
    return () => kinds.local({ location })
  },
  async s3() {
    return () => kinds.s3({ location: 'increments', maxAttempts: 3 })
  },
  async azure() {
    const server = await started(startStrictAzure())
    return () => azure.storageWith({ connectionString: server.connectionString, azureContainer: 'media' })
  },
  async gcs() {
    const server = await started(startStrictGcs())
    return () => gcs.storageWith(gcs.at(server))
  },
  async dropbox() {
    const server = await started(startStrictDropbox())
    return () => dropbox.storageWith(dropbox.at(server))
  },
}

const WORKERS = 5
const TIMES = isFull ? 10 : 3

describe('Five workers who each increment a number several times by ifMatch', () => {
  it.each(Object.entries(places))('end at the sum of all: %s', async (_, make) => {
    const open = await make()
    const storages = Array.from({ length: WORKERS }, open)
    await storages[0]!.save('count', '0', { overwrite: true })
    const refused = await Promise.all(storages.map(storage => increment(storage, 'count', TIMES)))
    expect(await storages[0]!.readText('count')).toBe(String(WORKERS * TIMES))
    // Without a refusal nobody was in anybody's way, and the test shows nothing.
    expect(refused.reduce((sum, count) => sum + count)).toBeGreaterThan(0)
    await Promise.all(storages.map(storage => storage.close()))
  })

  if (isFull)
    it('end at it as processes, on local disk and S3', async () => {
      const run = promisify(execFile)
      const { url: endpointUrl, region: regionName, credentials } = kinds.server
      const keys = { accessKey: credentials.accessKeyId, secretKey: credentials.secretAccessKey }
      const configurations = [
        { backend: 'local', options: { location: kinds.folder() } },
        { backend: 's3', options: { endpointUrl, regionName, bucketName: 'media', location: 'processes', ...keys } },
      ]
      for (const configuration of configurations) {
        const [first] = [
          configuration.backend === 'local'
            ? kinds.local(configuration.options)
            : new S3Storage(configuration.options, NOWHERE),
        ]
        await first!.save('count', '0', { overwrite: true })
        const child = join(import.meta.dirname, 'increments.child.ts')
        const given = JSON.stringify({ ...configuration, times: TIMES })
        await Promise.all(Array.from({ length: WORKERS }, () => run(process.execPath, [child, given])))
        expect(await first!.readText('count')).toBe(String(WORKERS * TIMES))
        await first!.close()
      }
    })
})

describe('A server that ignores conditions', () => {
  async function at(options: StrictS3Options): Promise<S3Storage> {
    const server = await started(startStrictS3(options))
    const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
    const place = { endpointUrl: server.url, regionName: server.region, bucketName: 'media', accessKey, secretKey }
    const storage = new S3Storage({ ...place, fileOverwrite: true }, NOWHERE)
    ends.push(() => storage.close())
    return storage
  }

  it('makes ifAbsent and deletions with ifMatch unsupported, and nothing is changed', async () => {
    for (const options of [{ ignoreConditions: true }, { refuseConditions: true }]) {
      const storage = await at(options)
      await storage.save('file', 'old')
      const { etag } = await storage.stat('file')
      await expect(storage.save('file', 'new', { ifAbsent: true })).rejects.toMatchObject({ code: 'unsupported' })
      await expect(storage.save('other', 'new', { ifAbsent: true })).rejects.toMatchObject({ code: 'unsupported' })
      await expect(storage.delete('file', { ifMatch: etag })).rejects.toMatchObject({ code: 'unsupported' })
      expect(await storage.readText('file')).toBe('old')
      expect((await storage.listdir())[1]).toEqual(['file'])
    }
  })

  it('of deletions only makes these unsupported', async () => {
    const storage = await at({ ignoreDeleteConditions: true })
    await storage.save('file', 'old')
    const { etag } = await storage.stat('file')
    await expect(storage.delete('file', { ifMatch: 'other' })).rejects.toMatchObject({ code: 'unsupported' })
    expect([storage.supports('ifMatch'), storage.supports('deleteIfMatch')]).toEqual([true, false])
    await storage.save('file', 'new', { ifMatch: etag })
    expect(await storage.readText('file')).toBe('new')
    expect((await storage.listdir())[1]).toEqual(['file'])
  })

  it('is told from one that honours them by one more request', async () => {
    const storage = await at({})
    await storage.discover()
    expect(['exclusiveCreate', 'ifMatch', 'deleteIfMatch'].map(each => storage.supports(each as never))).toEqual([
      true,
      true,
      true,
    ])
    expect((await storage.listdir())[1]).toEqual([])
  })
})

describe('save', () => {
  it('refuses content in the place of the name, and says that the name comes first', async () => {
    const storage = kinds.memory()
    for (const first of [new File(['a'], 'a.txt'), Buffer.from('a'), new Blob(['a']), { name: 'a' }, () => 'a']) {
      const saved = storage.save(first as never, 'a.txt')
      await expect(saved).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining('the name comes first: save(name, content)'),
      })
      await expect(storage.save(first as never, undefined as never)).rejects.toThrow('the name comes first')
    }
    expect(await storage.listdir()).toEqual([[], []])
  })

  it('is told to create only by a storage that overwrites, and by a class that names files itself', async () => {
    const storage = kinds.memory({ fileOverwrite: true })
    await storage.save('a', 'old')
    await expect(storage.save('a', 'new', { ifAbsent: true })).rejects.toMatchObject({ code: 'exists' })
    await expect(storage.save('a', ['n', 'ew'], { ifAbsent: true })).rejects.toMatchObject({ code: 'exists' })
    await expect(storage.saveJson('a', {}, { ifAbsent: true })).rejects.toMatchObject({ code: 'exists' })
    expect(await storage.save('b', 'new', { ifAbsent: true })).toBe('b')
    expect((await storage.listdir())[1]).toEqual(['a', 'b'])
  })
})
