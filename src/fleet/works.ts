import { isStorageError, StorageError } from '../core/errors.ts'
import { Unusable } from './lease.ts'
import { type Database, DatabaseError } from './postgres.ts'
import { Refusals } from './refusals.ts'
import type { Reports } from './reports.ts'
import { openWork, type Work } from './work.ts'
import type { WorkerOptions } from './worker-options.ts'

/** What the migrations of a worker need of it. */
export interface WorksOptions extends Pick<WorkerOptions, 'placeOf' | 'meter' | 'onEvent'> {
  readonly database: Database
  readonly concurrency: number
  readonly signal: AbortSignal
  /** The ledger is to be informed soon. */
  changed(): void
}

/** The migrations that a worker takes part in, each opened once, and those that it cannot open. */
export class Works {
  readonly refusals: Refusals = new Refusals()
  readonly #options: WorksOptions
  readonly #opening = new Map<string, Promise<Work | undefined>>()
  readonly #open = new Map<string, Work>()

  constructor(options: WorksOptions) {
    this.#options = options
  }

  get open(): Iterable<Work> {
    return this.#open.values()
  }

  opened(id: string): Work | undefined {
    return this.#open.get(id)
  }

  /** Returns a migration with its places; undefined if the ledger does not have it. `Unusable` if this worker cannot open them. */
  get(id: string): Promise<Work | undefined> {
    let work = this.#opening.get(id)
    if (work === undefined) this.#opening.set(id, (work = this.#opened(id)))
    return work
  }

  async #opened(id: string): Promise<Work | undefined> {
    const { database, placeOf, concurrency, signal, meter, onEvent, changed } = this.#options
    try {
      const work = await openWork(database, id, {
        placeOf,
        concurrency,
        signal,
        meter,
        onLeftBehind: (migration, leftBehind) => onEvent?.({ type: 'leftBehind', leftBehind, migration }),
        onThrottled: changed,
      })
      if (work === undefined) this.#opening.delete(id)
      else this.#open.set(id, work)
      this.refusals.delete(id)
      changed()
      return work
    } catch (error) {
      this.#opening.delete(id)
      if (signal.aborted || error instanceof DatabaseError || (isStorageError(error) && error.retryable)) throw error
      // The settings of this worker are wrong, and other workers may have the right ones; or the places are.
      const shown = isStorageError(error)
        ? error
        : new StorageError('improperly_configured', String((error as Error | undefined)?.message ?? error), {
            cause: error,
          })
      if (this.refusals.add(id, shown)) await onEvent?.({ type: 'refused', error: shown, migration: id })
      changed()
      throw new Unusable()
    }
  }

  /** Closes the places of migrations that have ended, and reports those that cannot be opened. */
  async settle(isUsed: (migration: string) => boolean, reports: Reports): Promise<void> {
    const refused = this.refusals.all
    if (this.#open.size + refused.size === 0) return
    const rows = await this.#options.database.query<{ id: string }>(
      `SELECT id FROM holdall_fleet.migrations WHERE id = ANY($1::uuid[]) AND state = 'running'`,
      [[...this.#open.keys(), ...refused.keys()]],
    )
    const running = new Set(rows.map(({ id }) => id))
    for (const [id, error] of refused) {
      if (running.has(id)) await reports.refused(id, error)
      else this.refusals.delete(id)
    }
    for (const [id, { places }] of this.#open) {
      if (running.has(id) || isUsed(id)) continue
      places.end()
      this.#open.delete(id)
      this.#opening.delete(id)
      reports.forget(id)
    }
  }

  end(): void {
    for (const { places } of this.#open.values()) places.end()
  }
}
