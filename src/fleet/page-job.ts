import { randomUUID } from 'node:crypto'
import { isStorageError, type StorageError } from '../core/errors.ts'
import type { Tally } from '../transfer/migrate/tally.ts'
import { addFailures, removeFailures } from './failures.ts'
import { LostLease, Unusable, unlessLost } from './lease.ts'
import { addUp, type Changes } from './migrations.ts'
import { PageWork, type PageWorkOptions } from './page-work.ts'
import { storedPairs } from './pages.ts'
import { type Database, DatabaseError, type Sql } from './postgres.ts'
import type { Job, JobQueue } from './queue.ts'
import type { Stage } from './stages.ts'
import { escaped } from './texts.ts'
import type { Work } from './work.ts'

/** Maximum number of pages that count as waiting; more need not be known. */
const MAX_READY = 1000

interface PageRow {
  readonly migration: string
  readonly stage: Stage
  readonly items: Buffer
  readonly seen: string
  readonly failing: boolean
  readonly ready: string
}

/** What became of an attempt. */
export type PageOutcome = 'done' | 'retried' | 'lost'

/** What a page's job needs of its worker. */
export interface PageJobOptions extends PageWorkOptions {
  readonly database: Database
  readonly queue: JobQueue
  /** Name of the worker, for the ledger. */
  readonly worker: string
  work(migration: string): Promise<Work | undefined>
  /** Number of pages that wait for a worker. */
  ready(count: number): void
  ended(migration: string, outcome: PageOutcome, result?: PageWork): void
}

/** Processes one page. */
export class PageJob {
  readonly #job: Job
  readonly #options: PageJobOptions
  readonly #lease: string = randomUUID()
  #isLeased = false

  constructor(job: Job, options: PageJobOptions) {
    this.#job = job
    this.#options = options
  }

  /** The lease, once the ledger has it. */
  get lease(): string | undefined {
    return this.#isLeased ? this.#lease : undefined
  }

  async run(): Promise<void> {
    const { database, queue, signal, ready, ended } = this.#options
    const page = await this.#take()
    if (page === undefined) return
    const { migration, stage, items, seen, failing } = page
    try {
      const work = await this.#options.work(migration)
      if (work === undefined) {
        await queue.finish(database, 'pages', this.#job)
        return
      }
      ready(Number(page.ready))
      const isRepeated = this.#job.retryCount > 0
      const taken = { stage, items, seen: Number(seen), isFailing: failing, isRepeated }
      const result = new PageWork(taken, work, this.#options)
      await result.run()
      signal.throwIfAborted()
      await database.transaction(sql => this.#finish(sql, stage, work, result))
      ended(migration, 'done', result)
    } catch (error) {
      const isKnown = error instanceof LostLease || error instanceof Unusable || isStorageError(error)
      if (!isKnown && !signal.aborted) throw error
      const outcome = await this.#ended(error).catch((reason: unknown) => {
        if (!(reason instanceof DatabaseError)) throw reason
        return 'lost' as const
      })
      ended(migration, outcome)
    }
  }

  /** Ends an attempt that was not finished. If the database cannot be reached, the queue repeats it when its heartbeat is missed. */
  async #ended(error: unknown): Promise<PageOutcome> {
    const { signal } = this.#options
    // Of an attempt that another one has replaced, nothing is stored.
    if (error instanceof LostLease || (signal.aborted && signal.reason instanceof LostLease)) return 'lost'
    if (signal.aborted || error instanceof Unusable) await this.#giveBack()
    else await this.#fail(error as StorageError)
    return 'retried'
  }

  /** Takes the page, unless a later attempt has it or it is finished. */
  async #take(): Promise<PageRow | undefined> {
    const { database, queue, worker } = this.#options
    const [page] = await database.query<PageRow>(
      `UPDATE holdall_fleet.pages p SET state = 'running', lease = $2, attempt = $3, worker = $4
       FROM holdall_fleet.migrations m
       WHERE p.id = $1 AND p.attempt < $3 AND p.state IN ('waiting', 'running') AND m.id = p.migration
       RETURNING p.migration, p.stage, p.items, m.seen,
         EXISTS (SELECT 1 FROM holdall_fleet.failures f WHERE f.migration = m.id) AS failing,
         (SELECT count(*) FROM (SELECT 1 FROM holdall_fleet.pages w WHERE w.state = 'waiting' LIMIT ${MAX_READY}) AS w) AS ready`,
      [this.#job.id, this.#lease, this.#job.retryCount, worker],
    )
    this.#isLeased = page !== undefined
    if (page === undefined) await queue.finish(database, 'pages', this.#job)
    return page
  }

  async #finish(sql: Sql, stage: Stage, { id, places }: Work, result: PageWork): Promise<void> {
    const { queue } = this.#options
    const { tally, failures, mended, extras } = result
    const gone = await sql.query('DELETE FROM holdall_fleet.pages WHERE id = $1 AND lease = $2 RETURNING id', [
      this.#job.id,
      this.#lease,
    ])
    if (gone.length === 0 || !(await queue.finish(sql, 'pages', this.#job))) throw new LostLease()
    await removeFailures(sql, id, [...mended])
    await addFailures(sql, id, stage, [...failures.values()])
    if (extras.length > 0) {
      await sql.query(
        `INSERT INTO holdall_fleet.pages (id, migration, stage, items, size, first, last, state)
         VALUES ($1, $2, 'delete', $3, $4, $5, $6, 'held')`,
        [
          randomUUID(),
          id,
          storedPairs(extras, places),
          extras.length,
          escaped(extras[0]!.key),
          escaped(extras.at(-1)!.key),
        ],
      )
    }
    const lost = this.#job.retryCount > 0 ? 1 : 0
    await addUp(sql, queue, id, { ...changesOf(stage, tally, mended.size), open: -1, lost })
  }

  /** Ends an attempt that failed as a whole. The queue repeats it later. */
  async #fail(error: StorageError): Promise<void> {
    const { database, queue } = this.#options
    await database.transaction(async sql => {
      const kept = await sql.query(
        `UPDATE holdall_fleet.pages SET state = 'waiting', lease = NULL, error = $3 WHERE id = $1 AND lease = $2 RETURNING id`,
        [this.#job.id, this.#lease, escaped(`${error.code}: ${error.message}`)],
      )
      if (kept.length > 0) await queue.fail(sql, 'pages', this.#job, error.code)
    })
  }

  /** Gives the page to other workers at once, as a new job. */
  async #giveBack(): Promise<void> {
    const { database, queue } = this.#options
    const id = randomUUID()
    await database
      .transaction(async sql => {
        const [kept] = await sql.query<{ migration: string }>(
          `UPDATE holdall_fleet.pages SET id = $3, state = 'waiting', attempt = -1, lease = NULL
           WHERE id = $1 AND lease = $2 RETURNING migration`,
          [this.#job.id, this.#lease, id],
        )
        if (kept === undefined || !(await queue.finish(sql, 'pages', this.#job))) throw new LostLease()
        await queue.send(sql, 'pages', kept.migration, [id])
      })
      .catch(unlessLost)
  }
}

/** What a page adds to the counts of its migration. Files that were counted before are not counted twice. */
function changesOf(stage: Stage, tally: Tally, mended: number): Changes {
  const { seen, copied, unchanged, skipped, verified, different, compared, extra, deleted, bytes } = tally
  if (stage === 'differences') return { bytes, different: -mended }
  if (stage === 'retry' || stage === 'again') return { copied, unchanged, bytes }
  const [without_digest, size_only, at_target] = [tally.withoutDigest, tally.sizeOnly, tally.atTarget]
  const verify = { verified, different, compared, without_digest, size_only, at_target }
  return { seen, copied, unchanged, skipped, extra, deleted, bytes, ...verify }
}
