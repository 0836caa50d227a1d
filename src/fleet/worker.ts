import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { MetersDelta } from '../transfer/migrate/meters.ts'
import { CONCURRENCY } from '../transfer/places.ts'
import { Bell } from './bell.ts'
import { buryDead } from './dead.ts'
import { Heartbeat, type Held } from './heartbeat.ts'
import { ListJob } from './lister.ts'
import { PageJob, type PageOutcome } from './page-job.ts'
import type { PageWork } from './page-work.ts'
import { Database, DatabaseError } from './postgres.ts'
import { type Job, type JobQueue, PgBossQueue } from './queue.ts'
import { Reports } from './reports.ts'
import { createTables } from './schema.ts'
import { Slots } from './slots.ts'
import type { Work } from './work.ts'
import { checkWorkerOptions, type WorkerOptions, type WorkerTimes } from './worker-options.ts'
import { Works } from './works.ts'

/** Pages in progress of a worker: while one ends with its last files, the next ones have begun. */
const PAGES_AT_ONCE = 3
/** Waits in milliseconds between two looks for jobs while there are none, and after a failure of the database. */
const IDLE_MS = 100
const MAX_IDLE_MS = 2000
const FAILED_MS = 1000

/** The worker was asked to end. */
class Stopped extends Error {}

/** A process of a fleet. */
export class FleetWorker {
  /** Host name, process id and a random part. */
  readonly name: string = `${hostname()}:${process.pid}:${randomUUID().slice(0, 4)}`
  readonly #url: string
  readonly #options: WorkerOptions
  readonly #times: WorkerTimes
  readonly #concurrency: number
  readonly #slots: Slots
  readonly #bell = new Bell()
  readonly #stop = new AbortController()
  readonly #held = new Set<Held>()
  readonly #running = new Set<Promise<void>>()
  #works: Works | undefined
  #pages = 0
  #isListing = false
  #ready = 0
  #fatal: { readonly error: unknown } | undefined

  constructor(url: string, options: WorkerOptions, times: WorkerTimes = {}) {
    checkWorkerOptions(options)
    const { concurrency = CONCURRENCY } = options
    this.#url = url
    this.#options = options
    this.#times = times
    this.#concurrency = concurrency
    this.#slots = new Slots(concurrency)
  }

  /**
   * Works until the signal fires or, with `once`, no migration is unfinished. Failures of the database are waited out. A migration that this
   * worker cannot open, for lack of a setting, is left to others; with `once`, its error is thrown when there is no other migration. An error
   * that `onEvent` throws ends the worker.
   */
  async run(): Promise<void> {
    const { signal } = this.#options
    const database = await Database.open(this.#url)
    const queue = new PgBossQueue(database, this.#times)
    const reports = new Reports(database, this.name)
    const works = (this.#works = new Works({
      ...this.#options,
      database,
      concurrency: this.#concurrency,
      signal: this.#stop.signal,
      changed: () => heartbeat.soon(),
    }))
    const heartbeat: Heartbeat = new Heartbeat({
      ...this.#times,
      database,
      queue,
      held: () => this.#held,
      beat: async () => {
        const used = new Set([...this.#held].map(({ migration }) => migration))
        await reports.exchange(works.open, used)
        await buryDead(database, queue)
        await works.settle(id => [...this.#held].some(({ migration }) => migration === id), reports)
      },
    })
    const stop = (): void => this.#end(undefined)
    try {
      await createTables(database)
      await queue.start()
      heartbeat.start()
      signal?.addEventListener('abort', stop)
      if (signal?.aborted === true) stop()
      await this.#loop(database, queue, reports)
    } finally {
      signal?.removeEventListener('abort', stop)
      this.#end(undefined)
      await Promise.all(this.#running)
      await heartbeat.stop()
      await reports.end().catch(() => {})
      await queue.stop().catch(() => {})
      works.end()
      await database.close()
    }
    if (this.#fatal !== undefined) throw this.#fatal.error
  }

  async #loop(database: Database, queue: JobQueue, reports: Reports): Promise<void> {
    let idleMs = IDLE_MS
    while (!this.#stop.signal.aborted) {
      const heard = this.#bell.rings
      try {
        const isBusy = await this.#fill(database, queue, reports)
        if (isBusy) idleMs = IDLE_MS
        else if (this.#running.size === 0 && this.#options.once === true && (await this.#isOver(database))) return
        await this.#bell.wait(idleMs, heard)
        if (!isBusy) idleMs = Math.min(MAX_IDLE_MS, idleMs * 2)
      } catch (error) {
        if (!(error instanceof DatabaseError) || error.code !== 'unavailable') throw error
        await this.#bell.wait(FAILED_MS)
      }
    }
  }

  /** Begins as many jobs as there is room for; returns whether there were any. */
  async #fill(database: Database, queue: JobQueue, reports: Reports): Promise<boolean> {
    const room = PAGES_AT_ONCE - this.#pages
    const refused = this.#works!.refusals.current
    const jobs = room > 0 ? await queue.fetch('pages', room, refused) : []
    for (const job of jobs) this.#beginPage(job, database, queue, reports)
    if (jobs.length < room) this.#ready = 0
    const isLow = this.#ready < this.#lowWater(reports)
    const ranges = isLow && !this.#isListing ? await queue.fetch('ranges', 1, refused) : []
    for (const job of ranges) this.#beginRange(job, database, queue, reports)
    return jobs.length + ranges.length > 0
  }

  #beginPage(job: Job, database: Database, queue: JobQueue, reports: Reports): void {
    const abort = new AbortController()
    const page = new PageJob(job, {
      database,
      queue,
      slots: this.#slots,
      concurrency: this.#concurrency,
      signal: abort.signal,
      worker: this.name,
      work: id => this.#work(id, held),
      ready: count => {
        this.#ready = count
      },
      settled: (id, counts) => reports.settled(id, counts),
      ended: (id, outcome, result) => this.#works?.opened(id)?.meters.add(metersOf(outcome, result)),
      onEvent: (migration, event) => this.#options.onEvent?.({ ...event, migration }),
    })
    const held: Held = {
      queue: 'pages',
      job,
      get lease() {
        return page.lease
      },
      migration: undefined,
      abort,
    }
    this.#pages++
    this.#begin(held, async () => {
      try {
        await page.run()
      } finally {
        this.#pages--
      }
    })
  }

  #beginRange(job: Job, database: Database, queue: JobQueue, reports: Reports): void {
    const abort = new AbortController()
    const list = new ListJob(job, {
      database,
      queue,
      signal: abort.signal,
      work: id => this.#work(id, held),
      wanted: signal => this.#wanted(signal, database, reports),
      workers: () => reports.workers,
      isHungry: () => this.#ready < this.#lowWater(reports) / 2,
      added: count => {
        this.#ready += count
        this.#bell.ring()
      },
    })
    const held: Held = { queue: 'ranges', job, lease: undefined, migration: undefined, abort }
    this.#isListing = true
    this.#begin(held, async () => {
      try {
        await list.run()
      } finally {
        this.#isListing = false
      }
    })
  }

  #begin(held: Held, run: () => Promise<void>): void {
    this.#held.add(held)
    if (this.#stop.signal.aborted) held.abort.abort(this.#stop.signal.reason)
    const running: Promise<void> = run()
      .catch((error: unknown) => {
        // The queue gives the job to another attempt when its heartbeat is missed.
        if (!(error instanceof DatabaseError)) this.#end({ error })
      })
      .finally(() => {
        this.#held.delete(held)
        this.#running.delete(running)
        this.#bell.ring()
      })
    this.#running.add(running)
  }

  /** Ends the worker, with the error if there is one. Its jobs are given back. */
  #end(fatal: { readonly error: unknown } | undefined): void {
    this.#fatal ??= fatal
    if (!this.#stop.signal.aborted) this.#stop.abort(new Stopped())
    for (const { abort } of this.#held) abort.abort(this.#stop.signal.reason)
    this.#bell.ring()
  }

  #work(id: string, held: Held): Promise<Work | undefined> {
    held.migration = id
    return this.#works!.get(id)
  }

  /** Whether no migration is unfinished. Throws if this worker can open none of them. */
  async #isOver(database: Database): Promise<boolean> {
    const rows = await database.query<{ id: string }>(`SELECT id FROM holdall_fleet.migrations WHERE state = 'running'`)
    const errors = rows.map(({ id }) => this.#works!.refusals.errorOf(id))
    if (rows.length > 0 && !errors.includes(undefined)) throw errors[0]!
    return rows.length === 0
  }

  #lowWater({ workers }: Reports): number {
    return 2 * PAGES_AT_ONCE * workers
  }

  async #wanted(signal: AbortSignal, database: Database, reports: Reports): Promise<void> {
    while (this.#ready >= this.#lowWater(reports) && !signal.aborted) {
      await this.#bell.wait(FAILED_MS)
      const [row] = await database.query<{ ready: string }>(
        `SELECT count(*) AS ready FROM holdall_fleet.pages WHERE state = 'waiting' AND migration <> ALL($1::uuid[])`,
        [this.#works!.refusals.current],
      )
      this.#ready = Number(row!.ready)
    }
  }
}

/**
 * Runs a worker; see `FleetWorker`.
 * @example
 * const placeOf = (text: string) => ({ storage: storages.get(text.replace(':', '')), path: '' })
 * await runWorker('postgres://localhost/fleet', { placeOf, concurrency: 32, once: true })
 */
export async function runWorker(url: string, options: WorkerOptions): Promise<void> {
  await new FleetWorker(url, options).run()
}

/** What an attempt adds to the counters of OpenTelemetry. What failed for good, or differs, is known at the end of the migration. */
function metersOf(outcome: PageOutcome, result: PageWork | undefined): MetersDelta {
  const pages = { [outcome]: 1 }
  if (result === undefined) return { pages }
  const attempts: Record<string, number> = {}
  for (const { code } of result.failures.values()) attempts[code] = (attempts[code] ?? 0) + 1
  return { pages, attempts, counts: { ...result.tally, failed: 0, different: 0 } }
}
