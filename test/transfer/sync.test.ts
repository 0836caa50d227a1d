import { createHash } from 'node:crypto'
import { utimesSync, writeFileSync } from 'node:fs'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { StorageError } from '../../src/core/errors.ts'
import { sync } from '../../src/transfer/index.ts'
import { Kinds } from '../storage/kinds.ts'
import { isFull } from '../support/sampled.ts'
import { changedStorage, filesIn, fill, memory, NOWHERE } from './support.ts'

const kinds = await Kinds.start()
const folder = await mkdtemp(join(tmpdir(), 'holdall-sync-test-'))
afterAll(async () => {
  await kinds.end()
  await rm(folder, { recursive: true })
})
let records = 0
const newRecord = (): string => join(folder, `record-${records++}`)

/** Writes a file that was changed long ago. */
function oldFile(path: string, content: string | Buffer): void {
  writeFileSync(path, content)
  utimesSync(path, 1_700_000_000, 1_700_000_000)
}

/** The operations that the S3 server has logged, with their numbers. */
function requests(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { operation } of kinds.server.requests) counts[operation] = (counts[operation] ?? 0) + 1
  kinds.server.requests.length = 0
  return counts
}

describe('sync', () => {
  it('sends one request for each file that is copied, and one list request per 1,000 files', async () => {
    const [source, target] = [kinds.local(), kinds.s3()]
    for (let at = 0; at < 30; at++) oldFile(join(source.root, `file-${at}.txt`), `text ${at}`)
    const record = newRecord()
    requests()
    expect(await sync(source, target, { record })).toMatchObject({ checked: 30, copied: 30, failed: 0, inSync: true })
    expect(requests()).toEqual({ PutObject: 30, ListObjectsV2: 1 })
    const again = await sync(source, target, { record, delete: true })
    expect(again).toMatchObject({ copied: 0, unchanged: 30, deleted: 0, compared: { record: 30 }, inSync: true })
    expect(requests()).toEqual({ ListObjectsV2: 1 })
    const back = kinds.local()
    expect(await sync(target, back, { record: newRecord() })).toMatchObject({ copied: 30, inSync: true })
    expect(requests()).toEqual({ GetObject: 30, ListObjectsV2: 1 })
    expect(await filesIn(back)).toEqual(await filesIn(source))
  })

  it('makes no other request than listings where no file has changed, with a record and without', async () => {
    const files = isFull ? 10_000 : 1200
    const lists = Math.ceil(files / 1000)
    const [source, target] = [kinds.local(), kinds.s3()]
    await target.save('one', 'x')
    const bucket = kinds.server.bucket()
    const one = bucket.current(`${target.options.location}/one`)!
    await target.delete('one')
    for (let at = 0; at < files; at++) {
      const body = Buffer.from(`text ${at}`)
      const etag = createHash('md5').update(body).digest('hex')
      bucket.put(`${target.options.location}/file-${at}.txt`, { ...one, body, etag, checksums: {} })
      oldFile(join(source.root, `file-${at}.txt`), body)
    }
    const record = newRecord()
    requests()
    const first = await sync(source, target, { record, delete: true })
    expect(first).toMatchObject({ copied: 0, unchanged: files, compared: { oneRead: files }, withoutDigest: 0 })
    expect(requests()).toEqual({ ListObjectsV2: lists })
    const second = await sync(source, target, { record, delete: true })
    expect(second).toMatchObject({ copied: 0, unchanged: files, compared: { record: files }, inSync: true })
    expect(requests()).toEqual({ ListObjectsV2: lists })
  })

  it('asks for the exact time of a file where the listing has a rough one, instead of copying it', async () => {
    const done: string[] = []
    // As an FTP server without MLSD: no etags, and a listing in minutes of an unknown zone.
    const rough = () =>
      changedStorage(driver => ({
        async stat(key, ctx) {
          done.push(`stat ${key}`)
          const { etag: _, ...stat } = await driver.stat(key, ctx)
          return stat
        },
        async write(key, content, options, ctx) {
          done.push(`write ${key}`)
          await driver.write(key, content, options, ctx)
          return undefined
        },
        async list(...args) {
          const { files, ...page } = await driver.list(...args)
          return {
            ...page,
            files: files.map(({ etag: _, ...file }) => ({ ...file, modifiedAt: new Date(5), isRoughTime: true })),
          }
        },
      }))
    const [source, target] = [kinds.local(), rough()]
    for (const name of ['a', 'b', 'c']) oldFile(join(source.root, name), `text of ${name}`)
    const record = newRecord()
    const concurrency = 1
    expect(await sync(source, target, { record, concurrency })).toMatchObject({ copied: 3 })
    done.length = 0
    const second = await sync(source, target, { record, concurrency })
    expect(second).toMatchObject({ copied: 0, compared: { record: 3 }, inSync: true })
    expect(done).toEqual(['stat a', 'stat b', 'stat c'])
    await target.save('b', 'TEXT OF B', { overwrite: true })
    await target.save('c', 'longer than before', { overwrite: true })
    done.length = 0
    expect(await sync(source, target, { record, concurrency })).toMatchObject({ copied: 2, compared: { record: 1 } })
    expect(done).toEqual(['stat a', 'stat b', 'write b', 'stat b', 'write c', 'stat c'])
    expect(await filesIn(target)).toEqual(await filesIn(source))
    expect(await sync(source, target, { record, checksum: true })).toMatchObject({
      compared: { record: 0, bothRead: 3 },
    })
  })

  it('notices a change that leaves size and time as they were, where the disk shows it', async () => {
    const [source, target] = [kinds.local(), kinds.s3()]
    const path = join(source.root, 'a')
    await writeFile(path, 'one')
    await utimes(path, 1000, 1000)
    const record = newRecord()
    await sync(source, target, { record })
    await rm(path)
    await writeFile(path, 'two')
    await utimes(path, 1000, 1000)
    await sync(source, target, { record })
    // A new file is another one. What is changed in its place with its time put back is found by its contents.
    expect(await filesIn(target)).toEqual({ a: 'two' })
    await writeFile(path, 'six')
    await utimes(path, 1000, 1000)
    expect(await sync(source, target, { record, checksum: true })).toMatchObject({ copied: 1 })
    expect(await filesIn(target)).toEqual({ a: 'six' })
  })

  it('keeps the record of the last run where a listing fails', async () => {
    let fails = false
    const source = changedStorage(driver => ({
      async list(prefix, page, ctx) {
        const found = await driver.list(prefix, { ...page, limit: 2 }, ctx)
        if (fails && page.token !== undefined) throw new StorageError('unavailable', 'no answer')
        return found
      },
    }))
    const files = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map(name => [name, name]))
    await fill(source, files)
    const target = memory()
    const record = newRecord()
    await sync(source, target, { record })
    fails = true
    await expect(sync(source, target, { record })).rejects.toMatchObject({ code: 'unavailable' })
    fails = false
    expect(await sync(source, target, { record })).toMatchObject({ unchanged: 5, compared: { record: 5 } })
    expect((await readdir(folder)).filter(name => name.startsWith('.'))).toEqual([])
  })

  it('hears of what a listing left out at its very end', async () => {
    const target = memory()
    await fill(target, { a: 'a', 'secret/c': 'c' })
    let lists = 0
    const source = changedStorage(driver => ({
      async list(prefix, page, ctx) {
        const found = await driver.list(prefix, page, ctx)
        lists++
        // Nothing else is awaited after the target's listing has ended.
        await new Promise(resolve => setTimeout(resolve, 5))
        process.emitWarning('"secret/" is left out: permission denied.', { code: 'HOLDALL_LEFT_OUT' })
        return found
      },
    }))
    await fill(source, { a: 'a' })
    const heard = process.listeners('warning')
    process.removeAllListeners('warning')
    process.on('warning', () => undefined)
    try {
      const report = await sync(source, target, { delete: true, sizeOnly: true })
      expect([lists, report]).toMatchObject([1, { unchanged: 1, deleted: 0, heldBack: 'incomplete_source' }])
    } finally {
      process.removeAllListeners('warning')
      for (const listener of heard) process.on('warning', listener)
    }
  })

  it('deletes no file of a disk that was changed after the listing', async () => {
    const [source, target] = [memory(), kinds.local()]
    await fill(source, { new: 'new' })
    await fill(target, { other: 'o', same: 's', 'sub/gone': 'g' })
    const events: string[] = []
    const report = await sync(source, target, {
      delete: true,
      maxDelete: 100,
      onEvent: event => {
        events.push(`${event.type} ${event.name}`)
        if (event.type === 'copied') writeFileSync(join(target.root, 'other'), 'changed meanwhile')
      },
    })
    expect(events.sort()).toEqual(['copied new', 'deleted same', 'deleted sub/gone', 'failed other'])
    expect(report).toMatchObject({ deleted: 2, extra: 1, failed: 1, inSync: false })
    expect(report.failures[0]!.error).toMatchObject({ code: 'precondition_failed', fileName: 'other' })
    expect(await filesIn(target)).toEqual({ new: 'new', other: 'changed meanwhile' })
    expect(await readdir(target.root)).not.toContain('sub')
  })

  it('refuses unknown options, and values that cannot be', async () => {
    const run = (options: object) => sync(memory(), memory(), options)
    await expect(run({ deletes: true })).rejects.toThrow("sync has no option 'deletes' (did you mean 'delete'?)")
    await expect(run({ maxDelete: 101 })).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(run({ concurrency: 0 })).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(run({ checksum: true, sizeOnly: true })).rejects.toMatchObject({ code: 'invalid_argument' })
    const readOnly = new MemoryStorage({ readOnly: true }, NOWHERE)
    await expect(sync(memory(), readOnly)).rejects.toMatchObject({ code: 'permission_denied' })
  })
})
