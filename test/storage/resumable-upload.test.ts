import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { FtpStorage } from '../../src/backends/ftp/index.ts'
import { MemoryDriver, MemoryStorage } from '../../src/backends/memory/index.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import type { Driver } from '../../src/core/driver.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { driverFor as azureDriver, storageWith as azureStorage } from '../backends/azure/support.ts'
import {
  at as atDropbox,
  driverFor as dropboxDriver,
  storageWith as dropboxStorage,
} from '../backends/dropbox/support.ts'
import {
  at as atGcs,
  driverFor as gcsDriver,
  storageWith as gcsStorage,
  hmacKey,
  KIB_256,
} from '../backends/gcs/support.ts'
import { beforeOnHandles } from '../backends/local/hooks.ts'
import { driverFor as s3Driver } from '../backends/s3/support.ts'
import { at as atSwift, driverFor as swiftDriver, storageWith as swiftStorage } from '../backends/swift/support.ts'
import { startStrictAzure } from '../servers/strict-azure.ts'
import { startStrictDropbox } from '../servers/strict-dropbox.ts'
import { startStrictGcs } from '../servers/strict-gcs.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'
import { startStrictSwift } from '../servers/strict-swift.ts'
import { abortedAtEachStep } from '../support/each-step.ts'
import { isFull } from '../support/sampled.ts'
import { localPlace, NOWHERE, type Place, type PlaceOptions } from './strict-places.ts'

const KIB_64 = 64 * 1024

interface Row {
  readonly name: string
  readonly part: number
  readonly start: () => Promise<Place>
  /** What a cancelled upload leaves, where the service cannot remove it. */
  readonly leaves?: RegExp
}

/** A place of which each storage has a driver of its own, as another process would. */
function placeOf(
  make: (options: PlaceOptions, driver: Driver) => Storage,
  driver: () => Driver,
  unfinished: () => readonly string[],
  close: () => Promise<void>,
): Place {
  const drivers: Driver[] = []
  const opened = (options: PlaceOptions = {}): Storage => {
    const own = driver()
    drivers.push(own)
    return make(options, own)
  }
  const end = async (): Promise<void> => {
    for (const each of drivers) await each.close?.()
    await close()
  }
  return { storage: opened, unfinished, end }
}

async function s3(uniform: boolean): Promise<Place> {
  const server = await startStrictS3({ minPartSize: uniform ? 1 : KIB_64 })
  const more = { minPartSize: KIB_64, partSize: KIB_64, multipartThreshold: KIB_64, orphanWaitMs: 1 }
  const preset = uniform ? { preset: { ...R2 } } : {}
  return placeOf(
    (options, driver) => new S3Storage({ bucketName: 'media', ...options }, { ...NOWHERE, driver }),
    () => s3Driver(server, { ...more, ...preset }),
    () => [...server.bucket().uploads.keys()],
    () => server.close(),
  )
}
const R2 = {
  provider: 'r2',
  conditions: true,
  conditionalComplete: false,
  conditionalCopy: false,
  conditionalDelete: false,
  checksums: false,
  uniformParts: true,
  forms: false,
} as const

async function azure(): Promise<Place> {
  const server = await startStrictAzure()
  const { connectionString } = server
  return placeOf(
    (options, driver) => azureStorage({ connectionString, azureContainer: 'media', ...options }, { driver }),
    () => azureDriver({ connectionString }, { partSize: KIB_64 }),
    () =>
      [...server.container().uncommitted.values()].flatMap(blocks =>
        [...blocks.values()].map(({ body }) => `${body.length} bytes`),
      ),
    () => server.close(),
  )
}

async function gcs(isXml: boolean): Promise<Place> {
  const server = await startStrictGcs({ completeOnTotal: true })
  return placeOf(
    (options, driver) => gcsStorage({ ...atGcs(server), ...options }, { driver }),
    () => gcsDriver(server, { partSize: KIB_256, ...(isXml ? hmacKey(server, 'GOOG4') : {}) }),
    () => server.sessions.open.map(({ id }) => id),
    () => server.close(),
  )
}

async function dropbox(): Promise<Place> {
  const server = await startStrictDropbox()
  return placeOf(
    (options, driver) => dropboxStorage({ ...atDropbox(server), ...options }, { driver }),
    () => dropboxDriver(server),
    () => server.sessions.open.filter(({ closed }) => !closed).map(({ id }) => id),
    () => server.close(),
  )
}

async function swift(largeObjects: 'slo' | 'dlo'): Promise<Place> {
  const server = await startStrictSwift()
  return placeOf(
    (options, driver) => swiftStorage({ ...atSwift(server), ...options }, { driver }),
    () => swiftDriver(server, { largeObjects }),
    () => [...(server.account().containers.get('media_segments')?.objects.keys() ?? [])],
    () => server.close(),
  )
}

async function memory(): Promise<Place> {
  const driver = new MemoryDriver()
  return placeOf(
    (options, own) => new MemoryStorage(options, { ...NOWHERE, driver: own }),
    () => driver,
    () => [],
    async () => {},
  )
}

const ROWS: readonly Row[] = [
  { name: 'S3', part: KIB_64, start: () => s3(false) },
  { name: 'S3 with parts of one size', part: KIB_64, start: () => s3(true) },
  { name: 'Azure', part: KIB_64, start: azure, leaves: /bytes$/ },
  { name: 'Google, JSON', part: KIB_256, start: () => gcs(false) },
  { name: 'Google, XML', part: KIB_256, start: () => gcs(true) },
  { name: 'Dropbox', part: KIB_64, start: dropbox },
  { name: 'Swift, static', part: KIB_64, start: () => swift('slo') },
  { name: 'Swift, dynamic', part: KIB_64, start: () => swift('dlo') },
  { name: 'local disk', part: KIB_64, start: localPlace },
  { name: 'memory', part: KIB_64, start: memory },
]

const NAME = 'dir/film.bin'
/** Another place of the same backend, where that is no folder below a prefix. */
const LOCATIONS: Readonly<Record<string, PlaceOptions>> = {
  local: { location: '/tmp' },
  dropbox: { rootPath: '/inner' },
}

/** A plain run tries one of parts in any order, one of a session, and one of a file. */
const PLAIN: ReadonlySet<string> = new Set(['S3', 'Google, JSON', 'local disk'])

describe.each(ROWS.filter(({ name }) => isFull || PLAIN.has(name)))('$name', ({ part, start, leaves }) => {
  const started = start()
  const bytes = randomBytes(3 * part + 1000)
  const partSize = part
  const opened: Storage[] = []
  const fresh = async (options: PlaceOptions = {}): Promise<Storage> => {
    const storage = (await started).storage({ fileOverwrite: true, ...options })
    opened.push(storage)
    return storage
  }
  afterEach(async () => {
    const storage = await fresh()
    for await (const { name } of storage.entries('', { recursive: true })) await storage.delete(name)
    for (const each of opened.splice(0)) await each.close()
  })
  afterAll(async () => (await started).end())
  const leftovers = async (): Promise<readonly string[]> =>
    (await started).unfinished().filter(what => leaves?.test(what) !== true)

  it('another storage goes on with what one has begun; the old file stays until it is complete', async () => {
    const first = await fresh()
    await first.save(NAME, 'old', { overwrite: true })
    const before = await leftovers()
    const begun = await first.openUpload(NAME, { partSize, contentType: 'video/x-odd', cacheControl: 'no-store' })
    expect([begun.partSize, begun.offset, begun.name]).toEqual([part, 0, NAME])
    await begun.send(bytes.subarray(0, 2 * part + 10))
    expect([begun.offset, begun.position]).toEqual([2 * part, 2 * part + 10])
    await begun[Symbol.asyncDispose]()

    const second = await fresh()
    expect(await second.readText(NAME)).toBe('old')
    const upload = await second.resumeUpload(JSON.parse(JSON.stringify({ token: begun.token })).token)
    expect([upload.offset, upload.name, upload.partSize]).toEqual([2 * part, NAME, part])
    await upload.send(bytes.subarray(upload.offset))
    expect(await second.readText(NAME)).toBe('old')
    expect(await upload.complete()).toBe(NAME)
    expect((await second.readBytes(NAME)).equals(bytes)).toBe(true)
    const { contentType } = await second.stat(NAME)
    if (second.features.metadata) expect(contentType).toBe('video/x-odd')
    if (!before.some(Boolean) && !(second.constructor.name === 'SwiftStorage')) expect(await leftovers()).toEqual([])
    await expect((await fresh()).resumeUpload(begun.token)).rejects.toMatchObject({ code: 'not_found', fileName: NAME })
  })

  it('cancel leaves nothing at the service, and can be called again', async () => {
    const storage = await fresh()
    await storage.save(NAME, 'old', { overwrite: true })
    const upload = await storage.openUpload(NAME, { partSize })
    await upload.write(bytes.subarray(0, part))
    await upload.cancel()
    await upload.cancel()
    expect(await leftovers()).toEqual([])
    // Azure keeps blocks for a week; one of a byte shows that the upload is over.
    if (leaves !== undefined) expect((await started).unfinished()).toContain('1 bytes')
    await expect(upload.write('more')).rejects.toMatchObject({ code: 'closed', fileName: NAME })
    await expect(upload.complete()).rejects.toMatchObject({ code: 'closed' })
    await expect((await fresh()).resumeUpload(upload.token)).rejects.toMatchObject({ code: 'not_found' })
    expect(await storage.readText(NAME)).toBe('old')
  })

  it('is cancelled by a storage that has resumed it', async () => {
    const upload = await (await fresh()).openUpload(NAME, { partSize })
    await upload.write(bytes.subarray(0, part))
    const resumed = await (await fresh()).resumeUpload(upload.token)
    await resumed.cancel()
    expect(await leftovers()).toEqual([])
    await expect((await fresh()).resumeUpload(upload.token)).rejects.toMatchObject({ code: 'not_found' })
  })

  it('pause ends a send, stores whole parts, and the same object goes on from offset', async () => {
    const storage = await fresh()
    const upload = await storage.openUpload(NAME, { partSize })
    const asked = Promise.withResolvers<void>()
    async function* slow() {
      yield bytes.subarray(0, part + 5)
      asked.resolve()
      await new Promise(() => undefined)
    }
    const sending = upload.send(slow())
    sending.catch(() => undefined)
    await asked.promise
    const paused = await upload.pause()
    await expect(sending).rejects.toMatchObject({ code: 'aborted' })
    expect(paused.token).toBe(upload.token)
    expect(paused.offset).toBe(upload.offset)
    expect(upload.position).toBe(upload.offset)
    expect(paused.offset).toBeGreaterThanOrEqual(part)
    await upload.send(bytes, { start: 0 })
    await upload.complete()
    expect((await storage.readBytes(NAME)).equals(bytes)).toBe(true)
  })

  it('an upload that was paused before its first byte is resumed, and may be empty', async () => {
    const storage = await fresh()
    const upload = await storage.openUpload(NAME, { partSize })
    expect(await upload.pause()).toEqual({ token: upload.token, offset: 0 })
    const resumed = await (await fresh()).resumeUpload(upload.token)
    expect(resumed.offset).toBe(0)
    await resumed.complete()
    expect((await storage.stat(NAME)).size).toBe(0)
    expect(await leftovers()).toEqual([])
  })

  it('content that ends with a part, and one that is smaller than a part, are whole', async () => {
    const storage = await fresh()
    for (const size of [2 * part, 10]) {
      await using upload = await storage.openUpload(NAME, { partSize, size })
      const seen: number[] = []
      await upload.send(bytes.subarray(0, size), { onProgress: ({ loaded, total }) => seen.push(loaded, total!) })
      expect(seen.slice(-2)).toEqual([size, size])
      await upload.complete()
      expect((await storage.readBytes(NAME)).equals(bytes.subarray(0, size))).toBe(true)
    }
  })

  it('a wrong offset, too many bytes and too few are refused, and the upload goes on', async () => {
    const storage = await fresh()
    const upload = await storage.openUpload(NAME, { partSize, size: 20, maxSize: 30 })
    await upload.write('0123456789', { offset: 0 })
    const invalid = { code: 'invalid_argument', fileName: NAME }
    await expect(upload.write('x', { offset: 9 })).rejects.toMatchObject(invalid)
    await expect(upload.send('x', { start: 11 })).rejects.toMatchObject(invalid)
    await expect(upload.send('01234', { start: 0 })).rejects.toMatchObject(invalid)
    await expect(upload.write('x'.repeat(11))).rejects.toMatchObject(invalid)
    await expect(upload.write('x'.repeat(21))).rejects.toMatchObject({ code: 'too_large' })
    await expect(upload.complete()).rejects.toMatchObject(invalid)
    await upload.write('0123456789', { offset: 10 })
    await upload.complete()
    expect(await storage.readText(NAME)).toBe('01234567890123456789')
  })

  it('without overwriting it takes a free name; one that is taken meanwhile is exists', async () => {
    const storage = await fresh({ fileOverwrite: false })
    await storage.save(NAME, 'old')
    await using upload = await storage.openUpload(NAME, { partSize })
    expect(upload.name).toMatch(/^dir\/film_\w{7}\.bin$/)
    await upload.write('new')
    await storage.save(upload.name, 'another')
    await expect(upload.complete()).rejects.toMatchObject({ code: 'exists', fileName: upload.name })
    expect(await storage.readText(upload.name)).toBe('another')
    await upload.cancel()
  })

  it('a token of another place, and one for another name, are refused', async () => {
    const storage = await fresh()
    const upload = await storage.openUpload(NAME, { partSize })
    const invalid = { code: 'invalid_argument' }
    await expect(storage.resumeUpload(upload.token, { name: 'dir/other.bin' })).rejects.toMatchObject(invalid)
    await expect(new MemoryStorage({}, NOWHERE).resumeUpload(upload.token)).rejects.toMatchObject(invalid)
    const inner = await fresh(LOCATIONS[storage.calls.driver.name] ?? { location: 'inner' })
    await expect(inner.resumeUpload(upload.token)).rejects.toMatchObject(invalid)
    const same = await storage.resumeUpload(upload.token, { name: './dir/film.bin' })
    await same.cancel()
  })

  it('an aborted signal ends a call, and the upload goes on', async () => {
    const storage = await fresh()
    const upload = await storage.openUpload(NAME, { partSize })
    const aborted = { code: 'aborted' }
    const signal = AbortSignal.abort()
    await expect(storage.openUpload(NAME, { signal })).rejects.toMatchObject(aborted)
    await expect(storage.resumeUpload(upload.token, { signal })).rejects.toMatchObject(aborted)
    await expect(upload.send(bytes, { signal })).rejects.toMatchObject(aborted)
    await expect(upload.write(bytes, { signal })).rejects.toMatchObject(aborted)
    await upload.send(bytes, { start: 0 })
    await expect(upload.complete({ signal })).rejects.toMatchObject(aborted)
    await upload.complete()
    expect((await storage.readBytes(NAME)).equals(bytes)).toBe(true)
  })
})

describe('what was read before a pause', () => {
  it('is never added after it, whenever the pause comes', async () => {
    const place = await s3(false)
    await using storage = place.storage({ fileOverwrite: true })
    for (let turns = 0; turns < 24; turns++) {
      const upload = await storage.openUpload(NAME)
      const digits = '0123456789'.repeat(5)
      const sending = upload.send([...digits])
      for (let turn = 0; turn < turns; turn++) await null
      const [paused] = await Promise.all([upload.pause(), sending.catch(() => undefined)])
      expect([turns, paused.offset, upload.offset, upload.position]).toEqual([turns, 0, 0, 0])
      await upload.cancel()
    }
    await place.end()
  })
})

describe.each([
  ['S3', () => s3(false)],
  ['local disk', localPlace],
])('on %s', (_, start) => {
  it('an openUpload that is aborted at any step leaves no upload, and closing the storage ends', async () => {
    const place = await start()
    const storages: Storage[] = []
    const run = async (begin: () => AbortSignal): Promise<void> => {
      const storage = place.storage({ fileOverwrite: true })
      storages.push(storage)
      const upload = await storage.openUpload('a.bin', { signal: begin() })
      await upload.cancel()
    }
    const every = isFull ? 3 : 20
    const endings = await abortedAtEachStep(run, every, Math.floor(Math.random() * every))
    expect(endings).toEqual(new Set(['aborted', 'done']))
    for (const storage of storages) await storage.close()
    await vi.waitFor(() => expect(place.unfinished()).toEqual([]))
    await place.end()
  })
})

it('two processes that go on with one upload of the local disk mix no bytes', async () => {
  const place = await localPlace()
  const [one, two] = [place.storage(), place.storage()]
  const first = await one.openUpload('a.bin', { partSize: 10 })
  await first.write('a'.repeat(10))
  const second = await two.resumeUpload(first.token)
  await second.write('b'.repeat(10))
  const mixed = { code: 'unavailable', message: expect.stringContaining('another process'), outcome: 'not_applied' }
  await expect(first.write('c'.repeat(10))).rejects.toMatchObject(mixed)
  await expect(first.complete()).rejects.toMatchObject(mixed)
  await second.complete()
  expect(await one.readText('a.bin')).toBe('a'.repeat(10) + 'b'.repeat(10))
  await place.end()
})

it('a part of which only some bytes reached the local disk is written again', async () => {
  const place = await localPlace()
  const storage = place.storage()
  const upload = await storage.openUpload('a.bin', { partSize: 10 })
  await upload.write('01234')
  let writes = 0
  const full = await beforeOnHandles('write', () => {
    if (++writes === 2) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
  })
  await expect(upload.write('56789')).rejects.toMatchObject({ code: 'no_space' })
  full[Symbol.dispose]()
  expect([writes, upload.offset, upload.position]).toEqual([2, 0, 10])
  await upload.complete()
  expect(await storage.readText('a.bin')).toBe('0123456789')
  await place.end()
})

it('two sends at once, bytes after the last part, and options that contradict each other are refused', async () => {
  const storage = new MemoryStorage({ fileOverwrite: true }, NOWHERE)
  const invalid = { code: 'invalid_argument' }
  await expect(storage.openUpload('a', { size: 6, maxSize: 5 })).rejects.toMatchObject({ code: 'too_large' })
  await expect(storage.openUpload('a', { ifAbsent: true, ifMatch: '"x"' })).rejects.toMatchObject(invalid)
  await expect(storage.openUpload('a', { partSize: 2 ** 40 })).rejects.toMatchObject(invalid)
  const upload = await storage.openUpload('a', { ifAbsent: true })
  const first = upload.send(['a', 'b'])
  await expect(upload.send('c')).rejects.toMatchObject(invalid)
  await first
  await storage.save('a', 'old')
  await expect(upload.complete()).rejects.toMatchObject({ code: 'exists' })
  await expect(upload.write('c')).rejects.toMatchObject(invalid)
  await storage.delete('a')
  await upload.complete()
  expect(await storage.readText('a')).toBe('ab')
})

it('options that its methods do not have are refused', async () => {
  const upload = await new MemoryStorage({}, NOWHERE).openUpload('a')
  const unknown = { code: 'invalid_argument' }
  await expect(upload.send('x', { offset: 5 } as object)).rejects.toMatchObject(unknown)
  await expect(upload.write('x', { ofset: 5 } as object)).rejects.toMatchObject({
    ...unknown,
    message: expect.stringContaining("'offset'"),
  })
  for (const method of ['pause', 'complete', 'cancel'] as const) {
    await expect(upload[method]({ sginal: 1 } as object)).rejects.toMatchObject(unknown)
  }
  expect(upload.position).toBe(0)
})

it('is unsupported where another process could not go on', async () => {
  const ftp = new FtpStorage({ location: 'ftp://u:p@127.0.0.1:1/' }, NOWHERE)
  expect(ftp.supports('resumableUploads')).toBe(false)
  await expect(ftp.openUpload('a')).rejects.toMatchObject({ code: 'unsupported', fileName: 'a' })
  expect(new MemoryStorage({}, NOWHERE).supports('resumableUploads')).toBe(true)
})
