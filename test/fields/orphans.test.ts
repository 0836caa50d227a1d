import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { S3Storage } from '../../src/backends/s3/index.ts'
import {
  FileRegistry,
  FileTransaction,
  fileField,
  fileModel,
  findOrphans,
  type Orphan,
  type OrphanOptions,
  type OrphanSummary,
  upload,
} from '../../src/fields/index.ts'
import { LocalStorage, MemoryStorage, StorageError } from '../../src/index.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdall-orphans-'))
const s3 = await startStrictS3()
afterAll(async () => {
  await s3.close()
  rmSync(folder, { recursive: true })
})

const bare = { settings: {}, env: {} }

async function search(options: OrphanOptions): Promise<{ found: Orphan[]; summary: OrphanSummary }> {
  const found: Orphan[] = []
  const orphans = findOrphans(options)
  for (;;) {
    const { done, value } = await orphans.next()
    if (done) return { found, summary: value }
    found.push(value)
  }
}

const namesOf = (found: readonly Orphan[]): string[] => found.map(({ name }) => name).sort()

async function left(storage: MemoryStorage | LocalStorage | S3Storage): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of storage.entries('', { recursive: true })) names.push(name)
  return names.sort()
}

let storage: MemoryStorage
let registry: FileRegistry
let rows: Set<string>
beforeEach(() => {
  storage = new MemoryStorage()
  registry = new FileRegistry()
  rows = new Set()
})

function register(uploadTo: string | ((row: object, name: string) => string), prefix?: string): void {
  const model = fileModel('resumes', { pdf: fileField({ storage, uploadTo, prefix }) }, registry)
  model.addUsers(async (_, names) => names.filter(name => rows.has(name)))
}

describe('findOrphans', () => {
  it('lists files that no row names, and deletes them only when asked', async () => {
    register('pdfs/%Y')
    for (let number = 0; number < 450; number++) {
      const name = await storage.save(`pdfs/2026/${number}.pdf`, `${number}`)
      if (number % 3 > 0) rows.add(name)
    }
    await storage.save('other/kept.pdf', 'x')
    const options = { registry, graceSecs: 0 }
    const dry = await search(options)
    expect(dry.summary).toEqual({ found: 150, deleted: 0, failed: 0, used: 300, spared: 0, unfinished: 0 })
    expect(dry.found[0]).toMatchObject({ name: 'pdfs/2026/0.pdf', size: 1, deleted: false, storage })
    expect(await left(storage)).toHaveLength(451)
    const { found, summary } = await search({ ...options, delete: true })
    expect(namesOf(found)).toEqual(namesOf(dry.found))
    expect(summary).toMatchObject({ found: 150, deleted: 150, used: 300 })
    expect(await left(storage)).toEqual(['other/kept.pdf', ...rows].sort())
  })

  it('spares what is younger than the grace time, by default a day', async () => {
    register('pdfs')
    await storage.save('pdfs/young.pdf', 'x')
    const none = { found: 0, spared: 1, deleted: 0 }
    expect((await search({ registry, delete: true })).summary).toMatchObject(none)
    expect((await search({ registry, delete: true, graceSecs: 60 })).summary).toMatchObject(none)
    await expect(search({ registry, graceSecs: -1 })).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(search({ registry, graceSecs: Number.NaN })).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(await left(storage)).toEqual(['pdfs/young.pdf'])
  })

  it('spares the files of uploads in flight, whatever the grace time', async () => {
    register('pdfs')
    const model = fileModel('resumes', { pdf: fileField({ storage, uploadTo: 'pdfs' }) }, registry)
    const files = new FileTransaction(registry)
    const { pdf } = await model.store({ pdf: upload('x', 'a.pdf') }, { files })
    expect((await search({ registry, delete: true, graceSecs: 0 })).summary).toMatchObject({ found: 0, used: 1 })
    await files.commit()
    expect((await search({ registry, graceSecs: 0 })).found).toMatchObject([{ name: pdf }])
  })

  it('spares a file that was written anew since it was listed', async () => {
    storage = new MemoryStorage({ fileOverwrite: true })
    register('pdfs')
    for (let number = 0; number < 30; number++) await storage.save(`pdfs/${number}.pdf`, 'old')
    const orphans = findOrphans({ registry, delete: true, graceSecs: 0 })
    const first = await orphans.next()
    // The clock has whole milliseconds.
    for (const begun = Date.now(); Date.now() === begun; ) await new Promise(setImmediate)
    // Another process stores it once more; its row is not committed yet.
    await storage.save('pdfs/9.pdf', 'new')
    const last: Orphan[] = []
    for await (const orphan of orphans) last.push(orphan)
    expect(first.value).toMatchObject({ name: 'pdfs/0.pdf', deleted: true })
    expect(last.filter(({ deleted }) => !deleted)).toMatchObject([{ name: 'pdfs/9.pdf' }])
    expect(await storage.readText('pdfs/9.pdf')).toBe('new')
  })

  it('fld-13: deletes nothing when one column cannot be read or none is registered', async () => {
    await expect(search({ registry, delete: true, graceSecs: 0 })).rejects.toThrow('No column is registered')
    register('pdfs')
    await storage.save('pdfs/a.pdf', 'x')
    const broken = {
      label: 'drafts.pdf',
      field: fileField({ storage, uploadTo: 'pdfs' }),
      used: () => Promise.reject(new Error('no such table: drafts')),
    }
    registry.add(broken)
    await expect(search({ registry, delete: true, graceSecs: 0 })).rejects.toThrow('drafts.pdf could not be queried')
    expect(await left(storage)).toEqual(['pdfs/a.pdf'])
  })

  it('fld-13: a column that returns no names deletes nothing; one that returns files is understood', async () => {
    const field = fileField({ storage, uploadTo: 'pdfs' })
    await storage.save('pdfs/a.pdf', 'x')
    const options = { registry, delete: true, graceSecs: 0 }
    for (const odd of [Buffer.from('pdfs/a.pdf'), { pdf: 'pdfs/a.pdf' }, 7]) {
      const remove = registry.add({ label: 'resumes.pdf', field, used: async () => [odd] })
      await expect(search(options)).rejects.toThrow('where the name of a file was expected')
      remove()
    }
    registry.add({ label: 'resumes.pdf', field, used: async names => [null, ...names.map(name => field.attach(name))] })
    expect((await search(options)).summary).toMatchObject({ found: 0, used: 1 })
    expect(await left(storage)).toEqual(['pdfs/a.pdf'])
  })

  it('fld-13: a column that fails in the middle ends the search', async () => {
    register('pdfs')
    for (let number = 0; number < 500; number++) await storage.save(`pdfs/${number}`, 'x')
    let asked = 0
    registry.add({
      label: 'drafts.pdf',
      field: fileField({ storage, uploadTo: 'pdfs' }),
      used: async () => {
        asked += 1
        if (asked > 4) throw new Error('the connection is closed')
        return []
      },
    })
    await expect(search({ registry, delete: true, graceSecs: 0 })).rejects.toThrow('drafts.pdf')
    expect((await left(storage)).length).toBeGreaterThan(250)
  })

  it('fld-13: looks only below the folders that the fields write to, or that were given', async () => {
    register('pdfs')
    register('pdfs/deep')
    await storage.save('pdfs/deep/a', 'x')
    await storage.save('pdfsother', 'x')
    await storage.save('logs/b', 'x')
    expect(namesOf((await search({ registry, graceSecs: 0 })).found)).toEqual(['pdfs/deep/a'])
    expect(namesOf((await search({ registry, graceSecs: 0, prefixes: ['logs/'] })).found)).toEqual(['logs/b'])
    expect(namesOf((await search({ registry, graceSecs: 0, prefixes: [''] })).found)).toHaveLength(3)
  })

  it('fld-13: a field that can write anywhere must be given its folders', async () => {
    for (const uploadTo of ['', '%Y/pdfs', 'doc-%Y', (_: object, name: string) => `users/${name}`]) {
      const own = new FileRegistry()
      const field = fileField({ storage, uploadTo })
      own.add({ label: 'resumes.pdf', field, used: async () => [] })
      await expect(search({ registry: own, graceSecs: 0 })).rejects.toThrow("'resumes.pdf' can write anywhere")
    }
    await storage.save('users/a', 'x')
    register((_, name) => `users/${name}`, 'users/')
    expect(namesOf((await search({ registry, graceSecs: 0 })).found)).toEqual(['users/a'])
  })

  it('fld-5: asks every registered table, in whatever storage of the same place it is', async () => {
    const outer = new LocalStorage({ location: folder }, bare)
    const inner = new LocalStorage({ location: join(folder, 'media') }, bare)
    const again = new LocalStorage({ location: join(folder, 'media') }, bare)
    for (const name of ['a', 'ü b', 'c', 'd']) await inner.save(`pdfs/${name}`, 'x')
    const holding = (held: readonly string[]) => async (names: readonly string[]) =>
      names.filter(name => held.includes(name))
    const add = (storageOf: LocalStorage, uploadTo: string, held: readonly string[]) =>
      registry.add({ label: uploadTo, field: fileField({ storage: storageOf, uploadTo }), used: holding(held) })
    add(inner, 'pdfs', ['pdfs/a'])
    add(again, 'pdfs', ['pdfs/c'])
    add(outer, 'media/pdfs', ['media/pdfs/ü b'])
    const { found } = await search({ registry, graceSecs: 0, delete: true })
    expect(new Set(found.map(({ name }) => name.replace('media/', '')))).toEqual(new Set(['pdfs/d']))
    expect(await left(inner)).toEqual(['pdfs/a', 'pdfs/c', 'pdfs/ü b'])
  })

  it('reports a file that cannot be deleted, and goes on', async () => {
    register('pdfs')
    for (const name of ['a', 'b', 'c']) await storage.save(`pdfs/${name}`, 'x')
    const { driver } = storage.calls
    const remove = driver.delete.bind(driver)
    driver.delete = async (key, ctx, options) => {
      if (key.endsWith('b')) throw new StorageError('permission_denied', 'not yours')
      return remove(key, ctx, options)
    }
    const { found, summary } = await search({ registry, graceSecs: 0, delete: true })
    expect(summary).toMatchObject({ found: 3, deleted: 2, failed: 1 })
    expect(found.find(({ name }) => name === 'pdfs/b')).toMatchObject({
      deleted: false,
      error: { code: 'permission_denied' },
    })
    expect(await left(storage)).toEqual(['pdfs/b'])
  })

  it('ends when its signal fires', async () => {
    register('pdfs')
    await storage.save('pdfs/a', 'x')
    const signal = AbortSignal.abort()
    await expect(search({ registry, graceSecs: 0, delete: true, signal })).rejects.toMatchObject({ code: 'aborted' })
    expect(await left(storage)).toEqual(['pdfs/a'])
  })
})

describe('unfinished uploads', () => {
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = s3.credentials
  const place = { endpointUrl: s3.url, regionName: s3.region, bucketName: 'media', accessKey, secretKey }
  const bucket = s3.bucket()
  const begin = (id: string, key: string, ageSecs: number): void => {
    const settings = { metadata: {}, headers: {} } as never
    const initiated = Date.now() - ageSecs * 1000
    const more = { checksumAlgorithm: undefined, checksumType: 'COMPOSITE', parts: new Map() } as const
    bucket.uploads.set(id, { id, key, initiated, settings, ...more })
  }

  it('fld-13: in parts on S3 are ended in the folders of the fields, where they are older than the grace time', async () => {
    const files = new S3Storage({ ...place, location: 'app' }, bare)
    begin('old', 'app/pdfs/old.pdf', 90_000)
    begin('young', 'app/pdfs/young.pdf', 100)
    begin('elsewhere', 'other/pdfs/old.pdf', 90_000)
    begin('beside', 'app/pdfs-old/old.pdf', 90_000)
    registry.add({ label: 'resumes.pdf', field: fileField({ storage: files, uploadTo: 'pdfs' }), used: async () => [] })
    expect((await search({ registry })).summary).toMatchObject({ unfinished: 1 })
    expect([...bucket.uploads.keys()]).toEqual(['old', 'young', 'elsewhere', 'beside'])
    expect((await search({ registry, delete: true })).summary).toMatchObject({ unfinished: 1 })
    expect([...bucket.uploads.keys()]).toEqual(['young', 'elsewhere', 'beside'])
    bucket.uploads.clear()
    await files.close()
  })

  it('of this storage, and of more pages than one, are told apart by sweep', async () => {
    const paged = await startStrictS3({ pageSize: 3 })
    const own = {
      endpointUrl: paged.url,
      accessKey: paged.credentials.accessKeyId,
      secretKey: paged.credentials.secretAccessKey,
    }
    const files = new S3Storage({ ...place, ...own, partSize: 5 * 1024 * 1024 }, bare)
    const { uploads } = paged.bucket()
    const more = { checksumAlgorithm: undefined, checksumType: 'COMPOSITE', parts: new Map() } as const
    for (let id = 0; id < 10; id++) {
      uploads.set(`${id}`, { id: `${id}`, key: `k${id}`, initiated: 0, settings: {} as never, ...more })
    }
    const file = await files.open('mine', 'wb')
    await file.write(Buffer.alloc(6_000_000))
    expect(await files.sweep({ minAgeSecs: 0, dryRun: true })).toBe(10)
    expect(await files.sweep({ minAgeSecs: 0 })).toBe(10)
    await file.close()
    expect(await files.size('mine')).toBe(6_000_000)
    expect(uploads.size).toBe(0)
    await files.close()
    await paged.close()
  })

  it('cannot be found by a backend that has no sweep', async () => {
    await expect(storage.sweep()).rejects.toMatchObject({ code: 'unsupported' })
  })
})
