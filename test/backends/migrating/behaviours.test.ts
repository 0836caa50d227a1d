/** What a storage over two others does that a single one does not: copies after reads, failures of one of them, races, etags, URLs. */
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { MigratingStorage } from '../../../src/backends/migrating/index.ts'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import { bytesContent } from '../../../src/core/content.ts'
import type { Driver } from '../../../src/core/driver.ts'
import { StorageError } from '../../../src/core/errors.ts'
import type { AnyStorage } from '../../../src/storage/storage.ts'
import type { Entry } from '../../../src/storage/types.ts'
import { plainContext } from '../../../src/testing/context.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'
import { type Changes, changedStorage, filesIn } from '../../transfer/support.ts'
import { MODES, type Mode, NOWHERE } from './support.ts'

const memory = (): MemoryStorage => new MemoryStorage({ baseUrl: '/files/' }, NOWHERE)

function pair(mode: Mode = {}, changes: { from?: Changes; to?: Changes } = {}) {
  const [from, to] = [changes.from, changes.to].map(each => (each === undefined ? memory() : changedStorage(each)))
  const storage = new MigratingStorage({ ...mode, from: from!, to: to! }, NOWHERE)
  return { from: from!, to: to!, storage }
}

const broken = (): Promise<never> => Promise.reject(new StorageError('unavailable', 'it is broken'))
const failing =
  (method: 'write' | 'delete' | 'deleteMany' | 'stat' | 'read' | 'list'): Changes =>
  () => ({ [method]: broken })

/** A driver whose calls of a method wait until they are let through. */
function gated(method: 'write' | 'read') {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>()
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
  let calls = 0
  const changes: Changes = driver => ({
    [method]: async (...given: unknown[]) => {
      calls++
      reach()
      await opened
      return (driver[method] as (...all: unknown[]) => unknown).apply(driver, given)
    },
  })
  return { changes, open, reached, calls: () => calls }
}

async function all(storage: AnyStorage): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const entry of storage.entries('', { recursive: true })) entries.push(entry)
  return entries
}

describe('copies after reads', () => {
  it('carry content type, cache control and metadata, and replace nothing', async () => {
    const { from, to, storage } = pair({ copyOnRead: true })
    const attributes = {
      contentType: 'text/x-own',
      contentLanguage: 'mi',
      contentDisposition: 'attachment',
      cacheControl: 'max-age=1',
      metadata: { by: 'me' },
    }
    await from.save('a', 'old', attributes)
    await from.save('b', 'old')
    await to.save('b', 'new')
    expect(await storage.readText('a')).toBe('old')
    expect(await storage.readText('b')).toBe('new')
    await storage.whenCopied()
    expect(await filesIn(to)).toEqual({ a: 'old', b: 'new' })
    expect(await to.stat('a')).toMatchObject(attributes)
    expect(await filesIn(from)).toEqual({ a: 'old', b: 'old' })
    expect(storage.lateCopies).toEqual({ copied: 1, failed: 0, pending: 0 })
  })

  it('are made by every kind of read, once for reads at the same time', async () => {
    const gate = gated('write')
    const { from, to, storage } = pair({ copyOnRead: true }, { to: gate.changes })
    await from.save('a', 'old')
    const texts = await Promise.all(Array.from({ length: 20 }, () => storage.readText('a')))
    expect(new Set(texts)).toEqual(new Set(['old']))
    await gate.reached
    await using file = await storage.open('a')
    expect(String(await file.read(2))).toBe('ol')
    for await (const _ of storage.createReadStream('a', { start: 1 }));
    expect(storage.lateCopies.pending).toBe(1)
    gate.open()
    await storage.whenCopied()
    expect(gate.calls()).toBe(1)
    expect(await filesIn(to)).toEqual({ a: 'old' })
    // The open file goes on with the version that it began with.
    expect(String(await file.read())).toBe('d')
  })

  it('do not replace a file that is written meanwhile', async () => {
    const gate = gated('read')
    const { from, to, storage } = pair({ copyOnRead: true }, { from: gate.changes })
    await from.save('a', 'old')
    const text = storage.readText('a')
    await gate.reached
    await storage.save('a', 'new', { overwrite: true })
    gate.open()
    await text
    await storage.whenCopied()
    expect(await filesIn(to)).toEqual({ a: 'new' })
    expect(storage.lateCopies.failed).toBe(0)
  })

  it('do not bring back a file that is deleted meanwhile, by this process or by another one', async () => {
    for (const own of [true, false]) {
      const gate = gated('write')
      const { from, to, storage } = pair({ copyOnRead: true }, { to: gate.changes })
      const other = new MigratingStorage({ from, to }, NOWHERE)
      await from.save('a', 'old')
      await storage.readText('a')
      await gate.reached
      const deleted = (own ? storage : other).delete('a')
      await setImmediate()
      gate.open()
      await deleted
      await storage.whenCopied()
      expect(await filesIn(to), String(own)).toEqual({})
      expect(await storage.exists('a')).toBe(false)
    }
  })

  it('are removed if the old file was changed meanwhile, but not if a newer one replaced them', async () => {
    const gate = gated('write')
    const { from, to, storage } = pair({ copyOnRead: true }, { to: gate.changes })
    await from.save('a', 'old')
    await storage.readText('a')
    await gate.reached
    await from.save('a', 'changed', { overwrite: true })
    gate.open()
    await storage.whenCopied()
    expect(await filesIn(to)).toEqual({})
    expect(await storage.readText('a')).toBe('changed')
  })

  it('that fail do not fail the read, are counted, and are tried again', async () => {
    let fails = true
    const to: Changes = driver => ({
      write: (...given: Parameters<Driver['write']>) => (fails ? broken() : driver.write(...given)),
    })
    const { from, storage, to: target } = pair({ copyOnRead: true }, { to })
    await from.save('a', 'old')
    expect(await storage.readText('a')).toBe('old')
    await storage.whenCopied()
    expect(storage.lateCopies).toEqual({ copied: 0, failed: 1, pending: 0 })
    fails = false
    expect(await storage.readText('a')).toBe('old')
    await storage.close()
    expect(await filesIn(target)).toEqual({ a: 'old' })
  })

  it('are not made by a storage that is read-only', async () => {
    const [from, to] = [memory(), memory()]
    await from.save('a', 'old')
    const storage = new MigratingStorage({ from, to, copyOnRead: true, readOnly: true }, NOWHERE)
    expect(await storage.readText('a')).toBe('old')
    await storage.close()
    expect(await filesIn(to)).toEqual({})
  })

  it('of many files are all made', async () => {
    const { from, to, storage } = pair({ copyOnRead: true })
    const names = Array.from({ length: 50 }, (_, at) => `${at}`)
    for (const name of names) await from.save(name, name)
    await Promise.all(names.map(name => storage.readText(name)))
    await storage.close()
    expect(Object.keys(await filesIn(to)).sort()).toEqual(names.sort())
  })
})

describe('a failure of one storage', () => {
  it('in the second write names the storage, and keeps the first one', async () => {
    for (const [read, failed] of [
      ['from', 'to'],
      ['to', 'from'],
      ['both', 'from'],
    ] as const) {
      const { storage, from, to } = pair({ read, write: 'both' }, { [failed]: failing('write') })
      const error = await storage.save('a', 'text').catch((error: unknown) => error)
      expect(error).toMatchObject({ code: 'unavailable', outcome: 'unknown' })
      expect(String(error)).toContain(`'a' is stored in '${failed === 'to' ? 'from' : 'to'}', but '${failed}' failed: `)
      expect(await filesIn(failed === 'to' ? from : to)).toEqual({ a: 'text' })
    }
  })

  it('in the first write changes nothing', async () => {
    const { storage, from } = pair({ read: 'to', write: 'both' }, { to: failing('write') })
    await expect(storage.save('a', 'text')).rejects.toMatchObject({ code: 'unavailable' })
    expect(await filesIn(from)).toEqual({})
  })

  it('leaves a file that is half deleted visible, and says so', async () => {
    const { storage, from, to } = pair({}, { to: failing('delete') })
    await Promise.all([from, to].map(each => each.save('a', 'text')))
    await expect(storage.delete('a')).rejects.toThrow("'a' is deleted in 'from', but 'to' failed")
    expect(await storage.readText('a')).toBe('text')
    const old = pair({}, { from: failing('delete') })
    await Promise.all([old.from, old.to].map(each => each.save('a', 'text')))
    await expect(old.storage.delete('a')).rejects.toMatchObject({ code: 'unavailable' })
    expect(await filesIn(old.to)).toEqual({ a: 'text' })
  })

  it('of many deletions is reported', async () => {
    const { storage, from } = pair({}, { to: failing('deleteMany') })
    await from.save('a', 'text')
    await expect(storage.deleteMany(['a', 'b'])).rejects.toThrow("2 files are deleted in 'from', but 'to' failed")
    const one: Changes = driver => ({
      deleteMany: async keys =>
        keys.map(key => (key === 'a' ? { key, error: new StorageError('unavailable', 'no') } : { key })),
      delete: driver.delete.bind(driver),
    })
    const other = pair({}, { to: one })
    const { deleted, errors } = await other.storage.deleteMany(['a', 'b'])
    expect({ deleted, errors: errors.map(({ name, error }) => `${name} ${error.message}`) }).toEqual({
      deleted: 1,
      errors: ["a 'a' is deleted in 'from', but 'to' failed: no"],
    })
  })

  it('is never taken for a missing file', async () => {
    const { storage, from } = pair({}, { to: driver => ({ ...failing('stat')(driver), ...failing('read')(driver) }) })
    await from.save('a', 'old')
    await expect(storage.exists('a')).rejects.toMatchObject({ code: 'unavailable' })
    await expect(storage.readText('a')).rejects.toMatchObject({ code: 'unavailable' })
    const other = pair({}, { from: failing('list') })
    await expect(other.storage.listdir('')).rejects.toMatchObject({ code: 'unavailable' })
  })
})

describe('a name that must be free', () => {
  it('is taken if another process creates it in `from` meanwhile, and the first write is undone', async () => {
    for (const [theirs, result] of [
      ['theirs', 'exists'],
      ['mine', 'a'],
    ] as const) {
      let writes = 0
      const raced: Changes = driver => ({
        write: async (...given: Parameters<Driver['write']>) => {
          if (writes++ === 0) await driver.write(given[0], bytesContent(Buffer.from(theirs)), {}, given[3])
          return driver.write(...given)
        },
      })
      const { storage, from, to } = pair({ read: 'to', write: 'both' }, { from: raced })
      const saved = await storage.save('a', 'mine', { ifAbsent: true }).catch(error => error.code)
      expect(saved).toBe(result)
      // The same bytes are a copy that a migration has made: no conflict.
      expect(await filesIn(from)).toEqual({ a: theirs })
      expect(await filesIn(to)).toEqual(result === 'a' ? { a: 'mine' } : {})
    }
  })

  it('goes to exactly one of two processes in the two modes of a rolling restart', async () => {
    for (let round = 0; round < 20; round++) {
      const [from, to] = [memory(), memory()]
      const sides = [
        new MigratingStorage({ from, to, read: 'from', write: 'both' }, NOWHERE),
        new MigratingStorage({ from, to, read: 'to', write: 'both' }, NOWHERE),
      ]
      const names = await Promise.all(sides.map((each, at) => each.save('a', `text ${at}`)))
      expect(new Set(names).size).toBe(2)
      const files = await filesIn(from)
      expect(files).toEqual(await filesIn(to))
      expect(names.map(name => files[name])).toEqual(['text 0', 'text 1'])
    }
  })
})

it('returns the URL of the storage that has the file', async () => {
  const from = new LocalStorage(
    { location: '/nowhere', baseUrl: '/old/' },
    { ...NOWHERE, driver: new MemoryStorage({ baseUrl: '/old/' }, NOWHERE).calls.driver },
  )
  const to = new MemoryStorage({ baseUrl: '/new/' }, NOWHERE)
  const storage = new MigratingStorage({ from, to }, NOWHERE)
  await from.save('a', 'old')
  await to.save('b', 'new')
  expect(await Promise.all(['a', 'b', 'c'].map(name => storage.url(name)))).toEqual(['/old/a', '/new/b', '/new/c'])
  await expect(storage.url('a', { method: 'DELETE' })).rejects.toMatchObject({ code: 'unsupported' })
})

it('brings a file by hand, and refuses where only one storage is read', async () => {
  const { from, to, storage } = pair()
  await from.save('a', 'old', { contentType: 'text/x-own' })
  await from.save('b', 'old')
  await to.save('b', 'new')
  for (const name of ['a', 'b', 'missing']) await storage.bring(name)
  expect(await filesIn(to)).toEqual({ a: 'old', b: 'new' })
  expect((await to.stat('a')).contentType).toBe('text/x-own')
  await expect(pair({ read: 'to', write: 'both' }).storage.bring('a')).rejects.toMatchObject({ code: 'unsupported' })
})

it('reads and deletes files whose names are not in their normal form, and does not copy them', async () => {
  const server = await startStrictS3()
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
  const place = { endpointUrl: server.url, regionName: server.region, accessKey, secretKey }
  const from = new S3Storage({ bucketName: 'media', location: 'old', ...place }, NOWHERE)
  const to = memory()
  const storage = new MigratingStorage({ from, to, copyOnRead: true }, NOWHERE)
  try {
    for (const key of ['old/a//b', 'old/c']) {
      await from.calls.driver.write(key, bytesContent(Buffer.from(key)), {}, plainContext())
    }
    const texts: string[] = []
    const entries = await all(storage)
    for (const entry of entries) texts.push(`${entry.name}: ${await storage.readText(entry)}`)
    expect(texts).toEqual(['a//b: old/a//b', 'c: old/c'])
    await storage.whenCopied()
    expect(await filesIn(to)).toEqual({ c: 'old/c' })
    await storage.deleteMany(entries)
    expect(await all(storage)).toEqual([])
  } finally {
    await storage.close()
    await server.close()
  }
})

it('closes both storages, and has no copy left then', async () => {
  let closed = 0
  const counts: Changes = driver => ({
    close: async () => {
      closed++
      await driver.close?.()
    },
  })
  const driver = (changes: Changes): AnyStorage => changedStorage(changes)
  const storage = new MigratingStorage({ from: driver(counts), to: driver(counts), copyOnRead: true }, NOWHERE)
  expect(await storage.exists('a')).toBe(false)
  await storage.close()
  expect(closed).toBe(2)
  expect(storage.lateCopies.pending).toBe(0)
})

it('has no mode that the tests leave out', () => {
  const all = (['both', 'from', 'to'] as const).flatMap(read =>
    (['to', 'both'] as const).flatMap(write => [true, false].map(copyOnRead => ({ read, write, copyOnRead }))),
  )
  const allowed = all.filter(mode => {
    try {
      new MigratingStorage({ ...mode, from: memory(), to: memory() }, NOWHERE)
      return true
    } catch {
      return false
    }
  })
  expect(allowed.length).toBe(MODES.length)
})
