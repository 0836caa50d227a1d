import type { MigrationStatus } from '../core/migration-status.ts'
import type { CliContext } from './context.ts'
import { progressLine, shownFiles } from './migrate-text.ts'
import { TerminalLine } from './terminal-line.ts'

/** Minimum time in milliseconds between two lines of progress that stay: without a terminal, and in JSON. */
const LINE_EVERY_MS = 10_000
const JSON_EVERY_MS = 1000

/**
 * The progress of a migration: a line on the terminal; without one a line now and then with `--verbose`, and with `--json` a record on
 * stdout.
 */
export class MigrateProgress {
  readonly #context: CliContext
  readonly #line: TerminalLine
  readonly #now: () => number
  #printedAt: number
  #latest: MigrationStatus | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(context: CliContext, now: () => number = Date.now) {
    this.#context = context
    this.#line = new TerminalLine(context.out)
    this.#now = now
    this.#printedAt = now()
  }

  /** The status that was last shown; undefined before the first. */
  get latest(): MigrationStatus | undefined {
    return this.#latest
  }

  /** Reports the progress if the command is interrupted from now on, with a note behind the number of files. */
  whenInterrupted(note = ''): void {
    this.#context.whenInterrupted(() => {
      const files = this.#latest === undefined ? '0 files' : shownFiles(this.#latest)
      return `${files}${note}; run the same command again to continue`
    })
  }

  show(status: MigrationStatus): void {
    this.#latest = status
    const { out, options } = this.#context
    if (this.#line.isShown) {
      this.#line.draw(width => progressLine(status, width))
    } else if (out.json && this.#isDue(JSON_EVERY_MS)) {
      this.#writing = this.#writing.then(() => out.record({ progress: status }, ''))
      this.#writing.catch(() => {})
    } else if (!out.json && options.verbose === true && this.#isDue(LINE_EVERY_MS)) {
      out.log(progressLine(status))
    }
  }

  /** Removes the line. Resolves when all records are written. */
  async end(): Promise<void> {
    this.#line.end()
    await this.#writing
  }

  #isDue(everyMs: number): boolean {
    const now = this.#now()
    if (now - this.#printedAt < everyMs) return false
    this.#printedAt = now
    return true
  }
}
