import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { StorageError } from '../../src/core/errors.ts'
import {
  type FleetEvent,
  fleetFailures,
  fleetStatus,
  forgetMigration,
  planMigration,
  retryMigration,
  runWorker,
} from '../../src/fleet/index.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { changedStorage, filesIn, fill, memory } from '../transfer/support.ts'
import { filled, Ground, TIMES } from './fleet-ground.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
})

afterAll(async () => {
  await server?.close()
})

describe.concurrent('a fleet', () => {
  it('copies and verifies every file, with two workers', async () => {
    const ground = await Ground.on(server, await filled(1000))
    await ground.plan({ pageSize: 50 })
    await Promise.all([ground.worker().run(), ground.worker().run()])
    expect(await ground.status()).toMatchObject({
      state: 'done',
      pass: 'verify',
      source: 'a:',
      target: 'b:',
      counts: { seen: 1000, copied: 1000, unchanged: 0, failed: 0, verified: 1000, different: 0 },
      total: { files: 1000, isComplete: true },
      pages: { waiting: 0, running: 0, failed: 0 },
      failedPages: [],
    })
    expect(await filesIn(ground.target)).toEqual(await filesIn(ground.source))
    // Finished pages and ranges are only counted.
    expect(await ground.sql('SELECT 1 FROM holdall_fleet.pages UNION ALL SELECT 1 FROM holdall_fleet.ranges')).toEqual(
      [],
    )
    expect(await ground.sql('SELECT 1 FROM holdall_queue.job')).toEqual([])
  })

  it('copies nothing in a second run, and goes on with an unfinished one', async () => {
    const ground = await Ground.on(server, await filled(20))
    const planned = await ground.plan()
    expect(planned).toMatchObject({ state: 'interrupted', counts: { seen: 0 } })
    expect((await ground.plan()).id).toBe(planned.id)
    await expect(ground.plan({ verify: 'full' })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('verify was "size" and is "full"'),
    })
    expect((await ground.plan({ verify: 'full', restart: true })).id).not.toBe(planned.id)
    await ground.worker().run()
    const second = await ground.migrated({ since: 'last' })
    expect(second).toMatchObject({ state: 'done', counts: { seen: 20, copied: 0 } })
    expect(await fleetStatus(ground.url)).toHaveLength(2)
    expect(await forgetMigration(ground.url, second.id)).toBe(true)
    expect(await forgetMigration(ground.url, second.id)).toBe(false)
    expect(await fleetStatus(ground.url, second.id)).toEqual([])
  })

  it('stores odd names, and names files that the target cannot have', async () => {
    const names = [
      'a b ',
      'ü',
      'u\u0308',
      '\u{1f600}/x',
      'a\u0001b',
      `${`${'x'.repeat(200)}/`.repeat(4)}y`,
      '%00',
      "it's",
    ]
    const odd = '\u{1f601}//e'
    const source = changedStorage(driver => ({
      async list(prefix, request, context) {
        const page = await driver.list(prefix, request, context)
        const isIn = page.next === undefined && request.until === undefined && request.startAfter !== odd
        return isIn ? { ...page, files: [...page.files, { key: odd, size: 3 }] } : page
      },
    }))
    const ground = await Ground.on(server, source)
    await fill(source, Object.fromEntries(names.map(name => [name, `text of ${name}`])))
    const status = await ground.migrated({ pageSize: 2 })
    expect(status).toMatchObject({
      state: 'failed',
      counts: { seen: names.length + 1, copied: names.length, failed: 1 },
      failures: { suspicious_name: 1 },
    })
    const failed = []
    for await (const file of fleetFailures(ground.url, status.id)) failed.push(file)
    expect(failed).toMatchObject([{ name: odd, code: 'suspicious_name', attempts: 1 }])
    const files = await filesIn(ground.target)
    expect(Object.keys(files).sort()).toEqual([...names].sort())
  })

  it('repeats failed files, and names those that fail for ever', async () => {
    let failures = 0
    const target = changedStorage(driver => ({
      write(key, ...rest) {
        if (key === 'bad' || (key === 'twice' && failures++ < 2)) throw new StorageError('unavailable', `no ${key}`)
        return driver.write(key, ...rest)
      },
    }))
    const ground = await Ground.on(server, memory(), target)
    await fill(ground.source, { bad: '1', good: '2', twice: '3' })
    const status = await ground.migrated()
    expect(status).toMatchObject({
      state: 'failed',
      counts: { seen: 3, copied: 2, failed: 1 },
      failures: { unavailable: 1 },
      pages: { failed: 0 },
    })
    expect(await filesIn(target)).toEqual({ good: '2', twice: '3' })
    await ground.source.delete('bad')
    await ground.source.save('good', 'not looked at', { overwrite: true })
    expect(await retryMigration(ground.url, status.id)).toMatchObject({ pass: 'copy' })
    await ground.worker().run()
    // A file that the source does not have any more is no failure.
    expect(await ground.status()).toMatchObject({ state: 'done', counts: { copied: 2, failed: 0 } })
    expect(await filesIn(target)).toEqual({ good: '2', twice: '3' })
  })

  it('names a page whose retries are used up, and repeats it on request (syn-17)', async () => {
    let isBroken = true
    const target = changedStorage(driver => ({
      stat(key, ...rest) {
        if (isBroken && key.startsWith('b')) throw new StorageError('unavailable', 'the service is broken')
        return driver.stat(key, ...rest)
      },
    }))
    const ground = await Ground.on(server, memory(), target)
    await fill(ground.source, { a1: '1', a2: '2', b1: '3', b2: '4' })
    await ground.plan({ pageSize: 2, verify: false })
    await ground.worker({}, { ...TIMES, retryLimit: 1, retryMaxSecs: 1 }).run()
    const status = await ground.status()
    expect(status).toMatchObject({
      state: 'failed',
      counts: { seen: 2, copied: 2, failed: 0 },
      pages: { waiting: 0, running: 0, failed: 1 },
      failedPages: [{ first: 'b1', last: 'b2', size: 2, error: expect.stringContaining('the service is broken') }],
    })
    isBroken = false
    await retryMigration(ground.url, status.id)
    await ground.worker().run()
    expect(await ground.status()).toMatchObject({ state: 'done', counts: { seen: 4, copied: 4 }, failedPages: [] })
    expect(await filesIn(target)).toEqual({ a1: '1', a2: '2', b1: '3', b2: '4' })
  })

  it('copies again what the verify pass found to differ', async () => {
    const target = memory()
    const ground = await Ground.on(server, await filled(30), target)
    let isChanged = false
    await ground.plan({ pageSize: 10 })
    const onEvent = async ({ type, ...event }: FleetEvent): Promise<void> => {
      if (isChanged || type !== 'copied' || !('name' in event)) return
      isChanged = true
      await target.save(event.name, 'other bytes', { overwrite: true })
    }
    await ground.worker({ onEvent }).run()
    expect(await ground.status()).toMatchObject({ state: 'done', counts: { verified: 30, different: 0, failed: 0 } })
    expect(await filesIn(target)).toEqual(await filesIn(ground.source))
  })

  it('deletes only what the verify pass found, and within its limits', async () => {
    const ground = await Ground.on(server, await filled(20))
    await fill(ground.target, { 'd0/extra': 'x', 'd9/extra': 'y', zz: 'z' })
    const held = await ground.migrated({ pageSize: 4, delete: true, maxDelete: 5 })
    expect(held).toMatchObject({ state: 'done', heldBack: 'max_delete', counts: { extra: 3, deleted: 0 } })
    expect(await ground.sql('SELECT 1 FROM holdall_fleet.pages')).toEqual([])
    const done = await ground.migrated({ pageSize: 4, delete: true })
    expect(done).toMatchObject({ state: 'done', heldBack: undefined, counts: { extra: 3, deleted: 3 } })
    expect(await filesIn(ground.target)).toEqual(await filesIn(ground.source))
  })

  it('deletes nothing after a failure', async () => {
    const target = changedStorage(driver => ({
      write(key, ...rest) {
        if (key === 'bad') throw new StorageError('permission_denied', 'no')
        return driver.write(key, ...rest)
      },
    }))
    const ground = await Ground.on(server, memory(), target)
    await fill(ground.source, { bad: '1', good: '2' })
    await fill(target, { extra: '3' })
    expect(await ground.migrated({ delete: true, maxDelete: 100 })).toMatchObject({
      state: 'failed',
      heldBack: 'failures',
      counts: { extra: 1, deleted: 0, failed: 1 },
    })
    expect(await filesIn(target)).toEqual({ extra: '3', good: '2' })
  })

  it('refuses at planning what a fleet cannot do', async () => {
    const ground = await Ground.on(
      server,
      changedStorage(driver => ({ features: { ...driver.features, listRange: false } })),
    )
    await fill(ground.source, { a: '1' })
    await expect(ground.plan({ delete: true })).rejects.toMatchObject({ code: 'unsupported' })
    await expect(ground.plan({ delete: true, verify: false })).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(ground.plan({ source: 'a:missing' })).rejects.toMatchObject({ code: 'not_found' })
    await expect(ground.plan({ target: 'a:' })).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(ground.plan({ pageSize: 0 })).rejects.toThrow('pageSize')
    await expect(
      planMigration('mysql://x', { source: 'a:', target: 'b:', placeOf: ground.placeOf }),
    ).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    // Without ranges it is listed by its tokens.
    expect(await ground.migrated()).toMatchObject({ state: 'done', counts: { copied: 1, verified: 1 } })
  })

  it('has no secret in the ledger, the queue and the errors', async () => {
    const ground = await Ground.on(server, await filled(5))
    await ground.plan()
    await ground.worker().run()
    await ground.plan()
    const dump = await ground.dump()
    expect(dump).toContain('holdall-ranges')
    expect(dump).not.toContain('postgres://')
    const url = ground.url.replace('postgres@', 'postgres:s3cr%40t@').replace(/\/d\w+$/, '/missing')
    const errors = await Promise.all(
      [url, url.replace(/:\d+\//, ':1/'), 'postgres://u:s3cr%40t@:x/'].map(each =>
        fleetStatus(each).then(
          () => 'no error',
          (error: Error) => `${error.message} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`,
        ),
      ),
    )
    for (const text of errors) {
      expect(text).not.toBe('no error')
      expect(text).not.toMatch(/s3cr(%40|@)t/)
    }
  })

  it('gives its pages back at once when it is ended', async () => {
    let begun: () => void
    const isBegun = new Promise<void>(resolve => {
      begun = resolve
    })
    const target = changedStorage(driver => ({
      async write(key, content, options, context) {
        if (isHung) {
          begun()
          await new Promise((_, reject) =>
            context.signal.addEventListener('abort', () => reject(context.signal.reason)),
          )
        }
        return driver.write(key, content, options, context)
      },
    }))
    let isHung = true
    const ground = await Ground.on(server, await filled(50), target)
    await ground.plan({ pageSize: 10 })
    const abort = new AbortController()
    const running = ground.worker({ signal: abort.signal }).run()
    await isBegun
    abort.abort()
    await running
    isHung = false
    expect(await ground.status()).toMatchObject({ state: 'interrupted', pages: { running: 0 }, counts: { seen: 0 } })
    await ground.worker().run()
    expect(await ground.status()).toMatchObject({ state: 'done', counts: { seen: 50, copied: 50 } })
    const attempts = await ground.sql(`SELECT lost FROM holdall_fleet.migrations WHERE lost > 0`)
    expect(attempts).toEqual([])
  })

  it('ends with the error of its own settings if it can open no migration, and loses no page', async () => {
    const ground = await Ground.on(server, await filled(5))
    await ground.plan()
    const placeOf = (): never => {
      throw new StorageError('improperly_configured', 'there is no alias a')
    }
    await expect(ground.worker({ placeOf }).run()).rejects.toThrow('there is no alias a')
    await ground.worker().run()
    expect(await ground.status()).toMatchObject({ state: 'done', counts: { copied: 5 } })
    await expect(runWorker(ground.url, { placeOf, concurrency: 0 })).rejects.toThrow('concurrency')
  })
})
