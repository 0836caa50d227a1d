import type { MigrationState, MigrationStatus } from '../../core/migration-status.ts'
import type { FailureTable } from './failure-table.ts'
import type { Pace } from './pace.ts'
import { Rates } from './rates.ts'
import type { RunRow, StoredRates, Total } from './run-table.ts'
import { Tally } from './tally.ts'

/** Minimum time in milliseconds between two reports. */
const REPORT_MS = 100

/** Returns the status of a run. */
export function statusOf(
  run: RunRow,
  failures: Pick<FailureTable, 'count' | 'different' | 'byCode'>,
  state: MigrationState,
  counts: Tally = run.counts,
): MigrationStatus {
  const { atTarget: _, ...files } = counts
  const { total, rates } = run
  const isRunning = state === 'running'
  return {
    id: run.places.slice(0, 12),
    source: run.source,
    target: run.target,
    state,
    pass: run.pass,
    startedAt: run.begunAt,
    updatedAt: run.updatedAt,
    ...(run.finishedAt !== undefined && { finishedAt: run.finishedAt }),
    counts: { ...files, failed: failures.count, different: failures.different },
    ...(total !== undefined && { total }),
    filesPerSec: isRunning ? rates.filesPerSec : 0,
    bytesPerSec: isRunning ? rates.bytesPerSec : 0,
    ...(isRunning && rates.etaSecs !== undefined && { etaSecs: rates.etaSecs }),
    ...(run.heldBack !== undefined && { heldBack: run.heldBack }),
    ...(run.hasLeftOut && { hasLeftOut: true }),
    failures: failures.byCode,
    ...(isRunning && rates.slowedTo !== undefined && { slowedTo: rates.slowedTo }),
  }
}

/** The state of a run that no process works on any more. */
export function endedState({ finishedAt }: RunRow, failed: number): MigrationState {
  if (finishedAt === undefined) return 'interrupted'
  return failed > 0 ? 'failed' : 'done'
}

/** Reports the progress of a run. */
export class Progress {
  readonly #run: RunRow
  readonly #failures: FailureTable
  readonly #pace: Pace
  readonly #report: ((status: MigrationStatus) => void) | undefined
  readonly #rates = new Rates()
  #reportedMs = Number.NEGATIVE_INFINITY
  /** Counts before the work in progress, and those of the work. */
  #base: Tally
  #current: Tally | undefined

  constructor(
    run: RunRow,
    failures: FailureTable,
    pace: Pace,
    report: ((status: MigrationStatus) => void) | undefined,
  ) {
    this.#run = run
    this.#failures = failures
    this.#pace = pace
    this.#report = report
    this.#base = new Tally(run.counts)
  }

  /** Work begins, whose counts are added to those of the run. */
  begin(): void {
    this.#base = new Tally(this.#run.counts)
    this.#current = undefined
    const { bytes } = this.#base
    this.#rates.begin(this.#files(this.#base), bytes)
  }

  /** Reports the counts of the work in progress, if some time has passed since the last report. */
  seen(tally: Tally): void {
    this.#current = tally
    const now = performance.now()
    if (now - this.#reportedMs < REPORT_MS) return
    this.#reportedMs = now
    this.#run.rates = this.#measured()
    this.#run.updatedAt = new Date()
    this.#report?.(this.status('running'))
  }

  status(state: MigrationState): MigrationStatus {
    return statusOf(this.#run, this.#failures, state, this.#counts())
  }

  /** Reports the end. */
  end(state: MigrationState): MigrationStatus {
    this.#base = new Tally(this.#run.counts)
    this.#current = undefined
    const status = this.status(state)
    this.#report?.(status)
    return status
  }

  #counts(): Tally {
    const counts = new Tally(this.#base)
    if (this.#current !== undefined) counts.add(this.#current)
    return counts
  }

  #measured(): StoredRates {
    const counts = this.#counts()
    const files = this.#files(counts)
    const { filesPerSec, bytesPerSec } = this.#rates.at(files, counts.bytes)
    const total = this.#total()
    const left = total === undefined ? undefined : Math.max(0, total.files - files)
    const slowedTo = this.#pace.current
    return {
      filesPerSec,
      bytesPerSec,
      ...(left !== undefined && filesPerSec > 0 && { etaSecs: left / filesPerSec }),
      ...(slowedTo !== undefined && { slowedTo }),
    }
  }

  /** The files of the current pass, as far as they are known: the copy pass has counted those of the verify pass. */
  #total(): Pick<Total, 'files'> | undefined {
    const { pass, total, counts } = this.#run
    if (pass === 'verify') return { files: counts.seen }
    return pass === 'copy' ? total : undefined
  }

  /** Number of files that the current pass has processed. */
  #files({ seen, verified, deleted }: Tally): number {
    const { pass } = this.#run
    return pass === 'copy' ? seen : pass === 'verify' ? verified : deleted
  }
}
