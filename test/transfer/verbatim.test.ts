import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AnyStorage } from '../../src/storage/storage.ts'
import { plainContext } from '../../src/testing/index.ts'
import { compare } from '../../src/transfer/index.ts'
import { CarriedAttributes } from '../../src/transfer/migrate/attributes.ts'
import { MigrationEngine } from '../../src/transfer/migrate/engine.ts'
import { pairsOf } from '../../src/transfer/migrate/pairs.ts'
import type { Tally } from '../../src/transfer/migrate/tally.ts'
import { Places } from '../../src/transfer/places.ts'
import { azurePlace, gcsPlace, type Place, s3Place, swiftPlace } from '../storage/strict-places.ts'
import { CONTROLS, DOTS, ODD, put, textsOf } from './odd-names.ts'
import { filesIn, fill, memory, synced } from './support.ts'

const isRefusedByAzure = (name: string): boolean => /[\x00-\x1f\x7f-\x9f\uffff\\]|\.$/.test(name)

describe.each([
  ['S3', s3Place, 'bucketName', [...ODD, ...DOTS, ...CONTROLS], []],
  ['Google', gcsPlace, 'bucketName', [...ODD, ...DOTS, ...CONTROLS.filter(name => !/[\r\n\uffff]/.test(name))], []],
  ['Azure', azurePlace, 'azureContainer', [...ODD, ...CONTROLS].filter(name => !isRefusedByAzure(name)), []],
  ['Swift', swiftPlace, 'containerName', [...ODD, ...DOTS, ...CONTROLS], ['./a', 'a/./b', 'f/../a']],
] as const)('%s', (_, start, option, names, refused) => {
  let place: Place
  let source: AnyStorage
  let target: AnyStorage
  const kept = names.filter(name => !(refused as readonly string[]).includes(name))

  beforeAll(async () => {
    place = await start()
    source = place.storage()
    target = place.storage({ [option]: 'other' })
    await target.createContainer()
    for (const name of names) await put(source, name)
  })
  afterAll(async () => {
    await source.close()
    await target.close()
    await place.end()
  })

  it('copies each name under exactly its key, once', async () => {
    const { report, events } = await synced(source, target)
    const messages = refused.map(
      name =>
        `failed ${name}: '${name}' is not copied: the target would give it another name, which is that of another file.`,
    )
    expect(events).toEqual([...kept.map(name => `copied ${name}`), ...messages].sort())
    expect(report).toMatchObject({ copied: kept.length, failed: refused.length })
    expect(await filesIn(target)).toEqual(textsOf(kept))
    for await (const entry of target.entries('', { recursive: true })) {
      expect((await target.stat(entry)).contentType).toBe('text/x-odd')
    }
  })

  it('copies nothing the second time, and finds both places equal', async () => {
    const { report } = await synced(source, target)
    expect(report).toMatchObject({ copied: 0, unchanged: kept.length, extra: 0 })
    expect(await compare(source, target)).toMatchObject({ equal: kept.length, missing: refused.length, extra: 0 })
  })

  it('copies into a folder, and between folders of one bucket', async () => {
    const sourcePath = 'folder'
    const few = kept.filter(name => name.length < 900)
    for (const name of few) await put(source, `folder/${name}`)
    for (const storage of [target, source]) {
      expect(await synced(source, storage, { sourcePath, targetPath: 'co py' })).toMatchObject({
        report: { copied: few.length, failed: 0 },
      })
      const again = await synced(source, storage, { sourcePath, targetPath: 'co py' })
      expect(again.report).toMatchObject({ copied: 0, unchanged: few.length })
      for (const storage of [source, target]) await storage.deleteAll('co py')
    }
    await source.deleteAll('folder')
  })

  it('deletes exactly the names that the source no longer has', async () => {
    const gone = kept.filter(name => /\/\/|^\/|\\|\.\/|[^ -~]| $/.test(name))
    for (const name of gone) await source.calls.driver.delete(name, plainContext())
    for (const name of refused) await source.calls.driver.delete(name, plainContext())
    const { report, events } = await synced(source, target, { delete: true, maxDelete: 100 })
    expect(events).toEqual(gone.map(name => `deleted ${name}`).sort())
    expect(report).toMatchObject({ copied: 0, failed: 0, deleted: gone.length, inSync: true })
    expect(await filesIn(target)).toEqual(textsOf(kept.filter(name => !gone.includes(name))))
  })
})

it('copies between different services, and a name that one of them refuses fails alone', async () => {
  const places = await Promise.all([s3Place(), swiftPlace(), gcsPlace(), azurePlace()])
  const storages = places.map(place => place.storage())
  const [bucket, swift, gcs, azure] = storages as [AnyStorage, AnyStorage, AnyStorage, AnyStorage]
  try {
    const names = [...ODD, 'c/\u0001']
    for (const name of [...names, 'a/./b']) await put(bucket, name)
    for (const target of [swift, gcs, azure]) {
      const isDotted = target === gcs
      const refusedBy = (name: string): boolean => target === azure && isRefusedByAzure(name)
      const kept = [...names.filter(name => !refusedBy(name)), ...(isDotted ? ['a/./b'] : [])]
      for (const copied of [kept.length, 0]) {
        const { report } = await synced(bucket, target)
        expect(report).toMatchObject({ copied, failed: names.length + 1 - kept.length })
        for (const { error } of report.failures) expect(error.code).toBe('suspicious_name')
      }
      expect(await filesIn(target)).toEqual(textsOf(kept))
    }
    // And back, by the engine of migrations.
    const back = places[0]!.storage({ bucketName: 'back' })
    await back.createContainer()
    const tally = await migrated(swift, back)
    expect(tally).toMatchObject({ seen: names.length, copied: names.length, failed: 0 })
    expect(await migrated(swift, back)).toMatchObject({ copied: 0, unchanged: names.length, failed: 0 })
    expect(await filesIn(back)).toEqual(textsOf(names))
    await back.close()
  } finally {
    for (const storage of storages) await storage.close()
    for (const place of places) await place.end()
  }
})

/** The copy pass of a migration. */
async function migrated(source: AnyStorage, target: AnyStorage): Promise<Tally> {
  const { signal } = new AbortController()
  const places = await Places.of(source, target, {}, { signal, isWriting: true, dryRun: false })
  const plan = { verify: false, delete: false, allowEmptySource: false, times: true, visibility: false } as const
  const carried = new CarriedAttributes(source, target, plan)
  const engine = new MigrationEngine(places, plan, { concurrency: 4, carried })
  try {
    return await engine.run('copy', pairsOf(places.listSource(), places.listTarget()), {
      signal,
      failed: (_, error) => {
        throw error
      },
    })
  } finally {
    places.end()
  }
}

it('reports such names if one of the places is no such service', async () => {
  const place = await s3Place()
  try {
    const bucket = place.storage()
    for (const name of ['a//b', '/a', 'back\\slash', 'plain']) await put(bucket, name)
    const { report } = await synced(bucket, memory())
    expect(report).toMatchObject({ copied: 1, failed: 3 })
    await bucket.deleteAll('', { all: true })
    const files = memory()
    await fill(files, { plain: 'x' })
    await put(bucket, 'a//b')
    expect((await synced(files, bucket, { delete: true })).report).toMatchObject({ copied: 1, deleted: 0 })
    await bucket.close()
  } finally {
    await place.end()
  }
})
