import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { StorageError } from '../../src/core/errors.ts'
import { PageJob, type PageOutcome } from '../../src/fleet/page-job.ts'
import { Database } from '../../src/fleet/postgres.ts'
import { PgBossQueue } from '../../src/fleet/queue.ts'
import { Slots } from '../../src/fleet/slots.ts'
import { openWork } from '../../src/fleet/work.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { changedStorage, filesIn, fill, memory } from '../transfer/support.ts'
import { filled, Ground } from './fleet-ground.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
})

afterAll(async () => {
  await server?.close()
})

describe.concurrent('pages', () => {
  it('the same page twice at once: the later attempt counts, the earlier one changes nothing (syn-14)', async () => {
    let isHung = true
    let begun = (): void => {}
    let release = (): void => {}
    const isBegun = new Promise<void>(resolve => {
      begun = resolve
    })
    const isReleased = new Promise<void>(resolve => {
      release = resolve
    })
    const target = changedStorage(driver => ({
      async write(...call) {
        if (isHung) {
          isHung = false
          begun()
          await isReleased
        }
        return driver.write(...call)
      },
    }))
    const ground = await Ground.on(server, memory(), target)
    await fill(ground.source, { a: '1', b: '2', c: '3' })
    await ground.plan({ verify: false })
    const database = await Database.open(ground.url)
    const queue = new PgBossQueue(database)
    await queue.start()
    try {
      // A page beside the listing, which no worker does here.
      const [row] = await database.query<{ id: string }>('SELECT id FROM holdall_fleet.migrations')
      const migration = row!.id
      const signal = new AbortController().signal
      const work = await openWork(database, migration, { placeOf: ground.placeOf, concurrency: 4, signal })
      const page = randomUUID()
      await database.transaction(async sql => {
        await sql.query(
          `INSERT INTO holdall_fleet.pages (id, migration, stage, items, size, first, last, state)
           VALUES ($1, $2, 'again', $3, 3, 'a', 'c', 'waiting')`,
          [page, migration, (await import('../../src/fleet/pages.ts')).storedNames(['a', 'b', 'c'])],
        )
        await sql.query('UPDATE holdall_fleet.migrations SET open = open + 1')
        await queue.send(sql, 'pages', migration, [page])
      })
      const outcomes: PageOutcome[] = []
      const attempt = async (): Promise<void> => {
        const [job] = await queue.fetch('pages', 1)
        await new PageJob(job!, {
          database,
          queue,
          slots: new Slots(4),
          concurrency: 4,
          signal,
          worker: 'test',
          work: async () => work,
          ready: () => {},
          settled: () => {},
          ended: (_, outcome) => void outcomes.push(outcome),
        }).run()
      }
      const earlier = attempt()
      await isBegun
      // As if its heartbeat had been missed.
      await database.query(`UPDATE holdall_queue.job SET state = 'retry', start_after = now() WHERE id = $1`, [page])
      await attempt()
      expect(outcomes).toEqual(['done'])
      const counts = `SELECT copied, open, lost FROM holdall_fleet.migrations`
      const before = await database.query(counts)
      expect(before).toEqual([{ copied: '3', open: '1', lost: '1' }])
      release()
      await earlier
      expect(outcomes).toEqual(['done', 'lost'])
      expect(await database.query(counts)).toEqual(before)
      expect(await filesIn(target)).toEqual({ a: '1', b: '2', c: '3' })
      work?.places.end()
    } finally {
      await queue.stop()
      await database.close()
    }
  })

  it('a queue that drops a job is an error (syn-15)', async () => {
    const ground = await Ground.on(server, await filled(1))
    await ground.plan()
    const database = await Database.open(ground.url)
    const queue = new PgBossQueue(database)
    await queue.start()
    try {
      const [job] = await database.query<{ id: string }>('SELECT id FROM holdall_queue.job')
      await expect(queue.send(database, 'ranges', randomUUID(), [job!.id])).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('dropped 1 of 1'),
      })
    } finally {
      await queue.stop()
      await database.close()
    }
  })

  it('one failed page of several fails alone; what it may have left is swept (syn-16)', async () => {
    let failures = 3
    const sweeps: unknown[] = []
    const target = changedStorage(driver => ({
      sweep: async request => {
        sweeps.push(request)
        return 1
      },
      stat(key, ...rest) {
        if (key === 'd0/f0.txt' && failures-- > 0) throw new StorageError('unavailable', 'not now')
        return driver.stat(key, ...rest)
      },
    }))
    const ground = await Ground.on(server, await filled(60), target)
    const status = await ground.migrated({ pageSize: 10, sweepAgeSecs: 60 })
    expect(status).toMatchObject({ state: 'done', counts: { seen: 60, copied: 60 } })
    expect(failures).toBeLessThan(0)
    expect(sweeps).toEqual([{ prefix: '', minAgeMs: 60_000, dryRun: false }])
  })

  it('a service that asks one worker to slow down slows all of them', async () => {
    let writes = 0
    const target = changedStorage(driver => ({
      write(...call) {
        if (++writes >= 40 && writes < 50) throw new StorageError('throttled', 'slow down', { retryAfterMs: 100 })
        return driver.write(...call)
      },
    }))
    const ground = await Ground.on(server, await filled(600), target)
    await ground.plan({ pageSize: 10, verify: false })
    const limits: number[] = []
    const stop = new AbortController()
    const watching = (async () => {
      while (!stop.signal.aborted) {
        const { slowedTo, workers } = await ground.status()
        if (slowedTo !== undefined && workers?.length === 2) limits.push(slowedTo)
      }
    })()
    await Promise.all([ground.worker().run(), ground.worker().run()])
    stop.abort()
    await watching
    expect(limits.length).toBeGreaterThan(0)
    expect(await ground.status()).toMatchObject({ state: 'done', counts: { copied: 600 }, slowedTo: undefined })
  })

  it('gives away parts of a range while workers wait for names', async () => {
    const count = 120_000
    const name = (index: number): string => `d${String(index % 100).padStart(2, '0')}/${String(index).padStart(6, '0')}`
    const names = Array.from({ length: count }, (_, index) => name(index)).sort()
    const source = changedStorage(driver => ({
      async list(_, { startAfter, until, token, limit }) {
        // The listing is slower than the workers; probes, which have a limit, are not.
        if (limit === undefined) await new Promise(resolve => setTimeout(resolve, 120))
        let at = token === undefined ? 0 : Number(token)
        while (token === undefined && startAfter !== undefined && at < count && names[at]! <= startAfter) at++
        const files = []
        for (; at < count && files.length < 1000 && !(until !== undefined && names[at]! >= until); at++) {
          files.push({ key: names[at]!, size: 1, modifiedAt: new Date(0) })
        }
        const isOver = at >= count || (until !== undefined && names[at]! >= until)
        return { files, directories: [], next: isOver ? undefined : String(at) }
      },
      features: driver.features,
    }))
    const ground = await Ground.on(server, source)
    await ground.plan({ since: new Date(), verify: false, pageSize: 500 })
    let most = 0
    const stop = new AbortController()
    const watching = (async () => {
      while (!stop.signal.aborted)
        most = Math.max(most, (await ground.sql('SELECT 1 FROM holdall_fleet.ranges')).length)
    })()
    await Promise.all([ground.worker().run(), ground.worker().run()])
    stop.abort()
    await watching
    expect(most).toBeGreaterThan(1)
    expect(await ground.status()).toMatchObject({
      state: 'done',
      counts: { seen: count, skipped: count },
      total: { files: count, isComplete: true },
    })
  })
})
