import { clipped, type Output, type StatusLine } from './output.ts'

/** Minimum time in milliseconds between two drawings. */
const DRAWN_EVERY_MS = 50

/** A line on stderr that is redrawn while a command works; nothing is drawn unless stderr is a terminal. One at a time. */
export class TerminalLine implements StatusLine {
  readonly #stream = process.stderr
  readonly #out: Output
  #drawnAt = 0
  #isVisible = false

  constructor(out: Output, isWanted = true) {
    this.#out = out
    const isSeen = this.#stream.isTTY === true && !out.json && !out.quiet && process.env['CI'] === undefined
    if (isWanted && isSeen) out.status = this
  }

  /** Whether the line is visible. */
  get isShown(): boolean {
    return this.#out.status === this
  }

  /** Draws the line, which gets the width of the terminal, and is cut to it. Does nothing shortly after the last drawing. */
  draw(text: (width: number) => string): void {
    const now = Date.now()
    if (!this.isShown || now - this.#drawnAt < DRAWN_EVERY_MS) return
    this.#drawnAt = now
    this.#isVisible = true
    const width = (this.#stream.columns || 80) - 1
    this.#stream.write(`\r\x1b[K${clipped(text(width), width)}`)
  }

  /** Clears the line until it is drawn again. */
  clear(): void {
    if (this.#isVisible) this.#stream.write('\r\x1b[K')
    this.#isVisible = false
  }

  /** Removes the line. */
  end(): void {
    this.clear()
    if (this.isShown) this.#out.status = undefined
  }
}
