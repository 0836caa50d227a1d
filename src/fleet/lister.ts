import { randomUUID } from 'node:crypto'
import { isStorageError, type StorageError } from '../core/errors.ts'
import type { Pair } from '../transfer/migrate/pairs.ts'
import type { NameRange } from '../transfer/side.ts'
import { FailureListing } from './failure-listing.ts'
import { LostLease, Unusable, unlessLost } from './lease.ts'
import { areOrdered, type Batch, type Listing, OrderedListing, TokenListing } from './listing.ts'
import { addUp, openRanges } from './migrations.ts'
import { insertPages, pagesOf } from './new-pages.ts'
import type { Database, Sql } from './postgres.ts'
import type { Job, JobQueue } from './queue.ts'
import { type RangeRow, Splitter } from './splitter.ts'
import { ORIGINS } from './stages.ts'
import { escaped, maybeEscaped, maybeUnescaped } from './texts.ts'
import type { Work } from './work.ts'

/** Maximum number of pages of one transaction. */
const PAGES = 10
/** Time in milliseconds after which a range is given back, so that the ranges of other migrations have their turn. */
const TURN_MS = 30_000

/** What a list job needs of its worker. */
export interface ListerOptions {
  readonly database: Database
  readonly queue: JobQueue
  readonly signal: AbortSignal
  work(migration: string): Promise<Work | undefined>
  /** Waits until more pages are wanted. */
  wanted(signal: AbortSignal): Promise<void>
  /** Pages were added. */
  added(count: number): void
  /** Number of workers of the migration that are alive. */
  workers(): number
  /** Whether pages are used up faster than they are listed. */
  isHungry(): boolean
}

/** Lists a range: stores its names as pages, and moves its checkpoint, some pages in each transaction. */
export class ListJob {
  readonly #options: ListerOptions
  readonly #job: Job

  constructor(job: Job, options: ListerOptions) {
    this.#job = job
    this.#options = options
  }

  async run(): Promise<void> {
    const { database, queue, signal } = this.#options
    const [range] = await database.query<RangeRow>(
      `SELECT id, migration, stage, after, until, token FROM holdall_fleet.ranges WHERE job = $1 AND state = 'open'`,
      [this.#job.id],
    )
    try {
      const work = range === undefined ? undefined : await this.#options.work(range.migration)
      if (range === undefined || work === undefined) return void (await queue.finish(database, 'ranges', this.#job))
      const origin = ORIGINS[range.stage]
      if (origin === 'none') await this.#sweep(range, work)
      else if (origin === 'held') await this.#held(range)
      else if (!(await this.#list(range, work))) await this.#giveBack()
    } catch (error) {
      if (error instanceof LostLease || (signal.aborted && signal.reason instanceof LostLease)) return
      if (signal.aborted || error instanceof Unusable) await this.#giveBack().catch(unlessLost)
      else if (isStorageError(error)) await this.#fail(error)
      else throw error
    }
  }

  /** Returns whether the range has ended; otherwise the job's turn has. */
  async #list(range: RangeRow, work: Work): Promise<boolean> {
    const { signal, wanted } = this.#options
    const splitter = new Splitter(range, work, this.#options)
    const listing = this.#listing(range, work)
    const end = performance.now() + TURN_MS
    let { after, token } = range
    try {
      while (performance.now() < end) {
        await wanted(signal)
        const batch = splitter.cut(await listing.next(PAGES * work.plan.pageSize))
        signal.throwIfAborted()
        const given = batch.isEnd ? undefined : await splitter.given(batch)
        await this.#store(range, work, batch, { after, token, given })
        if (batch.isEnd) return true
        after = maybeEscaped(batch.after)
        token = maybeEscaped(batch.token)
      }
      return false
    } finally {
      await listing.close()
    }
  }

  #listing({ stage, migration, after, until, token }: RangeRow, work: Work): Listing {
    const { database, signal } = this.#options
    const { places, isWanted } = work
    if (ORIGINS[stage] === 'failures') {
      return new FailureListing(database, migration, stage, maybeUnescaped(after))
    }
    if (!places.source.storage.supports('listRange')) {
      return new TokenListing(places, maybeUnescaped(token), { isWanted, signal })
    }
    const range = { after: maybeUnescaped(after), until: maybeUnescaped(until) }
    return new OrderedListing(places, range, ORIGINS[stage] === 'both' && areOrdered(places))
  }

  async #store(
    { id, migration, stage }: RangeRow,
    work: Work,
    batch: Batch,
    { after, token, given }: Pick<RangeRow, 'after' | 'token'> & { readonly given: NameRange | undefined },
  ): Promise<void> {
    const { database, queue, added } = this.#options
    const pages = pagesOf(batch.pairs, stage, work)
    await work.places.settled()
    const isLeftOut = work.places.hasLeftOut
    await database.transaction(async sql => {
      const moved = batch.isEnd
        ? await sql.query(
            `DELETE FROM holdall_fleet.ranges WHERE id = $1 AND job = $2 AND after IS NOT DISTINCT FROM $3
               AND token IS NOT DISTINCT FROM $4 RETURNING id`,
            [id, this.#job.id, after, token],
          )
        : await sql.query(
            `UPDATE holdall_fleet.ranges SET after = $5, token = $6, until = COALESCE($7, until) WHERE id = $1 AND job = $2
               AND after IS NOT DISTINCT FROM $3 AND token IS NOT DISTINCT FROM $4 RETURNING id`,
            [
              id,
              this.#job.id,
              after,
              token,
              maybeEscaped(batch.after),
              maybeEscaped(batch.token),
              maybeEscaped(given?.after),
            ],
          )
      if (moved.length === 0) throw new LostLease()
      if (batch.isEnd && !(await queue.finish(sql, 'ranges', this.#job))) throw new LostLease()
      await insertPages(sql, queue, migration, stage, pages)
      if (given !== undefined) {
        await openRanges(sql, queue, migration, stage, [
          { after: maybeEscaped(given.after), until: maybeEscaped(given.until) },
        ])
      }
      if (isLeftOut) await sql.query('UPDATE holdall_fleet.migrations SET left_out = true WHERE id = $1', [migration])
      const isCounted = stage === 'copy'
      await addUp(sql, queue, migration, {
        open: pages.length - (batch.isEnd ? 1 : 0),
        listed: isCounted ? batch.pairs.length : 0,
        listed_bytes: isCounted ? bytesOf(batch.pairs) : 0,
      })
    })
    added(pages.length)
  }

  /** Releases pages that were held until the verify pass was over. */
  async #held(range: RangeRow): Promise<void> {
    const { migration } = range
    const { database, queue, signal, wanted, added } = this.#options
    for (let isOver = false; !isOver; ) {
      await wanted(signal)
      signal.throwIfAborted()
      isOver = await database.transaction(async sql => {
        const held = await sql.query<{ id: string }>(
          `UPDATE holdall_fleet.pages SET state = 'waiting' WHERE id IN (
             SELECT id FROM holdall_fleet.pages WHERE migration = $1 AND state = 'held' LIMIT $2 FOR UPDATE SKIP LOCKED
           ) RETURNING id`,
          [migration, PAGES],
        )
        await queue.send(
          sql,
          'pages',
          migration,
          held.map(({ id }) => id),
        )
        if (held.length > 0) {
          await addUp(sql, queue, migration, { open: held.length })
          return false
        }
        await this.#close(sql, range)
        return true
      })
      added(PAGES)
    }
  }

  /**
   * Removes unfinished uploads of workers that were lost. Uploads that are younger than the plan's age are left: they may be those of a
   * worker that has not noticed its loss, or of other programs.
   */
  async #sweep(range: RangeRow, { places, plan }: Work): Promise<void> {
    const { database, signal } = this.#options
    const { storage, folder } = places.target
    await storage.sweep({ path: folder, minAgeSecs: plan.sweepAgeSecs, signal }).catch((error: unknown) => {
      if (!isStorageError(error, 'unsupported')) throw error
    })
    await database.transaction(sql => this.#close(sql, range))
  }

  async #close(sql: Sql, { id, migration }: RangeRow): Promise<void> {
    const { queue } = this.#options
    const gone = await sql.query('DELETE FROM holdall_fleet.ranges WHERE id = $1 AND job = $2 RETURNING id', [
      id,
      this.#job.id,
    ])
    if (gone.length === 0 || !(await queue.finish(sql, 'ranges', this.#job))) throw new LostLease()
    await addUp(sql, queue, migration, { open: -1 })
  }

  /** Ends an attempt whose listing failed: no checkpoint moves. The queue repeats it later. */
  async #fail(error: StorageError): Promise<void> {
    const { database, queue } = this.#options
    await database.transaction(async sql => {
      await sql.query('UPDATE holdall_fleet.ranges SET error = $2 WHERE job = $1', [
        this.#job.id,
        escaped(`${error.code}: ${error.message}`),
      ])
      await queue.fail(sql, 'ranges', this.#job, error.code)
    })
  }

  /** Sends the rest of the range as a new job, behind the others. */
  async #giveBack(): Promise<void> {
    const { database, queue } = this.#options
    const job = randomUUID()
    await database.transaction(async sql => {
      const [moved] = await sql.query<{ migration: string }>(
        'UPDATE holdall_fleet.ranges SET job = $2 WHERE job = $1 RETURNING migration',
        [this.#job.id, job],
      )
      const isOwn = await queue.finish(sql, 'ranges', this.#job)
      if (moved === undefined) return
      if (!isOwn) throw new LostLease()
      await queue.send(sql, 'ranges', moved.migration, [job])
    })
  }
}

function bytesOf(pairs: readonly Pair[]): number {
  let bytes = 0
  for (const { source } of pairs)
    bytes += source === undefined || Number.isNaN(source.entry.size) ? 0 : source.entry.size
  return bytes
}
