import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { StorageError } from '../../src/core/errors.ts'
import {
  type FleetEvent,
  fleetFailures,
  fleetStatus,
  type Place,
  planMigration,
  retryMigration,
} from '../../src/fleet/index.ts'
import { LostLease } from '../../src/fleet/lease.ts'
import { ListJob } from '../../src/fleet/lister.ts'
import { Database } from '../../src/fleet/postgres.ts'
import { PgBossQueue } from '../../src/fleet/queue.ts'
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

const SHORT = { ...TIMES, retryLimit: 1, retryMaxSecs: 1 }

describe.concurrent('a fleet with faults', () => {
  it('leaves a migration that a worker cannot open to others, and goes on with the rest', async () => {
    const ground = await Ground.on(server, await filled(30))
    const { url } = ground
    const other = { source: await filled(30), target: memory() }
    const all = (text: string): Place => {
      if (!text.startsWith('other-')) return ground.placeOf(text)
      return { storage: text === 'other-a:' ? other.source : other.target, path: '' }
    }
    const hidden = await planMigration(url, { source: 'other-a:', target: 'other-b:', placeOf: all, pageSize: 5 })
    const events: FleetEvent[] = []
    const placeOf = (text: string): Place => {
      if (text.startsWith('other-')) throw new Error('there is no alias other-a')
      return ground.placeOf(text)
    }
    const stop = new AbortController()
    const options = { placeOf, once: false, signal: stop.signal }
    const narrow = ground.worker({ ...options, onEvent: event => void events.push(event) })
    const running = narrow.run()
    await ground.until(`SELECT 1 FROM holdall_fleet.workers WHERE error IS NOT NULL`)
    await ground.plan({ pageSize: 5 })
    await ground.until(`SELECT 1 FROM holdall_fleet.migrations WHERE state = 'done'`)
    expect(await fleetStatus(url, hidden.id)).toMatchObject([
      {
        state: 'interrupted',
        counts: { seen: 0 },
        failedPages: [],
        workers: [{ name: narrow.name, error: expect.stringContaining('there is no alias other-a') }],
      },
    ])
    // No attempt of the queue was used up.
    expect(await ground.sql(`SELECT 1 FROM holdall_queue.job WHERE state <> 'created' OR retry_count > 0`)).toEqual([])
    await ground.worker({ placeOf: all }).run()
    stop.abort()
    await running
    expect(events.filter(({ type }) => type === 'refused')).toMatchObject([
      { migration: hidden.id, error: { code: 'improperly_configured', message: 'there is no alias other-a' } },
    ])
    const [done] = await fleetStatus(url, hidden.id)
    expect(done).toMatchObject({ state: 'done', counts: { seen: 30, copied: 30, failed: 0 } })
    expect(await ground.sql('SELECT 1 FROM holdall_fleet.workers')).toEqual([])
  })

  it('compares the names of pages and ranges that were repeated on request', async () => {
    let isBroken = true
    const source = changedStorage(driver => ({
      list(...call) {
        if (isBroken && call[1].startAfter !== undefined) throw new StorageError('unavailable', 'no listing')
        return driver.list(...call)
      },
    }))
    const target = changedStorage(driver => ({
      stat(key, ...rest) {
        if (isBroken && key === 'a1') throw new StorageError('unavailable', 'no look')
        return driver.stat(key, ...rest)
      },
    }))
    const ground = await Ground.on(server, source, target)
    await fill(source, { a1: '1', a2: '2', b1: '3', b2: '4' })
    const { id } = await ground.plan({ pageSize: 2 })
    // Its listing is to go on behind the first page.
    await ground.sql(`UPDATE holdall_fleet.ranges SET until = 'a3'`)
    await ground.sql(
      `INSERT INTO holdall_fleet.ranges (id, migration, stage, job, after, state)
       SELECT gen_random_uuid(), migration, stage, gen_random_uuid(), 'a3', 'failed' FROM holdall_fleet.ranges`,
    )
    await ground.worker({}, SHORT).run()
    expect(await ground.status()).toMatchObject({ state: 'failed', pages: { failed: 2 }, counts: { seen: 0 } })
    isBroken = false
    await retryMigration(ground.url, id)
    let isChanged = false
    const onEvent = async (event: FleetEvent): Promise<void> => {
      if (event.type !== 'copied' || event.name !== 'a2' || isChanged) return
      isChanged = true
      await target.save('a2', 'other bytes', { overwrite: true })
    }
    await ground.worker({ onEvent }).run()
    expect(isChanged).toBe(true)
    expect(await ground.status()).toMatchObject({
      state: 'done',
      counts: { seen: 4, copied: 4, verified: 4, different: 0, failed: 0 },
      failedPages: [],
    })
    expect(await filesIn(target)).toEqual({ a1: '1', a2: '2', b1: '3', b2: '4' })
  })

  it('repeats deletions that failed', async () => {
    let isBroken = true
    const target = changedStorage(driver => ({
      async deleteMany(keys, ...rest) {
        const isRefused = (key: string): boolean => isBroken && key === 'extra'
        const results = await driver.deleteMany!(
          keys.filter(key => !isRefused(key)),
          ...rest,
        )
        const error = new StorageError('permission_denied', 'no deletion')
        return [...results, ...keys.filter(isRefused).map(key => ({ key, error }))]
      },
    }))
    const ground = await Ground.on(server, await filled(3), target)
    await fill(target, { extra: '1', more: '2' })
    const status = await ground.migrated({ delete: true })
    expect(status).toMatchObject({ state: 'failed', failures: { permission_denied: 1 }, counts: { deleted: 1 } })
    isBroken = false
    await retryMigration(ground.url, status.id)
    await ground.worker().run()
    expect(await ground.status()).toMatchObject({ state: 'done', counts: { extra: 1, deleted: 2, failed: 0 } })
    expect(await filesIn(target)).toEqual(await filesIn(ground.source))
  })

  it('sweeps what a page may have left whose retries are used up', async () => {
    const sweeps: unknown[] = []
    const target = changedStorage(driver => ({
      sweep: async request => {
        sweeps.push(request)
        return 0
      },
      stat: () => {
        throw new StorageError('unavailable', 'broken')
      },
      list: driver.list,
    }))
    const ground = await Ground.on(server, await filled(3), target)
    await ground.plan({ verify: false })
    await ground.worker({}, SHORT).run()
    expect(await ground.status()).toMatchObject({ state: 'failed', pages: { failed: 1 } })
    expect(sweeps).toHaveLength(1)
  })

  it('names a file that cannot be beside a folder of its name, where they are not listed together', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdall-fleet-'))
    try {
      const own = (key: string): string => (key === 'a/b' ? 'd' : key)
      const source = changedStorage(driver => ({
        features: { ...driver.features, listRange: false },
        async list(...call) {
          const page = await driver.list(...call)
          return { ...page, files: page.files.map(file => (file.key === 'd' ? { ...file, key: 'a/b' } : file)) }
        },
        stat: (key, ...rest) => driver.stat(own(key), ...rest),
        read: (key, ...rest) => driver.read(own(key), ...rest),
      }))
      const ground = await Ground.on(server, source, new LocalStorage({ location: folder }))
      await fill(source, { a: '1', c: '3', d: '2' })
      const status = await ground.migrated({ pageSize: 1 })
      expect(status).toMatchObject({ state: 'failed', counts: { seen: 3, copied: 2, failed: 1 }, pages: { failed: 0 } })
      const failed = []
      for await (const { name, code } of fleetFailures(ground.url, status.id)) failed.push([name, code])
      expect(failed).toEqual([[expect.stringMatching(/^a(\/b)?$/), expect.any(String)]])
      expect(Object.keys(await filesIn(ground.target))).toHaveLength(2)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('has its locks for seconds only, when its connection is cut off in a transaction', async () => {
    const ground = await Ground.on(server, await filled(1))
    await ground.plan()
    const database = await Database.open(ground.url)
    try {
      const freed = Promise.withResolvers<void>()
      const hung = database.transaction(async sql => {
        await sql.query('UPDATE holdall_fleet.migrations SET open = open + 1')
        void ground.sql(`UPDATE holdall_fleet.migrations SET round = 7`).then(() => freed.resolve(), freed.reject)
        await freed.promise
        await sql.query('SELECT 1')
      })
      await expect(hung).rejects.toMatchObject({ code: 'unavailable' })
      expect(await ground.sql('SELECT open, round FROM holdall_fleet.migrations')).toEqual([{ open: '1', round: 7 }])
      expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
    } finally {
      await database.close()
    }
  }, 60_000)

  it('a list job that is ended, while another attempt has its range, ends without an error', async () => {
    const ground = await Ground.on(server, await filled(1))
    await ground.plan()
    const database = await Database.open(ground.url)
    const queue = new PgBossQueue(database)
    await queue.start()
    try {
      const [job] = await queue.fetch('ranges', 1)
      await database.query(`UPDATE holdall_queue.job SET retry_count = 1 WHERE id = $1`, [job!.id])
      const abort = new AbortController()
      await new ListJob(job!, {
        database,
        queue,
        signal: abort.signal,
        work: async () => {
          abort.abort(new Error('ended'))
          throw abort.signal.reason
        },
        wanted: async () => {},
        added: () => {},
        workers: () => 1,
        isHungry: () => false,
      }).run()
      expect(await database.query('SELECT job FROM holdall_fleet.ranges')).toEqual([{ job: job!.id }])
      expect(new LostLease().message).toContain('no longer')
    } finally {
      await queue.stop()
      await database.close()
    }
  })
})

describe('a fleet whose database restarts', () => {
  it('goes on with the same processes, and does each file once', async () => {
    const own = await startPostgres()
    try {
      const ground = await Ground.on(own, await filled(400))
      await ground.plan({ pageSize: 10, bandwidth: 1500 })
      const copies = new Map<string, number>()
      const onEvent = (event: FleetEvent): void => {
        if (event.type === 'copied') copies.set(event.name, (copies.get(event.name) ?? 0) + 1)
      }
      const running = Promise.all([ground.worker({ onEvent }).run(), ground.worker({ onEvent }).run()])
      await ground.until(`SELECT 1 FROM holdall_fleet.migrations WHERE seen > 50`)
      await own.restart(async () => {
        await expect(ground.status()).rejects.toMatchObject({ code: 'unavailable' })
      })
      const { counts } = await ground.status()
      expect(counts.seen).toBeGreaterThan(50)
      expect(counts.verified).toBe(0)
      await running
      expect(await ground.status()).toMatchObject({
        state: 'done',
        counts: { seen: 400, verified: 400, different: 0, failed: 0 },
        failedPages: [],
      })
      expect(copies.size).toBe(400)
      expect(await filesIn(ground.target)).toEqual(await filesIn(ground.source))
      expect(await ground.sql('SELECT 1 FROM holdall_fleet.pages UNION ALL SELECT 1 FROM holdall_queue.job')).toEqual(
        [],
      )
    } finally {
      await own.close()
    }
  }, 120_000)
})
