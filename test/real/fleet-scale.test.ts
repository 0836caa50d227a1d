import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Page, PageRequest } from '../../src/core/driver.ts'
import { StorageError } from '../../src/core/errors.ts'
import { wantedRanges } from '../../src/fleet/ranges.ts'
import type { WorkerOptions } from '../../src/fleet/worker-options.ts'
import type { AnyStorage } from '../../src/storage/storage.ts'
import { type ComputedNames, LISTINGS } from '../fleet/simulation/computed-names.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { changedStorage } from '../transfer/support.ts'
import { Ground } from './fleet-ground.ts'

const COUNT = 200_000
const WORKERS = 4
const PAGE_SIZE = 500
const SERVICE_PAGE = 1000
/** Milliseconds of a list request, and how many of them the service answers in a second. */
const LIST_MS = 20
const LISTS_PER_SEC = 25
/** Milliseconds of a request for one file. */
const STAT_MS = 10
/** All files are the same one. */
const FILE = {
  size: 1,
  modifiedAt: new Date('2020-01-01T00:00:00Z'),
  checksums: { md5: '0cc175b9c0f1b6a831c399e269772661' },
}

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** A service with computed names, which refuses list requests above a rate. */
class Service {
  readonly storage: AnyStorage
  refused = 0
  /** How often each name was looked up, by its position. */
  readonly lookedUp: Uint8Array = new Uint8Array(COUNT + 10_000)
  #second = 0
  #inSecond = 0

  constructor(names: ComputedNames) {
    this.storage = changedStorage(
      driver => ({
        features: { ...driver.features },
        list: async (_, request) => this.#page(names, request),
        stat: async key => {
          // Names before the key: its position. Each lookup is counted.
          const { end } = names.ranked(undefined, key, names.count)
          this.lookedUp[end]!++
          await sleep(STAT_MS)
          return FILE
        },
        write: () => {
          throw new StorageError('permission_denied', 'nothing is to be copied')
        },
      }),
      { maxAttempts: 20 },
    )
  }

  async #page(names: ComputedNames, { startAfter, until, token, limit = SERVICE_PAGE }: PageRequest): Promise<Page> {
    const second = Math.floor(performance.now() / 1000)
    if (second !== this.#second) [this.#second, this.#inSecond] = [second, 0]
    if (++this.#inSecond > LISTS_PER_SEC) {
      this.refused++
      throw new StorageError('throttled', 'SlowDown', { retryAfterMs: 100 })
    }
    await sleep(LIST_MS)
    const count = Math.min(limit, SERVICE_PAGE)
    const { last, isEnd } = names.ranked(token ?? startAfter, until, count)
    const keys = await names.page(token ?? startAfter, until, count)
    return {
      files: keys.map(key => ({ ...FILE, key })),
      directories: [],
      next: isEnd ? undefined : last,
    }
  }
}

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
})

afterAll(async () => {
  await server?.close()
})

describe('a fleet over a listing of computed names', () => {
  it('handles every name once, evenly, with few rows and little memory', async () => {
    const names = LISTINGS['dates by Zipf']!(COUNT)
    const [from, to] = [new Service(names), new Service(names)]
    const ground = await Ground.on(server, from.storage, to.storage)
    await ground.plan({ pageSize: PAGE_SIZE, verify: false })
    const workers = Array.from({ length: WORKERS }, (_, at) => ground.worker(optionsOf(at)))
    const done: number[] = workers.map(() => 0)
    function optionsOf(at: number): Partial<WorkerOptions> {
      const add = (by: number): void => void (done[at]! += by)
      const meter = {
        createCounter: (name: string) => ({
          add: (by: number): void => {
            if (name.endsWith('files')) add(by)
          },
        }),
      }
      return { meter }
    }
    gc()
    const before = process.memoryUsage().heapUsed
    const most = { ranges: 0, pages: 0, jobs: 0, heap: 0, looks: 0 }
    const stop = new AbortController()
    const watching = (async () => {
      while (!stop.signal.aborted) {
        const [row] = await ground.sql<{ ranges: string; pages: string; jobs: string }>(
          `SELECT (SELECT count(*) FROM holdall_fleet.ranges) AS ranges, (SELECT count(*) FROM holdall_fleet.pages) AS pages,
             (SELECT count(*) FROM holdall_queue.job) AS jobs`,
        )
        most.ranges = Math.max(most.ranges, Number(row!.ranges))
        most.pages = Math.max(most.pages, Number(row!.pages))
        most.jobs = Math.max(most.jobs, Number(row!.jobs))
        if (most.looks++ % 20 === 19) {
          gc()
          most.heap = Math.max(most.heap, process.memoryUsage().heapUsed - before)
        }
        await sleep(100)
      }
    })()
    await Promise.all(workers.map(worker => worker.run()))
    stop.abort()
    await watching
    const all = names.count
    expect(await ground.status()).toMatchObject({
      state: 'done',
      counts: { seen: all, copied: 0, unchanged: all, failed: 0 },
      total: { files: all, isComplete: true },
    })
    expect(to.lookedUp.subarray(0, all).every(times => times === 1)).toBe(true)
    expect(from.refused).toBeGreaterThan(0)
    for (const files of done) expect(Math.abs(files - all / WORKERS)).toBeLessThan((0.2 * all) / WORKERS)
    expect(most.ranges).toBeLessThanOrEqual(2 * wantedRanges(WORKERS))
    // Waiting pages, those of a transaction of each worker, and pages in work.
    expect(most.pages).toBeLessThanOrEqual((6 + 10 + 3) * WORKERS)
    expect(most.jobs).toBeLessThanOrEqual(most.pages + most.ranges + 10 * WORKERS)
    expect(most.heap).toBeLessThan(64 * 2 ** 20)
  }, 120_000)
})
