import { HtmlValue, type ValuePiece } from './value.ts'

/** Builds the text of a `<style>` or `<script>`. In HTML it is raw; in SVG it has character references, and may contain other nodes. */
export class ContentReader {
  readonly #text: string
  readonly #isRaw: boolean
  readonly #start: number
  readonly #pieces: ValuePiece[] = []
  #end: number
  #isBroken = false

  /** `start` is behind the start tag. */
  constructor(text: string, start: number, isRaw: boolean) {
    this.#text = text
    this.#isRaw = isRaw
    this.#start = start
    this.#end = start
  }

  text(start: number, end: number): void {
    this.#pieces.push({ start, end, text: this.#text.slice(start, end), isPlain: true })
    this.#end = end
  }

  entity(codePoint: number, end: number): void {
    const character = String.fromCodePoint(codePoint)
    // One reference may be two code points.
    const former = end === this.#end ? this.#pieces.pop() : undefined
    const start = former?.start ?? this.#end
    this.#pieces.push({ start, end, text: (former?.text ?? '') + character, isPlain: false })
    this.#end = end
  }

  /** Records that it contains a node other than text. */
  other(): void {
    this.#isBroken = true
  }

  /** Returns the text; undefined where it is empty or contains other nodes. */
  end(): HtmlValue | undefined {
    if (this.#isBroken || this.#end === this.#start) return undefined
    return new HtmlValue(this.#pieces, this.#isRaw ? 'raw' : 'text', this.#start, this.#end)
  }
}
