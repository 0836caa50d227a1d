import type { StorageError } from '../core/errors.ts'
import type { MigrationStatus } from '../core/migration-status.ts'
import type { LeftBehind, MigrateEvent, MigrationPlan, MigrationReport } from '../transfer/migrate/types.ts'
import type { CliContext } from './context.ts'
import { HELD_BACK } from './held-back.ts'
import { attemptLine, shownCounts, shownLeftBehind, shownVerify } from './migrate-text.ts'
import type { MigrationPlaces } from './migration-book.ts'
import { formatTime, printable } from './output.ts'
import { withPrintableName } from './shown-error.ts'

/** Prints what a migration is going to do, what it does, and its result. */
export class MigratePrinter {
  readonly #context: CliContext
  readonly #places: MigrationPlaces
  readonly #isDryRun: boolean
  /** What stays behind, and is not printed yet. */
  readonly #known: LeftBehind[] = []
  #isBegun = false

  constructor(context: CliContext, places: MigrationPlaces) {
    this.#context = context
    this.#places = places
    this.#isDryRun = context.options.dryRun === true
  }

  /** Prints what is compared, from which time on, and what does not go along. Comes before the first byte. */
  async plan({ verify, since }: Pick<MigrationPlan, 'verify' | 'since'>, ledger: string | undefined): Promise<void> {
    const { out } = this.#context
    const { source, target } = this.#places
    if (out.json) {
      const titles = { source: source.title, target: target.title }
      return out.record({ type: 'plan', ...titles, verify, since, ledger }, '')
    }
    out.log(shownVerify(verify))
    if (since !== undefined) out.log(`only files modified since ${formatTime(new Date(since))} UTC`)
  }

  /** Prints that `--since last` found no finished run. */
  noLastRun(): void {
    this.#context.out.log('--since last: no run between these places has finished yet; all files take part')
  }

  /** Prints attributes that stay behind. */
  async leftBehind(all: readonly LeftBehind[]): Promise<void> {
    const { out } = this.#context
    if (out.json) {
      for (const left of all) await out.record({ type: 'leftBehind', ...left }, '')
      return
    }
    const { source, target } = this.#places
    const names = { source: source.storage.calls.driver.name, target: target.storage.calls.driver.name }
    for (const line of shownLeftBehind(all, names)) out.log(line)
  }

  async event(event: MigrateEvent): Promise<void> {
    const { out, options } = this.#context
    if (event.type === 'leftBehind') {
      // Those that are known beforehand are printed together.
      this.#known.push(event.leftBehind)
      if (this.#isBegun) await this.#flush()
      return
    }
    this.#isBegun = true
    await this.#flush()
    // A line feed in a name begins no line.
    if (event.type === 'failed') return out.error(out.json ? event.error : withPrintableName(event.error, event.name))
    if (event.type === 'attemptFailed') return this.#attempt(event.name, event.error)
    if (event.type === 'pass') {
      if (out.json) await out.record(event, '')
      return
    }
    const { type, name } = event
    const place = this.#places.target.shown(name)
    const isDryRun = this.#isDryRun
    if (out.json) {
      const size = event.type === 'copied' && !Number.isNaN(event.size) ? { size: event.size } : {}
      return out.record({ ...(isDryRun && { dryRun: true }), type, name, place, ...size }, '')
    }
    const verb = isDryRun ? (type === 'copied' ? 'would copy' : 'would delete') : type
    if (isDryRun || options.verbose === true) await out.line(`${verb} ${place}`)
  }

  async #flush(): Promise<void> {
    await this.leftBehind(this.#known.splice(0))
  }

  /** Prints an attempt that failed: another one may follow, and what fails for good is printed at the end. */
  async #attempt(name: string, error: StorageError): Promise<void> {
    const { out, options } = this.#context
    const { code, message } = error
    if (out.json) await out.record({ type: 'attemptFailed', name, code, message }, '')
    else if (options.verbose === true) out.log(printable(attemptLine(error)))
  }

  /** Prints the result, and sets the exit code. */
  async report(report: MigrationReport): Promise<void> {
    const { out } = this.#context
    const { failedFiles: _, heldBack, ...status } = report
    if (!report.isDone) this.#context.exitCode = 1
    if (out.json) {
      return out.record({ summary: { ...(this.#isDryRun && { dryRun: true }), ...status, heldBack } }, '')
    }
    if (heldBack !== undefined) {
      const { extra, deleted } = report.counts
      out.warn(`${extra - deleted} files that only the target has are not deleted, ${HELD_BACK[heldBack]}`)
    }
    out.log(shownCounts(report.counts, this.#isDryRun))
  }

  /** Prints how far a run came that did not end. */
  async unfinished(status: MigrationStatus): Promise<void> {
    const { out } = this.#context
    if (out.json) await out.record({ summary: { ...status, isDone: false } }, '')
    else out.log(`${shownCounts(status.counts, this.#isDryRun)}; not finished`)
  }
}
