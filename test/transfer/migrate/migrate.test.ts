import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { bytesContent } from '../../../src/core/content.ts'
import { StorageError } from '../../../src/core/errors.ts'
import { type MigrateEvent, type MigrationStatus, migrate, readStatus } from '../../../src/transfer/index.ts'
import { Kinds } from '../../storage/kinds.ts'
import { changedStorage, filesIn, fill, memory } from '../support.ts'

const kinds = await Kinds.start()
const folder = await mkdtemp(join(tmpdir(), 'holdall-migrate-test-'))
afterAll(async () => {
  await kinds.end()
  await rm(folder, { recursive: true })
})
let ledgers = 0
const newLedger = (): string => join(folder, `ledger-${ledgers++}.sqlite`)
const named = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`file ${String(at).padStart(3, '0')}`, `text ${at}`]))

/** A storage without etags and digests, as an FTP server; `writes` are the names written. */
function plain(writes: string[] = []) {
  return changedStorage(driver => ({
    async list(...args) {
      const page = await driver.list(...args)
      return { ...page, files: page.files.map(({ etag: _, checksums: __, ...file }) => file) }
    },
    async stat(...args) {
      const { etag: _, checksums: __, ...stat } = await driver.stat(...args)
      return stat
    },
    async read(...args) {
      const { stat, ...result } = await driver.read(...args)
      const { etag: _, ...rest } = stat!
      return { ...result, stat: rest }
    },
    async write(key, ...rest) {
      writes.push(key)
      await driver.write(key, ...rest)
      return undefined
    },
  }))
}

describe('migrate', () => {
  it('copies, verifies and deletes, and copies nothing again', async () => {
    const [source, target] = [kinds.local(), kinds.s3()]
    const files = { a: 'one', 'b/c': 'two', 'd.txt': 'three' }
    await fill(source, files)
    await fill(target, { old: 'x' })
    const ledger = newLedger()
    const events: string[] = []
    const onEvent = (event: MigrateEvent): void => {
      if (event.type === 'pass') events.push(event.pass)
      else if (event.type === 'leftBehind') events.push(`without ${event.leftBehind.attribute}`)
      else events.push(`${event.type} ${event.name}`)
    }
    const options = { ledger, delete: true, onEvent, concurrency: 1 }
    const report = await migrate(source, target, options)
    expect(report).toMatchObject({
      state: 'done',
      isDone: true,
      counts: { seen: 3, copied: 3, verified: 3, extra: 1, deleted: 1, failed: 0, bytes: 11 },
    })
    const firstCopy = events.indexOf('copy')
    // Beforehand, what does not go along.
    expect(events.slice(0, firstCopy).every(event => event.startsWith('without '))).toBe(true)
    expect(events.slice(firstCopy)).toEqual([
      'copy',
      'copied a',
      'copied b/c',
      'copied d.txt',
      'verify',
      'delete',
      'deleted old',
    ])
    expect(await filesIn(target)).toEqual(files)
    expect(await readStatus(ledger)).toMatchObject({ state: 'done', counts: report.counts })
    kinds.server.requests.length = 0
    const again = await migrate(source, target, { ...options, verify: 'size' })
    expect(again).toMatchObject({ isDone: true, counts: { seen: 3, copied: 0, unchanged: 3, deleted: 0 } })
    // One listing for each pass, and no other request.
    expect(kinds.server.requests.map(({ operation }) => operation)).toEqual(Array(3).fill('ListObjectsV2'))
  })

  it('copies nothing twice after an interruption, and nothing in a second run, where listings have no digest', async () => {
    const [source, writes] = [plain(), [] as string[]]
    const target = plain(writes)
    const files = named(60)
    await fill(source, files)
    // A newer time does not tell two states apart.
    for (const name of Object.keys(files)) await source.setModifiedTime(name, new Date(1e12))
    const ledger = newLedger()
    for (let runs = 1; runs <= 3; runs++) {
      let copied = 0
      const onEvent = ({ type }: MigrateEvent): void => {
        if (type === 'copied' && ++copied === 15) throw new TypeError('stop')
      }
      await expect(migrate(source, target, { ledger, onEvent, concurrency: 3 })).rejects.toThrow('stop')
      expect(writes.length).toBeLessThanOrEqual(runs * 18)
    }
    const report = await migrate(source, target, { ledger, concurrency: 3 })
    expect(report).toMatchObject({ isDone: true, counts: { seen: 60, copied: 60, failed: 0, verified: 60 } })
    expect(await filesIn(target)).toEqual(files)
    expect([...writes].sort()).toEqual(Object.keys(files))
    const second = await migrate(source, target, { ledger, concurrency: 3 })
    expect(second).toMatchObject({ isDone: true, counts: { seen: 60, copied: 0, unchanged: 60 } })
    expect(writes.length).toBe(60)
  })

  it('does not go on with its checkpoint where a listing fails (syn-1)', async () => {
    let fails = true
    const writes: string[] = []
    const source = changedStorage(driver => ({
      async list(prefix, page, ctx) {
        if (fails && page.token !== undefined) throw new StorageError('unavailable', 'no answer')
        return driver.list(prefix, { ...page, limit: 20 }, ctx)
      },
    }))
    const target = changedStorage(driver => ({
      async write(key, ...rest) {
        writes.push(key)
        return driver.write(key, ...rest)
      },
    }))
    const files = named(50)
    await fill(source, files)
    await fill(target, { zz: 'extra' })
    writes.length = 0
    const options = { ledger: newLedger(), delete: true }
    await expect(migrate(source, target, options)).rejects.toMatchObject({ code: 'unavailable' })
    expect(writes.length).toBeLessThanOrEqual(20)
    const status = await readStatus(options.ledger)
    expect(status).toMatchObject({ state: 'interrupted', pass: 'copy', counts: { deleted: 0 } })
    expect(status!.counts.seen).toBeLessThanOrEqual(writes.length)
    fails = false
    expect(await migrate(source, target, options)).toMatchObject({ isDone: true, counts: { seen: 50, deleted: 1 } })
    expect([...writes].sort()).toEqual(Object.keys(files))
    expect(await filesIn(target)).toEqual(files)
  })

  it('deletes nothing where the listings of the delete pass fail, and continues there', async () => {
    let lists = 0
    const source = changedStorage(driver => ({
      async list(...args) {
        // The third one is that of the delete pass.
        if (++lists === 3) throw new StorageError('unavailable', 'no answer')
        return driver.list(...args)
      },
    }))
    await fill(source, { a: 'a' })
    const target = memory()
    await fill(target, { b: 'b' })
    const options = { ledger: newLedger(), delete: true }
    await expect(migrate(source, target, options)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await readStatus(options.ledger)).toMatchObject({ state: 'interrupted', pass: 'delete' })
    // What has come to the source meanwhile is not deleted.
    await fill(source, { b: 'b' })
    expect(await migrate(source, target, options)).toMatchObject({ isDone: true, counts: { deleted: 0, copied: 1 } })
    expect(await filesIn(target)).toEqual({ a: 'a', b: 'b' })
  })

  it('copies again what the verify pass finds missing or different, and compares it again', async () => {
    const [source, target] = [memory(), kinds.s3()]
    const files = { a: 'one', b: 'two', c: 'three' }
    await fill(source, files)
    const failed: string[] = []
    const onEvent = async (event: MigrateEvent): Promise<void> => {
      if (event.type === 'failed') failed.push(`${event.name} ${event.error.code}`)
      if (event.type !== 'pass' || event.pass !== 'verify') return
      await target.delete('a')
      await target.save('b', 'longer', { overwrite: true })
    }
    const report = await migrate(source, target, { onEvent })
    expect(failed.sort()).toEqual(['a not_found', 'b checksum_mismatch'])
    expect(report).toMatchObject({ isDone: true, counts: { copied: 5, different: 0, failed: 0 } })
    expect(await filesIn(target)).toEqual(files)
  })

  it('names what still differs, and deletes nothing then', async () => {
    // It stores other bytes of the same size, as a service with an error.
    const target = changedStorage(driver => ({
      write: (key, content, ...rest) =>
        driver.write(key, key === 'bad' ? bytesContent(Buffer.from('BAD')) : content, ...rest),
    }))
    const source = memory()
    await fill(source, { bad: 'bad', good: 'good' })
    await fill(target, { extra: 'x' })
    const report = await migrate(source, target, { delete: true, verify: 'full' })
    expect(report).toMatchObject({
      state: 'failed',
      isDone: false,
      heldBack: 'differences',
      counts: { different: 1, failed: 1, deleted: 0 },
      failedFiles: [{ name: 'bad', code: 'checksum_mismatch' }],
    })
    expect(await target.exists('extra')).toBe(true)
  })

  it('does not take equal sizes for the end of a copy that failed', async () => {
    const source = plain()
    let fails = false
    const target = changedStorage(driver => ({
      async list(...args) {
        const page = await driver.list(...args)
        return { ...page, files: page.files.map(({ etag: _, checksums: __, ...file }) => file) }
      },
      async write(...parameters) {
        if (fails) throw new StorageError('permission_denied', 'not now')
        return driver.write(...parameters)
      },
    }))
    await fill(source, { a: 'new' })
    await fill(target, { a: 'old' })
    fails = true
    const report = await migrate(source, target)
    expect(report).toMatchObject({ state: 'failed', failures: { permission_denied: 1 } })
  })

  it('changes nothing in a dry run, and stores nothing', async () => {
    const [source, target] = [kinds.s3(), kinds.s3()]
    await fill(source, { a: 'one', b: 'two' })
    await fill(target, { b: 'two', old: 'x' })
    const events: string[] = []
    const onEvent = (event: MigrateEvent): void => {
      if ('name' in event) events.push(`${event.type} ${event.name}`)
    }
    const ledger = newLedger()
    const report = await migrate(source, target, { ledger, dryRun: true, delete: true, onEvent })
    expect(events).toEqual(['copied a', 'deleted old'])
    expect(report.counts).toMatchObject({ copied: 1, unchanged: 1, deleted: 1, bytes: 3 })
    expect(await filesIn(target)).toEqual({ b: 'two', old: 'x' })
    expect(existsSync(ledger)).toBe(false)
    expect((await readdir(folder)).filter(name => name.startsWith(ledger))).toEqual([])
  })

  it('counts files that the run before has copied as unchanged in a dry run', async () => {
    const [source, target] = [kinds.s3(), kinds.s3()]
    await fill(source, { a: 'one', b: 'two' })
    const ledger = newLedger()
    await migrate(source, target, { ledger })
    const report = await migrate(source, target, { ledger, dryRun: true })
    expect(report.counts).toMatchObject({ copied: 0, unchanged: 2, bytes: 0 })
  })

  it('skips what is older than `since`, in the verify pass as well', async () => {
    const [source, target] = [memory(), memory()]
    await fill(source, { old: 'o' })
    await source.setModifiedTime('old', new Date(1e12))
    await fill(source, { new: 'n' })
    const report = await migrate(source, target, { since: new Date(1.5e12), delete: true })
    expect(report).toMatchObject({ isDone: true, counts: { seen: 2, skipped: 1, copied: 1, verified: 1 } })
    expect(await filesIn(target)).toEqual({ new: 'n' })
  })

  it('reports a file and a folder of one name also when it continues between them (syn-11)', async () => {
    const source = kinds.s3()
    const files = { a: 'file', 'a-c': 'between', 'a.txt': 'between', 'a/b': 'below', 'x/y': 'y' }
    await fill(source, files)
    const target = kinds.local()
    const ledger = newLedger()
    const onEvent = (event: MigrateEvent): void => {
      if (event.type === 'copied' && event.name === 'a.txt') throw new TypeError('stop')
    }
    await expect(migrate(source, target, { ledger, onEvent, concurrency: 1 })).rejects.toThrow('stop')
    const report = await migrate(source, target, { ledger, concurrency: 1 })
    expect(report.failedFiles).toMatchObject([
      { name: 'a', code: 'exists' },
      { name: 'a/b', code: 'exists' },
    ])
    expect(Object.keys(await filesIn(target)).sort()).toEqual(['a-c', 'a.txt', 'x/y'])
  })

  it('is done only if no file failed, and reports this to programs (syn-17)', async () => {
    const target = changedStorage(driver => ({
      async write(key, ...rest) {
        if (key === 'b') throw new StorageError('permission_denied', 'not b')
        return driver.write(key, ...rest)
      },
    }))
    const source = memory()
    await fill(source, { a: 'a', b: 'b' })
    const report = await migrate(source, target)
    expect(report).toMatchObject({ state: 'failed', isDone: false, failures: { permission_denied: 1 } })
  })

  it('reports progress with rates and the time that is left', async () => {
    const [source, target] = [memory(), memory()]
    await fill(source, named(200))
    const seen: MigrationStatus[] = []
    const report = await migrate(source, target, { count: true, onProgress: status => seen.push(status) })
    expect(report.total).toEqual({ files: 200, bytes: report.counts.bytes, isComplete: true })
    expect(seen[0]).toMatchObject({ state: 'running', pass: 'copy' })
    expect(seen.at(-1)).toMatchObject({ state: 'done', counts: report.counts })
    for (const [at, { counts }] of seen.entries()) {
      if (at > 0) expect(counts.seen).toBeGreaterThanOrEqual(seen[at - 1]!.counts.seen)
    }
  })

  it('refuses unknown options, and values that cannot be', async () => {
    const run = (options: object) => migrate(memory(), memory(), options)
    await expect(run({ deletes: true })).rejects.toThrow("migrate has no option 'deletes' (did you mean 'delete'?)")
    for (const options of [
      { maxDelete: 101 },
      { concurrency: 0 },
      { verify: 'some' },
      { since: 'yesterday' },
      { since: new Date(Number.NaN) },
      { bandwidth: 0 },
      { ledger: '' },
      { delete: true, verify: false },
      { restart: true },
      { dryRun: 'no' },
    ]) {
      await expect(run(options), JSON.stringify(options)).rejects.toMatchObject({ code: 'invalid_argument' })
    }
  })
})

describe('the pace and the counters of migrate', () => {
  it('slows down when the service asks for it, and counts what it does', async () => {
    let throttles = 3
    const target = changedStorage(
      driver => ({
        async write(...parameters) {
          if (throttles-- > 0) throw new StorageError('throttled', 'slow down', { retryAfterMs: 1 })
          return driver.write(...parameters)
        },
      }),
      { maxAttempts: 5 },
    )
    const source = memory()
    await fill(source, named(2))
    const counted: Record<string, number> = {}
    const meter = {
      createCounter: (name: string) => ({
        add: (value: number, { result = '' }: Readonly<Record<string, string>> = {}) => {
          const key = `${name} ${result}`.trim()
          counted[key] = (counted[key] ?? 0) + value
        },
      }),
    }
    const slowed: Array<number | undefined> = []
    const report = await migrate(source, target, {
      meter,
      verify: false,
      concurrency: 1,
      onProgress: ({ slowedTo }) => slowed.push(slowedTo),
    })
    expect(report.isDone).toBe(true)
    expect(slowed.some(rate => rate !== undefined && rate > 0)).toBe(true)
    expect(counted).toMatchObject({
      'holdall.migrate.files copied': 2,
      'holdall.migrate.bytes': report.counts.bytes,
      'holdall.migrate.throttled': 3,
    })
  })
})
