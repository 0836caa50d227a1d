import { readAhead } from './ahead.ts'
import type { CliContext } from './context.ts'
import { printable } from './output.ts'
import { Progress } from './progress.ts'

/** What a command does with files, for its summary. */
export type Verb = 'stored' | 'copied' | 'moved' | 'removed'

/** Options of a tally. */
export interface TallyOptions {
  readonly verb: Verb
  /** Whether there may be many files: then a line for each is written only if stdout is not a terminal, and a summary at the end. */
  readonly isMany: boolean
  /** The unit of the bar; default bytes. */
  readonly unit?: 'bytes' | 'files'
}

/** Maximum number of files that are read ahead, so that their number is known. */
const AHEAD = 10_000

/** Counts the files of a command: for the bar, for the summary at its end, and for the message when it is interrupted. One per command. */
export class Tally {
  readonly progress: Progress
  readonly #context: CliContext
  readonly #verb: Verb
  readonly #isMany: boolean
  readonly #unit: 'bytes' | 'files'
  #found = 0
  /** Whether all files are found, so that `#found` is their number. */
  #isWhole = false
  #done = 0
  #renamed = 0
  #skipped = 0
  #failed = 0

  constructor(context: CliContext, { verb, isMany, unit = 'bytes' }: TallyOptions) {
    this.#context = context
    this.#verb = verb
    this.#isMany = isMany
    this.#unit = unit
    const note = unit === 'bytes' && isMany ? () => this.#share : undefined
    this.progress = new Progress(context.out, 0, { unit, note })
    context.whenInterrupted(() => this.#text)
  }

  /**
   * Returns the files of a source, read ahead. `sizeOf` returns the bytes for the bar; NaN is unknown. `isLast`: no other source follows.
   */
  files<T>(items: AsyncIterable<T>, sizeOf: (item: T) => number, isLast = true): AsyncGenerator<T, void> {
    return readAhead(items, {
      limit: AHEAD,
      onItem: item => this.expect(1, sizeOf(item)),
      onEnd: () => {
        this.#isWhole ||= isLast
      },
    })
  }

  /** Adds files that will be processed, with their bytes. */
  expect(files: number, bytes = 0): void {
    this.#found += files
    if (this.#unit === 'files') this.progress.expect(files)
    else if (!Number.isNaN(bytes)) this.progress.expect(bytes)
  }

  /** Sets the total number of files. */
  whole(files: number): void {
    this.#found = files
    this.#isWhole = true
  }

  /** Processes one file. An error of this file only is printed and counted if there are several; otherwise it is thrown. */
  async attempt(work: () => Promise<void>, several: boolean): Promise<void> {
    if (!(await this.#context.attempt(work, several))) this.#failed++
  }

  /** Counts a processed file, and writes its line. */
  async done(record: unknown, text: string, { renamed = false }: { readonly renamed?: boolean } = {}): Promise<void> {
    this.#done++
    if (renamed) this.#renamed++
    await this.#write(record, text)
  }

  /** Counts files without a line; `label` is shown in a bar of files. */
  add(done: number, failed = 0, label?: string): void {
    this.#done += done
    this.#failed += failed
    if (this.#unit === 'files') this.progress.add(done + failed, label)
  }

  /** Counts a file that is skipped because its name is taken. */
  async skipped(place: string): Promise<void> {
    this.#skipped++
    const dryRun = this.#isDryRun ? { dryRun: true } : {}
    if (this.#context.out.json) await this.#context.out.record({ ...dryRun, place, skipped: true }, '')
    else if (this.#isDryRun) await this.#write({}, `would leave out ${printable(place)}: it exists`)
  }

  /** Runs the command's work; then removes the bar and writes the summary, also after a failure. */
  async run(work: () => Promise<void>): Promise<void> {
    let isFinished = false
    try {
      await work()
      isFinished = true
    } finally {
      this.progress.end()
      const isWanted = this.#isMany && (isFinished || this.#found > 0)
      if (isWanted && !this.#context.signal.aborted) await this.#summarise(isFinished)
    }
  }

  async #summarise(isFinished: boolean): Promise<void> {
    const { out } = this.#context
    if (!out.json) {
      out.log(isFinished ? `${counted(this.#done)} ${this.#did}${this.#others}` : `stopped: ${this.#text}`)
      return
    }
    const counts = { renamed: this.#renamed, skipped: this.#skipped, failed: this.#failed }
    const summary = { [this.#verb]: this.#done, ...counts, ...(this.#isDryRun && { dryRun: true }) }
    await out.record({ summary }, '')
  }

  async #write(record: unknown, text: string): Promise<void> {
    const { out, options } = this.#context
    const isTerminal = process.stdout.isTTY === true && !out.json
    // The lines of a dry run are its result.
    const isHidden = this.#isMany && isTerminal && options.verbose !== true && !this.#isDryRun
    if (!isHidden) await out.record(record, text)
  }

  get #isDryRun(): boolean {
    return this.#context.options.dryRun === true
  }

  get #text(): string {
    return `${this.#share} ${this.#did}${this.#others}`
  }

  get #did(): string {
    return this.#isDryRun ? `would be ${this.#verb}` : this.#verb
  }

  /** `812 of 2000 files`; while the total is unknown, `812 files`. */
  get #share(): string {
    return this.#isWhole ? `${this.#done} of ${counted(this.#found)}` : counted(this.#done)
  }

  get #others(): string {
    const parts = [
      this.#renamed > 0 ? `${this.#renamed} of them under another name` : '',
      this.#skipped > 0 ? `${this.#skipped} left out since they exist` : '',
      this.#failed > 0 ? `${this.#failed} failed` : '',
    ].filter(Boolean)
    return parts.map(part => `, ${part}`).join('')
  }
}

/** `1 file`, `2 files`. */
export function counted(count: number, noun = 'file'): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
