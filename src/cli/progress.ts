import { formatSize, type Output, printable } from './output.ts'

/** A bar on stderr while a command works; silent unless stderr is a terminal. */
export class Progress {
  readonly #stream = process.stderr
  readonly #shown: boolean
  #total: number
  #done = 0
  #label = ''
  #drawnAt = 0

  /** `total` is in bytes; 0 when it is not known. */
  constructor(out: Output, total = 0) {
    this.#shown = this.#stream.isTTY === true && !out.json && !out.quiet && process.env['CI'] === undefined
    this.#total = total
  }

  /** Adds bytes that were dealt with. */
  add(bytes: number, label: string = this.#label): void {
    this.#done += bytes
    this.#label = label
    if (this.#shown && Date.now() - this.#drawnAt >= 50) this.#draw()
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#shown && this.#drawnAt > 0) this.#stream.write('\r\x1b[K')
  }

  #draw(): void {
    this.#drawnAt = Date.now()
    const share = this.#total === 0 ? 0 : Math.min(1, this.#done / this.#total)
    const bar =
      this.#total === 0 ? '' : `[${'#'.repeat(Math.round(share * 24)).padEnd(24, '.')}] ${Math.round(share * 100)}% `
    const room = Math.max(10, (this.#stream.columns ?? 80) - bar.length - 14)
    this.#stream.write(`\r\x1b[K${bar}${formatSize(this.#done)} ${printable(this.#label).slice(0, room)}`)
  }
}
