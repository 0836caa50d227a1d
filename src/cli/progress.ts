import type { OnProgress } from '../storage/types.ts'
import { formatSize, type Output, printable } from './output.ts'
import { TerminalLine } from './terminal-line.ts'

/** Options of a progress bar. */
export interface ProgressOptions {
  /** The unit; default bytes. */
  readonly unit?: 'bytes' | 'files'
  /** Whether there is a bar; default true. */
  readonly isWanted?: boolean
  /** Returns the text before the name; called at each drawing. */
  readonly note?: (() => string) | undefined
}

/** A bar on stderr while a command works. */
export class Progress extends TerminalLine {
  readonly #unit: 'bytes' | 'files'
  readonly #note: (() => string) | undefined
  #total: number
  readonly #startedAt = Date.now()
  #done = 0
  #label = ''

  /** `total` is in bytes, or the number of files; 0 if it is unknown. */
  constructor(out: Output, total = 0, { unit = 'bytes', isWanted = true, note }: ProgressOptions = {}) {
    super(out, isWanted)
    this.#total = total
    this.#unit = unit
    this.#note = note
  }

  /** Adds to the expected number of bytes or files. */
  expect(count: number): void {
    this.#total += count
  }

  /** Adds processed bytes or files. */
  add(count: number, label: string = this.#label): void {
    this.#done += count
    this.#label = label
    this.draw(() => this.#text())
  }

  /** Returns the `onProgress` of one of the files: it adds the new bytes of each call. */
  of(label: string): OnProgress {
    let seen = 0
    return ({ loaded }) => {
      this.add(Math.max(0, loaded - seen), label)
      seen = Math.max(seen, loaded)
    }
  }

  #text(): string {
    const share = this.#total === 0 ? 0 : Math.min(1, this.#done / this.#total)
    const bar = `[${'#'.repeat(Math.round(share * 24)).padEnd(24, '.')}] ${Math.round(share * 100)}%  `
    const rate = (this.#done * 1000) / Math.max(1, Date.now() - this.#startedAt)
    const note = this.#note === undefined ? '' : `${this.#note()}  `
    return `${this.#total === 0 ? '' : bar}${this.#counted(rate)}  ${note}${printable(this.#label)}`
  }

  #counted(rate: number): string {
    if (this.#unit === 'bytes') return `${formatSize(this.#done)}  ${formatSize(rate)}/s`
    const of = this.#total === 0 ? '' : ` of ${this.#total}`
    return `${this.#done}${of} files  ${Math.round(rate)}/s`
  }
}
