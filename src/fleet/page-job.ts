import { randomUUID } from 'node:crypto'
import { isStorageError, type StorageError } from '../core/errors.ts'
import type { Pair } from '../transfer/migrate/pairs.ts'
import { Tally } from '../transfer/migrate/tally.ts'
import type { MigrateEvent } from '../transfer/migrate/types.ts'
import { deleteExtras } from '../transfer/removal.ts'
import { addFailures, type Failure, removeFailures } from './failures.ts'
import { LostLease } from './lease.ts'
import { areOrdered } from './listing.ts'
import { lookUp, lookUpRange } from './lookup.ts'
import { addUp, type Changes } from './migrations.ts'
import { namesIn, pairsIn, storedPairs } from './pages.ts'
import type { Database } from './postgres.ts'
import type { Job, JobQueue } from './queue.ts'
import type { Slots } from './slots.ts'
import { ORIGINS, type Stage } from './stages.ts'
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

/** What a page's job needs of its worker. */
export interface PageJobOptions {
  readonly database: Database
  readonly queue: JobQueue
  readonly slots: Slots
  readonly concurrency: number
  readonly signal: AbortSignal
  /** Name of the worker, for the ledger. */
  readonly worker: string
  work(migration: string): Promise<Work | undefined>
  /** Number of pages that wait for a worker. */
  ready(count: number): void
  /** A file was processed. */
  settled(migration: string, counts: Tally): void
  onEvent?(migration: string, event: MigrateEvent): void | Promise<void>
}

/** Processes one page. */
export class PageJob {
  readonly job: Job
  readonly #lease: string = randomUUID()
  #isLeased = false
  readonly #options: PageJobOptions
  readonly #failures = new Map<string, Failure>()
  readonly #mended: string[] = []

  constructor(job: Job, options: PageJobOptions) {
    this.job = job
    this.#options = options
  }

  /** The lease, once the ledger has it. */
  get lease(): string | undefined {
    return this.#isLeased ? this.#lease : undefined
  }

  async run(): Promise<void> {
    const { database, queue, signal, worker, ready } = this.#options
    const [page] = await database.query<PageRow>(
      `UPDATE holdall_fleet.pages p SET state = 'running', lease = $2, attempt = $3, worker = $4
       FROM holdall_fleet.migrations m
       WHERE p.id = $1 AND p.attempt < $3 AND p.state IN ('waiting', 'running') AND m.id = p.migration
       RETURNING p.migration, p.stage, p.items, m.seen,
         EXISTS (SELECT 1 FROM holdall_fleet.failures f WHERE f.migration = m.id) AS failing,
         (SELECT count(*) FROM (SELECT 1 FROM holdall_fleet.pages w WHERE w.state = 'waiting' LIMIT ${MAX_READY}) AS w) AS ready`,
      [this.job.id, this.#lease, this.job.retryCount, worker],
    )
    this.#isLeased = page !== undefined
    try {
      const work = page === undefined ? undefined : await this.#options.work(page.migration)
      if (page === undefined || work === undefined) {
        await queue.finish(database, 'pages', this.job)
        return
      }
      ready(Number(page.ready))
      const [tally, extras] = await this.#process(page, work)
      signal.throwIfAborted()
      await this.#finish(page, work, tally, extras)
    } catch (error) {
      // Of an attempt that another one has replaced, nothing is stored.
      if (error instanceof LostLease || (signal.aborted && signal.reason instanceof LostLease)) return
      if (signal.aborted) await this.#giveBack()
      else if (isStorageError(error)) await this.#fail(error)
      else throw error
    }
  }

  async #process({ stage, items, seen, failing }: PageRow, work: Work): Promise<readonly [Tally, readonly Pair[]]> {
    const { signal, onEvent, settled } = this.#options
    const { id, engine } = work
    if (stage === 'delete') return [await this.#delete(pairsIn(items, work.places), work), []]
    const pairs = await this.#pairs(stage, items, work)
    const extras: Pair[] = []
    const slots = new PairSlots(this.#options.slots, signal)
    try {
      const tally = await engine.run(stage === 'verify' ? 'verify' : 'copy', slots.pairs(pairs), {
        signal,
        seen: Number(seen),
        settled: (_, counts) => {
          slots.settled()
          settled(id, counts)
        },
        failed: async (name, error) => {
          this.#failures.set(name, { name, code: error.code, message: error.message })
          await onEvent?.(id, { type: 'failed', name, error })
        },
        mended: name => {
          if (failing && !this.#failures.has(name)) this.#mended.push(name)
        },
        copied: (name, size) => onEvent?.(id, { type: 'copied', name, size }),
      })
      for (const pair of pairs) if (pair.source === undefined && pair.target !== undefined) extras.push(pair)
      return [tally, stage === 'verify' && work.plan.delete ? extras : []]
    } finally {
      slots.end()
    }
  }

  async #pairs(stage: Stage, items: Buffer, { places }: Work): Promise<readonly Pair[]> {
    const { signal, concurrency } = this.#options
    const options = { signal, concurrency }
    if (ORIGINS[stage] === 'failures') {
      const names = namesIn(items)
      const sources = await lookUp(places.source, names, options)
      const targets = stage === 'differences' ? [] : await lookUp(places.target, names, options)
      // A file that the source does not have any more is not a part of it.
      this.#mended.push(...names.filter((_, at) => sources[at] === undefined))
      return names.map((name, at) => ({ key: name, source: sources[at], target: targets[at] }))
    }
    const pairs = pairsIn(items, places)
    if (stage === 'verify' && areOrdered(places)) return pairs
    const targets = await lookUpRange(
      places.target,
      pairs.map(({ key }) => key),
      options,
    )
    return pairs.map((pair, at) => ({ ...pair, target: targets[at] }))
  }

  /** Deletes files that only the target has. One that the source has got in the meantime stays. */
  async #delete(extras: readonly Pair[], { id, places }: Work): Promise<Tally> {
    const { signal, concurrency, onEvent } = this.#options
    const sources = await lookUp(
      places.source,
      extras.map(({ key }) => key),
      { signal, concurrency },
    )
    const gone = extras.filter((_, at) => sources[at] === undefined)
    const files = gone.map(({ key, target }) => ({ name: key, etag: target!.entry.etag }))
    const tally = new Tally()
    await deleteExtras(
      places.target,
      files,
      { isFolded: false, signal },
      {
        deleted: async name => {
          tally.deleted++
          await onEvent?.(id, { type: 'deleted', name })
        },
        failed: async (name, error) => {
          this.#failures.set(name, { name, code: error.code, message: error.message })
          await onEvent?.(id, { type: 'failed', name, error })
        },
      },
    )
    return tally
  }

  async #finish({ stage }: PageRow, { id, places }: Work, tally: Tally, extras: readonly Pair[]): Promise<void> {
    const { database, queue } = this.#options
    await database.transaction(async sql => {
      const gone = await sql.query('DELETE FROM holdall_fleet.pages WHERE id = $1 AND lease = $2 RETURNING id', [
        this.job.id,
        this.#lease,
      ])
      if (gone.length === 0 || !(await queue.finish(sql, 'pages', this.job))) throw new LostLease()
      const kind = stage === 'verify' || stage === 'delete' ? stage : 'copy'
      await removeFailures(sql, id, this.#mended)
      await addFailures(sql, id, kind, [...this.#failures.values()])
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
      const lost = this.job.retryCount > 0 ? 1 : 0
      await addUp(sql, queue, id, { ...changesOf(stage, tally, this.#mended.length), open: -1, lost })
    })
  }

  /** Ends an attempt that failed as a whole. The queue repeats it later. */
  async #fail(error: StorageError): Promise<void> {
    const { database, queue } = this.#options
    await database.transaction(async sql => {
      const kept = await sql.query(
        `UPDATE holdall_fleet.pages SET state = 'waiting', lease = NULL, error = $3 WHERE id = $1 AND lease = $2 RETURNING id`,
        [this.job.id, this.#lease, escaped(`${error.code}: ${error.message}`)],
      )
      if (kept.length > 0) await queue.fail(sql, 'pages', this.job, error.code)
    })
  }

  /** Gives the page to other workers at once, as a new job. */
  async #giveBack(): Promise<void> {
    const { database, queue } = this.#options
    const id = randomUUID()
    await database
      .transaction(async sql => {
        const kept = await sql.query(
          `UPDATE holdall_fleet.pages SET id = $3, state = 'waiting', attempt = -1, lease = NULL
           WHERE id = $1 AND lease = $2 RETURNING id`,
          [this.job.id, this.#lease, id],
        )
        if (kept.length === 0 || !(await queue.finish(sql, 'pages', this.job))) throw new LostLease()
        await queue.send(sql, 'pages', [id])
      })
      .catch((error: unknown) => {
        if (!(error instanceof LostLease)) throw error
      })
  }
}

/** What a page adds to the counts of its migration. Files that were counted before are not counted twice. */
function changesOf(stage: Stage, tally: Tally, mended: number): Changes {
  const { seen, copied, unchanged, skipped, verified, different, compared, extra, deleted, bytes, atTarget } = tally
  if (stage === 'differences') return { bytes, different: -mended }
  if (stage === 'retry' || stage === 'again') return { copied, unchanged, bytes }
  return { seen, copied, unchanged, skipped, verified, different, compared, extra, deleted, bytes, at_target: atTarget }
}

/** Takes one of the worker's slots for each pair, so that all pages together have a maximum number of files in parallel. */
class PairSlots {
  readonly #slots: Slots
  readonly #signal: AbortSignal
  #taken = 0

  constructor(slots: Slots, signal: AbortSignal) {
    this.#slots = slots
    this.#signal = signal
  }

  async *pairs(pairs: readonly Pair[]): AsyncGenerator<Pair> {
    for (const pair of pairs) {
      await this.#slots.take(this.#signal)
      this.#taken++
      yield pair
    }
  }

  settled(): void {
    this.#taken--
    this.#slots.free()
  }

  /** Frees the slots of pairs that were not processed. */
  end(): void {
    for (; this.#taken > 0; this.#taken--) this.#slots.free()
  }
}
