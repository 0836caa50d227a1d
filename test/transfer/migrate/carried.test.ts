import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { Stat, Visibility } from '../../../src/core/driver.ts'
import { CarriedAttributes } from '../../../src/storage/carried-attributes.ts'
import type { AnyStorage } from '../../../src/storage/storage.ts'
import { FileCopy } from '../../../src/transfer/file-copy.ts'
import { MigrationEngine } from '../../../src/transfer/migrate/engine.ts'
import type { EngineHooks, KnownStates } from '../../../src/transfer/migrate/engine-options.ts'
import { leftBehind } from '../../../src/transfer/migrate/left-behind.ts'
import { pairsOf } from '../../../src/transfer/migrate/pairs.ts'
import type { Tally } from '../../../src/transfer/migrate/tally.ts'
import type { LeftBehind, MigrationPlan } from '../../../src/transfer/migrate/types.ts'
import { Places } from '../../../src/transfer/places.ts'
import { storageFor as ftpStorage } from '../../backends/ftp/support.ts'
import { storageAt as sftpStorage } from '../../backends/sftp/support.ts'
import { FtpServer } from '../../servers/ftp.ts'
import { startSftpServer } from '../../servers/sftp.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'
import { azurePlace, gcsPlace, s3Place, swiftPlace } from '../../storage/strict-places.ts'
import { changedStorage, memory, NOWHERE } from '../support.ts'

const { signal } = new AbortController()
const OLD = new Date('2001-02-03T04:05:06.789Z')
const SECOND = new Date('2001-02-03T04:05:06Z')
const ATTRIBUTES = { contentType: 'text/x-odd', cacheControl: 'max-age=9', metadata: { owner: 'Zoë' } }
const PLAN: MigrationPlan = { verify: false, delete: false, allowEmptySource: false, times: true, visibility: true }

const ends: Array<() => unknown> = []
const open: Record<string, () => AnyStorage> = {}
let folder: string
let folders = 0

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdall-'))
  const [s3, gcs, azure, swift] = await Promise.all([s3Place(), gcsPlace(), azurePlace(), swiftPlace()])
  const [sftp, ftp] = await Promise.all([startSftpServer(), FtpServer.start()])
  for (const place of [s3, gcs, azure, swift]) ends.push(() => place.end())
  ends.push(
    () => sftp.close(),
    () => ftp.close(),
    () => rmSync(folder, { recursive: true, force: true }),
  )
  const local = (keepMetadata: boolean) => () =>
    new LocalStorage({ location: join(folder, String(++folders)), keepMetadata, fsync: false }, NOWHERE)
  const below = (storage: (location: string) => AnyStorage) => () => storage(`place${++folders}`)
  Object.assign(open, {
    S3: below(location => s3.storage({ location })),
    Google: below(location => gcs.storage({ location })),
    Azure: below(location => azure.storage({ location })),
    Swift: below(location => swift.storage({ location })),
    'local disk with sidecars': local(true),
    'local disk': local(false),
    memory,
    SFTP: below(location => sftpStorage(sftp, { location })),
    FTP: below(path => ftpStorage(ftp, { path })),
  })
})
afterAll(async () => {
  for (const end of ends) await end()
})

/** The copy pass of a migration. */
async function migrated(
  source: AnyStorage,
  target: AnyStorage,
  hooks: Partial<EngineHooks> = {},
  reports: LeftBehind[] = [],
): Promise<Tally> {
  const places = await Places.of(source, target, {}, { signal, isWriting: true, dryRun: false })
  const carried = new CarriedAttributes(source, target, { ...PLAN, onLeftBehind: left => void reports.push(left) })
  const engine = new MigrationEngine(places, PLAN, { concurrency: 4, carried })
  try {
    return await engine.run('copy', pairsOf(places.listSource(), places.listTarget()), {
      signal,
      failed: (_, error) => {
        throw error
      },
      ...hooks,
    })
  } finally {
    places.end()
  }
}

/** What a stat has of the attributes that were stored. */
function kept({ contentType, cacheControl, metadata }: Stat): object {
  return { contentType, cacheControl, metadata: { ...metadata } }
}

const FULL = ['S3', 'Google', 'Azure', 'Swift', 'local disk with sidecars', 'memory']

describe('a copy takes along what the first write had (syn-13)', () => {
  it.each([
    ['S3', 'Google'],
    ['Google', 'Swift'],
    ['Swift', 'Azure'],
    ['Azure', 'S3'],
    ['S3', 'local disk with sidecars'],
    ['local disk with sidecars', 'S3'],
    ['local disk with sidecars', 'memory'],
    ['local disk with sidecars', 'local disk with sidecars'],
    ['memory', 'local disk with sidecars'],
    ['memory', 'SFTP'],
    ['SFTP', 'memory'],
    ['local disk', 'SFTP'],
    ['SFTP', 'local disk'],
    ['SFTP', 'FTP'],
    ['FTP', 'local disk with sidecars'],
    ['local disk', 'Google'],
  ])('%s to %s', async (from, to) => {
    await using source = open[from]!()
    await using target = open[to]!()
    const isTimed = source.supports('setModifiedTime')
    for (const [name, size] of [
      ['a.css', 5],
      ['d/large.css', 4_300_000],
      ['empty', 0],
    ] as const) {
      await source.save(name, Buffer.alloc(size, 'x'), FULL.includes(from) ? ATTRIBUTES : {})
      if (isTimed) await source.setModifiedTime(name, OLD)
    }
    const reports: LeftBehind[] = []
    expect(await migrated(source, target, {}, reports)).toMatchObject({ copied: 3, failed: 0 })
    for (const name of ['a.css', 'd/large.css', 'empty']) {
      const [before, after] = [await source.stat(name), await target.stat(name)]
      expect(after.size).toBe(before.size)
      if (FULL.includes(from) && FULL.includes(to)) expect(kept(after)).toEqual(ATTRIBUTES)
      if (!target.supports('setModifiedTime')) continue
      const isExact = ![from, to].some(kind => kind === 'SFTP' || kind === 'FTP')
      const time = isExact ? before.modifiedAt! : new Date(Math.floor(+before.modifiedAt! / 1000) * 1000)
      expect(after.modifiedAt).toEqual(time)
      if (isTimed) expect(time).toEqual(isExact ? OLD : SECOND)
    }
    expect(reports).toEqual([])
    const named = leftBehind(source, target, PLAN).map(({ attribute }) => attribute)
    expect(named.includes('metadata')).toBe(FULL.includes(from) !== FULL.includes(to))
    expect(named.includes('modifiedAt')).toBe(!target.supports('setModifiedTime'))
  })

  it.each([
    ['S3', 'Google'],
    ['Google', 'S3'],
    ['S3', 'S3'],
  ])('visibility from %s to %s', async (from, to) => {
    await using source = open[from]!()
    await using target = open[to]!()
    const wanted: Record<string, Visibility> = { a: 'private', b: 'public', c: 'private' }
    for (const [name, visibility] of Object.entries(wanted)) {
      await source.save(name, name)
      await source.setVisibility(name, visibility)
    }
    await migrated(source, target)
    for (const [name, visibility] of Object.entries(wanted)) expect(await target.visibility(name)).toBe(visibility)
  })

  it('a bucket without ACLs fails no file, and is reported once', async () => {
    const server = await startStrictS3({ buckets: ['media', { name: 'enforced', ownershipEnforced: true }] })
    const { url: endpointUrl, region: regionName, credentials } = server
    const { accessKeyId: accessKey, secretAccessKey: secretKey } = credentials
    const storage = (bucketName: string) =>
      new S3Storage({ endpointUrl, regionName, bucketName, accessKey, secretKey }, NOWHERE)
    try {
      await using source = storage('media')
      await using target = storage('enforced')
      for (const name of ['a', 'b', 'c']) {
        await source.save(name, name)
        await source.setVisibility(name, 'public')
      }
      const reports: LeftBehind[] = []
      expect(await migrated(source, target, {}, reports)).toMatchObject({ copied: 3, failed: 0 })
      expect(reports).toEqual([{ attribute: 'visibility', lackedBy: 'target' }])
    } finally {
      await server.close()
    }
  })
})

describe('FileCopy', () => {
  it.each([
    ['local disk with sidecars', 'local disk'],
    ['memory', 'local disk with sidecars'],
  ])('records the state of the target after its time was set: %s to %s', async (from, to) => {
    await using source = open[from]!()
    await using target = open[to]!()
    await source.save('a', 'bytes')
    await source.setModifiedTime('a', OLD)
    const states = new Map<string, KnownStates>()
    const known = (name: string) => states.get(name)
    const copied = (name: string, _size: number, state: KnownStates | undefined) => void states.set(name, state!)
    expect(await migrated(source, target, { known, copied })).toMatchObject({ copied: 1 })
    expect(states.get('a')).toEqual({
      source: expect.any(String),
      target: expect.stringContaining((await target.stat('a')).etag!),
    })
    // Nothing is read: the states decide.
    if (to === 'local disk') {
      const before = statSync(target.path('a')).atimeMs
      expect(await migrated(source, target, { known, copied })).toMatchObject({ copied: 0, unchanged: 1 })
      expect(statSync(target.path('a')).atimeMs).toBe(before)
    }
  })

  it('catches up on what earlier work did not set, and asks for visibility only where it may be missing', async () => {
    for (const [hooks, wanted] of [
      [{}, 'private'],
      [{ isRepeated: true }, 'public'],
      [{ known: () => undefined }, 'public'],
    ] as const) {
      await using source = open['S3']!()
      await using target = open['S3']!()
      for (const storage of [source, target]) await storage.save('a', 'bytes')
      await source.setVisibility('a', 'public')
      expect(await migrated(source, target, hooks)).toMatchObject({ copied: 0, unchanged: 1 })
      expect([hooks, await target.visibility('a')]).toEqual([hooks, wanted])
    }
    await using source = open['local disk']!()
    await using target = open['local disk with sidecars']!()
    for (const storage of [source, target]) await storage.save('a', 'bytes')
    await source.setModifiedTime('a', OLD)
    expect(await migrated(source, target, { dryRun: true })).toMatchObject({ copied: 0, unchanged: 1 })
    expect(+(await target.getModifiedTime('a'))).toBeGreaterThan(+OLD)
    expect(await migrated(source, target)).toMatchObject({ copied: 0, unchanged: 1 })
    expect(await target.getModifiedTime('a')).toEqual(OLD)
  })

  it('waits for the bandwidth before all bytes of files in memory, of streams and of small local files', async () => {
    const sizes = { small: 10, middle: 1_000_000, large: 5_000_000 }
    for (const kind of ['local disk', 'memory']) {
      await using source = open[kind]!()
      const target = memory()
      for (const [name, size] of Object.entries(sizes)) await source.save(name, Buffer.alloc(size, 'x'))
      let taken = 0
      const bandwidth = { turn: 100_000, take: async (bytes: number) => void (taken += bytes) }
      const places = await Places.of(source, target, {}, { signal, isWriting: true, dryRun: false })
      const copy = new FileCopy(places.source, places.target, { signal, isRecorded: false, bandwidth })
      for await (const item of places.listSource()) {
        taken = 0
        await copy.copy(item, () => undefined)
        expect([kind, item.name, taken]).toEqual([kind, item.name, sizes[item.name as keyof typeof sizes]])
      }
      places.end()
    }
  })

  it('sends the bytes in turns of the bandwidth, so that each counts as progress of the request', async () => {
    const source = memory()
    await source.save('large', Buffer.alloc(5_000_000, 'x'))
    const sizes: number[] = []
    const target = changedStorage(driver => ({
      async write(key, content, ...rest) {
        for await (const chunk of content.open()) sizes.push((chunk as Buffer).byteLength)
        return driver.write(key, content, ...rest)
      },
    }))
    const bandwidth = { turn: 10_000, take: async () => undefined }
    const places = await Places.of(source, target, {}, { signal, isWriting: true, dryRun: false })
    const copy = new FileCopy(places.source, places.target, { signal, isRecorded: false, bandwidth })
    for await (const item of places.listSource()) await copy.copy(item, () => undefined)
    places.end()
    expect(Math.max(...sizes)).toBe(10_000)
    expect(sizes.reduce((sum, size) => sum + size)).toBe(5_000_000)
  })

  it('ends while it waits for the bandwidth', async () => {
    const [source, target] = [memory(), memory()]
    await source.save('a', 'bytes')
    const end = new AbortController()
    const bandwidth = {
      turn: 1,
      take: (_bytes: number, aborted: AbortSignal) =>
        new Promise<void>((_, reject) => {
          aborted.addEventListener('abort', () => reject(aborted.reason))
          end.abort(new Error('enough'))
        }),
    }
    const places = await Places.of(source, target, {}, { signal, isWriting: true, dryRun: false })
    const copy = new FileCopy(places.source, places.target, { signal: end.signal, isRecorded: false, bandwidth })
    for await (const item of places.listSource())
      await expect(copy.copy(item, () => undefined)).rejects.toThrow('enough')
    places.end()
    expect(await target.exists('a')).toBe(false)
  })
})
