import type { OnProgress } from '../storage/types.ts'
import { clipped, formatSize, type Output, printable, type StatusLine } from './output.ts'

/** Options of a progress bar. */
export interface ProgressOptions {
  /** The unit; default bytes. */
  readonly unit?: 'bytes' | 'files'
  /** Whether there is a bar; default true. */
  readonly isWanted?: boolean
  /** Returns the text before the name; called at each drawing. */
  readonly note?: (() => string) | undefined
}

/** A bar on stderr while a command works; nothing is drawn unless stderr is a terminal. One at a time. */
export class Progress implements StatusLine {
  readonly #stream = process.stderr
  readonly #out: Output
  readonly #unit: 'bytes' | 'files'
  readonly #note: (() => string) | undefined
  #total: number
  readonly #startedAt = Date.now()
  #done = 0
  #label = ''
  #drawnAt = 0
  #visible = false

  /** `total` is in bytes, or the number of files; 0 if it is unknown. */
  constructor(out: Output, total = 0, { unit = 'bytes', isWanted = true, note }: ProgressOptions = {}) {
    this.#out = out
    this.#total = total
    this.#unit = unit
    this.#note = note
    const isSeen = this.#stream.isTTY === true && !out.json && !out.quiet && process.env['CI'] === undefined
    if (isWanted && isSeen) out.status = this
  }

  /** Whether the bar is visible. */
  get isShown(): boolean {
    return this.#out.status === this
  }

  /** Adds to the expected number of bytes or files. */
  expect(count: number): void {
    this.#total += count
  }

  /** Adds processed bytes or files. */
  add(count: number, label: string = this.#label): void {
    this.#done += count
    this.#label = label
    if (this.isShown && Date.now() - this.#drawnAt >= 50) this.#draw()
  }

  /** Returns the `onProgress` of one of the files: it adds the new bytes of each call. */
  of(label: string): OnProgress {
    let seen = 0
    return ({ loaded }) => {
      this.add(Math.max(0, loaded - seen), label)
      seen = Math.max(seen, loaded)
    }
  }

  /** Clears the bar until more is added. */
  clear(): void {
    if (this.#visible) this.#stream.write('\r\x1b[K')
    this.#visible = false
  }

  /** Removes the bar. */
  end(): void {
    this.clear()
    if (this.isShown) this.#out.status = undefined
  }

  #draw(): void {
    const now = Date.now()
    this.#drawnAt = now
    this.#visible = true
    const share = this.#total === 0 ? 0 : Math.min(1, this.#done / this.#total)
    const bar = `[${'#'.repeat(Math.round(share * 24)).padEnd(24, '.')}] ${Math.round(share * 100)}%  `
    const rate = (this.#done * 1000) / Math.max(1, now - this.#startedAt)
    const note = this.#note === undefined ? '' : `${this.#note()}  `
    const line = `${this.#total === 0 ? '' : bar}${this.#counted(rate)}  ${note}${printable(this.#label)}`
    this.#stream.write(`\r\x1b[K${clipped(line, (this.#stream.columns || 80) - 1)}`)
  }

  #counted(rate: number): string {
    if (this.#unit === 'bytes') return `${formatSize(this.#done)}  ${formatSize(rate)}/s`
    const of = this.#total === 0 ? '' : ` of ${this.#total}`
    return `${this.#done}${of} files  ${Math.round(rate)}/s`
  }
}
