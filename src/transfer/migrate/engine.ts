import type { StorageError } from '../../core/errors.ts'
import type { MigrationPass } from '../../core/migration-status.ts'
import { forEachParallel } from '../../core/parallel.ts'
import type { Places } from '../places.ts'
import { CopyWork } from './copy-work.ts'
import type { EngineHooks, EngineOptions } from './engine-options.ts'
import type { Pair } from './pairs.ts'
import type { Tally } from './tally.ts'
import type { MigrationPlan } from './types.ts'
import { VerifyWork } from './verify-work.ts'

/** Copies and compares the files of pairs, for one process or a fleet of them. An error of one file never ends the work. */
export class MigrationEngine {
  readonly places: Places
  readonly #plan: MigrationPlan
  readonly #options: EngineOptions
  /** Errors that were counted: pages that are processed in parallel see those of each other. */
  readonly #slowedBy = new WeakSet<StorageError>()

  constructor(places: Places, plan: MigrationPlan, options: EngineOptions) {
    this.places = places
    this.#plan = plan
    this.#options = options
  }

  /**
   * Processes the pairs of the copy or the verify pass; returns their counts. Ten successive failures that are not about one file end the
   * work with the last one.
   */
  async run(pass: Exclude<MigrationPass, 'delete'>, pairs: AsyncIterable<Pair>, hooks: EngineHooks): Promise<Tally> {
    const { places } = this
    const { pacer, concurrency } = this.#options
    const work =
      pass === 'copy'
        ? new CopyWork(places, this.#plan, this.#options, hooks)
        : new VerifyWork(places, this.#plan, hooks)
    const slow = (error: StorageError): void => {
      if (error.code !== 'throttled' || this.#slowedBy.has(error)) return
      this.#slowedBy.add(error)
      pacer?.throttled(error.retryAfterMs)
    }
    const stops = [...new Set([places.source.storage, places.target.storage])].map(({ calls }) =>
      calls.watchFailures(slow),
    )
    try {
      await forEachParallel(work.tasks(pairs), { limit: concurrency, signal: hooks.signal }, async pair => {
        await pacer?.take(hooks.signal)
        await work.attempt(pair)
      })
    } finally {
      for (const stop of stops) stop()
    }
    return work.tally
  }
}
