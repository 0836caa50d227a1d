import { setTimeout as pause } from 'node:timers/promises'
import type { MigrationStatus } from '../core/migration-status.ts'
import type { CliContext } from './context.ts'
import { failureLine, statusBlock } from './migrate-text.ts'
import { chosen, type MigrationBook, type MigrationChoice } from './migration-book.ts'

/** Interval in milliseconds of `--watch`. */
const WATCH_EVERY_MS = 2000

/** Prints migrations of a book: once, or again and again until all have ended. */
export class MigrateWatch {
  readonly #context: CliContext
  readonly #book: MigrationBook
  readonly #choice: MigrationChoice
  readonly #areFailuresWanted: boolean

  constructor(context: CliContext, book: MigrationBook, choice: MigrationChoice, areFailuresWanted: boolean) {
    this.#context = context
    this.#book = book
    this.#choice = choice
    this.#areFailuresWanted = areFailuresWanted
  }

  /** Prints the migrations; returns them. */
  async print(): Promise<readonly MigrationStatus[]> {
    const { out } = this.#context
    const found = await chosen(this.#book, this.#choice)
    if (found.length === 0) out.log(`no migrations in ${this.#book.title}`)
    let isFirst = true
    for (const status of found) {
      const block = out.json ? '' : statusBlock(status, new Date())
      await out.record(status, isFirst ? block : `\n${block}`)
      isFirst = false
      if (this.#areFailuresWanted) await this.#printFailures(status)
    }
    return found
  }

  async #printFailures({ id }: MigrationStatus): Promise<void> {
    const { out, signal } = this.#context
    for await (const { name, code, message } of this.#book.failures(id)) {
      signal.throwIfAborted()
      await out.record({ type: 'failed', migration: id, name, code, message }, failureLine({ name, code, message }))
    }
  }

  /** Prints the migrations each time that the interval has passed, until all have ended; returns the last ones. */
  async repeat(everyMs: number = WATCH_EVERY_MS): Promise<readonly MigrationStatus[]> {
    const { out, signal } = this.#context
    for (;;) {
      if (process.stdout.isTTY === true && !out.json) await out.write('\x1b[H\x1b[2J')
      const found = await this.print()
      if (found.every(({ state }) => state === 'done' || state === 'failed')) return found
      await pause(everyMs, undefined, { signal })
      if (process.stdout.isTTY !== true && !out.json) await out.line('')
    }
  }
}
