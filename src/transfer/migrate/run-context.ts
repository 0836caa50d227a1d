import { type ErrorCode, isStorageError, StorageError } from '../../core/errors.ts'
import type { MigrationCounts, MigrationPass } from '../../core/migration-status.ts'
import { CarriedAttributes } from '../../storage/carried-attributes.ts'
import { CONCURRENCY, type Places } from '../places.ts'
import { Bandwidth } from './bandwidth.ts'
import { MigrationEngine } from './engine.ts'
import type { EngineHooks, EngineOptions } from './engine-options.ts'
import type { SqliteLedger } from './ledger.ts'
import { MigrationMeters } from './meters.ts'
import { Pace } from './pace.ts'
import { Progress } from './progress.ts'
import type { RunRow } from './run-table.ts'
import { Tally } from './tally.ts'
import type { MigrateEvent, MigrateOptions } from './types.ts'

/** Number of failures that are read at a time. */
const PAGE = 1000

/** What all passes of a run share. */
export class RunContext {
  readonly places: Places
  readonly ledger: SqliteLedger
  readonly run: RunRow
  readonly options: MigrateOptions
  readonly signal: AbortSignal
  readonly progress: Progress
  readonly concurrency: number
  readonly #engineOptions: EngineOptions
  readonly #meters: MigrationMeters
  /** The counts that the meters have. */
  #metered: Tally

  constructor(places: Places, ledger: SqliteLedger, run: RunRow, options: MigrateOptions, signal: AbortSignal) {
    const { concurrency = CONCURRENCY, bandwidth, onProgress } = options
    const pace = new Pace()
    this.places = places
    this.ledger = ledger
    this.run = run
    this.options = options
    this.signal = signal
    this.concurrency = concurrency
    this.#engineOptions = {
      concurrency,
      pacer: {
        take: taken => pace.take(taken),
        throttled: ms => {
          pace.throttled(ms)
          this.#meters.add({ throttled: 1 })
        },
      },
      bandwidth: bandwidth === undefined ? undefined : new Bandwidth(bandwidth),
      carried: new CarriedAttributes(places.source.storage, places.target.storage, {
        ...run.plan,
        onLeftBehind: left => this.tell({ type: 'leftBehind', leftBehind: left }),
      }),
    }
    this.#meters = new MigrationMeters(options.meter, run)
    this.#metered = new Tally(run.counts)
    this.progress = new Progress(run, ledger.failures, pace, onProgress)
    ledger.begin(run)
  }

  get isDryRun(): boolean {
    return this.options.dryRun ?? false
  }

  /** Returns the engine of a pass; `isAll`: for files that are not chosen by time or by chance. */
  engine(pass: 'copy' | 'verify', isAll = false): MigrationEngine {
    const { plan } = this.run
    const verify = pass === 'verify' && isAll && plan.verify === 'sample' ? 'full' : plan.verify
    return new MigrationEngine(this.places, isAll ? { ...plan, verify, since: undefined } : plan, this.#engineOptions)
  }

  hooks(pass: 'copy' | 'verify'): EngineHooks {
    const ledger = this.ledger
    const { isDryRun: dryRun } = this
    return {
      signal: this.signal,
      dryRun,
      // Without a ledger nothing is known of earlier work.
      isRepeated: !ledger.hasStates,
      ...(ledger.hasStates && { known: name => ledger.known(name) }),
      copied: (name, size, states) => {
        if (states !== undefined && ledger.hasStates) ledger.keep(name, states, true)
        return this.tell({ type: 'copied', name, size })
      },
      equal: (name, states) => {
        if (!dryRun && ledger.hasStates) ledger.keep(name, states, false)
      },
      failed: (name, error, isRefused) => this.failed(name, pass, error, isRefused),
      isExpected: (name, code) => this.isExpected(name, code),
      mended: (name, isCompared) => ledger.mend(name, isCompared),
      progress: tally => this.progress.seen(tally),
    }
  }

  isExpected(name: string, code: ErrorCode): boolean {
    return this.ledger.failures.get(name)?.code === code
  }

  async failed(name: string, pass: MigrationPass, error: StorageError, isRefused: boolean): Promise<void> {
    if (!this.ledger.fail(name, pass, error, isRefused)) return
    this.#meters.add({ attempts: { [error.code]: 1 } })
    await this.tell({ type: 'attemptFailed', name, error })
  }

  /** At the end of all attempts: reports the files that failed for good. */
  async reportFailures(): Promise<void> {
    const { failures } = this.ledger
    this.#meters.add({ failures: failures.byCode, counts: { different: failures.different } })
    for (let after: string | undefined; ; ) {
      const rows = failures.page({ after }, PAGE)
      for (const { name, pass: operation, code, message } of rows) {
        const error = new StorageError(code as ErrorCode, message, { operation, fileName: name })
        await this.tell({ type: 'failed', name, error })
      }
      if (rows.length < PAGE) return
      after = rows.at(-1)!.name
    }
  }

  /** Work begins that stores its state only at its end. */
  begin(): void {
    this.progress.begin()
    this.ledger.onCommit = () => this.store()
  }

  /** Stores the state of the run; called at each commit. */
  store(): void {
    const { run, ledger } = this
    run.updatedAt = new Date()
    run.hasLeftOut ||= this.places.hasLeftOut
    ledger.runs.store(run)
    const [now, before] = [run.counts, this.#metered]
    this.#metered = new Tally(now)
    const counts = new Tally(now)
    for (const name of Object.keys(before) as ReadonlyArray<keyof Tally & keyof MigrationCounts>) {
      counts[name] -= before[name]
    }
    // What failed and what differs is known at the end.
    this.#meters.add({ counts: { ...counts, failed: 0, different: 0 } })
  }

  /** Stores the state of the run at once. */
  commit(): void {
    const { ledger } = this
    ledger.onCommit = () => this.store()
    ledger.touch()
    ledger.commit()
  }

  async tell(event: MigrateEvent): Promise<void> {
    await this.options.onEvent?.(event)
  }

  /** After an error, which stays the error of the run: stores what is known, and reports it. */
  unfinished(): void {
    try {
      this.ledger.commit()
    } catch (error) {
      if (!isStorageError(error)) throw error
    }
    this.progress.end('interrupted')
  }
}
