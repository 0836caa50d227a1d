import type { StorageError } from '../core/errors.ts'
import { Rates } from '../transfer/migrate/rates.ts'
import type { Tally } from '../transfer/migrate/tally.ts'
import type { Database } from './postgres.ts'
import { escaped } from './texts.ts'
import type { Work } from './work.ts'

/** Time in milliseconds after which a worker without work is not one of a migration's. */
const ACTIVE_MS = 60_000
/** Seconds since its last report for which a worker counts as alive. */
export const ALIVE_SECS = 15

/** The counts of a worker for one migration. */
class Counts {
  files = 0
  bytes = 0
  lastMs: number = performance.now()
  readonly rates: Rates = new Rates()
}

/** What a worker reports to the ledger, and what it learns from the reports of the others. */
export class Reports {
  readonly #database: Database
  readonly #name: string
  readonly #counts = new Map<string, Counts>()
  readonly #given = new Map<string, number>()
  /** Number of workers of the largest migration, with this one. */
  workers = 1

  constructor(database: Database, name: string) {
    this.#database = database
    this.#name = name
  }

  /** Counts a file. */
  settled(migration: string, { bytes }: Tally): void {
    const counts = this.#of(migration)
    counts.files++
    counts.bytes += bytes
    counts.lastMs = performance.now()
  }

  /** Names a migration that this worker cannot open, and why. */
  async refused(migration: string, error: StorageError): Promise<void> {
    await this.#database.query(
      `INSERT INTO holdall_fleet.workers (migration, name, seen_at, files, bytes, files_per_sec, bytes_per_sec, error)
       SELECT id, $2, now(), 0, 0, 0, 0, $3 FROM holdall_fleet.migrations WHERE id = $1
       ON CONFLICT (migration, name) DO UPDATE SET seen_at = now(), error = excluded.error`,
      [migration, this.#name, escaped(`${error.code}: ${error.message}`)],
    )
  }

  /** Writes the counts, and applies limits that were found by any worker to this one. `busy`: migrations with a job in progress. */
  async exchange(works: Iterable<Work>, busy: ReadonlySet<string | undefined>): Promise<void> {
    const now = performance.now()
    const active = [...works].filter(({ id }) => busy.has(id) || now - (this.#counts.get(id)?.lastMs ?? 0) < ACTIVE_MS)
    for (const work of active) await this.#report(work)
    if (active.length === 0) return
    const rows = await this.#database.query<{ migration: string; live: string; slowed: number | null }>(
      `SELECT migration, count(*) AS live, min(slowed_to) FILTER (WHERE name <> $2) AS slowed
       FROM holdall_fleet.workers
       WHERE migration = ANY($1::uuid[]) AND error IS NULL AND seen_at > now() - interval '${ALIVE_SECS} seconds' GROUP BY migration`,
      [active.map(({ id }) => id), this.#name],
    )
    this.workers = Math.max(1, ...rows.map(({ live }) => Number(live)))
    for (const { pace, bandwidth, plan, id } of active) {
      const row = rows.find(({ migration }) => migration === id)
      if (bandwidth !== undefined) bandwidth.setRate(plan.bandwidth! / Math.max(1, Number(row?.live ?? 1)))
      const slowed = row?.slowed ?? undefined
      if (slowed === undefined) this.#given.delete(id)
      else this.#given.set(id, slowed)
      pace.setRate(slowed)
    }
  }

  async #report({ id, pace }: Work): Promise<void> {
    const counts = this.#of(id)
    const { filesPerSec, bytesPerSec } = counts.rates.at(counts.files, counts.bytes)
    const { current } = pace
    const given = this.#given.get(id)
    // A limit that others have found is not reported again, or it would never end.
    const own = current !== undefined && (given === undefined || current < given) ? current : null
    await this.#database.query(
      `INSERT INTO holdall_fleet.workers AS w (migration, name, seen_at, files, bytes, files_per_sec, bytes_per_sec, slowed_to)
       SELECT id, $2, now(), $3, $4, $5, $6, $7 FROM holdall_fleet.migrations WHERE id = $1
       ON CONFLICT (migration, name) DO UPDATE SET seen_at = now(), files = excluded.files, bytes = excluded.bytes,
         files_per_sec = excluded.files_per_sec, bytes_per_sec = excluded.bytes_per_sec, slowed_to = excluded.slowed_to,
         error = NULL`,
      [id, this.#name, counts.files, counts.bytes, filesPerSec, bytesPerSec, own],
    )
  }

  /** Forgets the counts of a migration that has ended. */
  forget(migration: string): void {
    this.#counts.delete(migration)
    this.#given.delete(migration)
  }

  /** Removes this worker's reports, so that the others have its share at once. */
  async end(): Promise<void> {
    await this.#database.query('DELETE FROM holdall_fleet.workers WHERE name = $1', [this.#name])
  }

  #of(migration: string): Counts {
    let counts = this.#counts.get(migration)
    if (counts === undefined) this.#counts.set(migration, (counts = new Counts()))
    return counts
  }
}
