import { HtmlValue, type ValuePiece } from './value.ts'

/** The quotes of a value by the numbers of htmlparser2's `QuoteType`: none without a value, none, single, double. */
const QUOTES = ['', '', "'", '"'] as const

/** Builds the value of an attribute from the tokenizer's events, which have no positions for character references. */
export class AttributeReader {
  readonly #text: string
  #name = ''
  #nameEnd = 0
  #pieces: ValuePiece[] = []
  /** Code points of the character references behind the last piece. */
  #codePoints: number[] = []

  constructor(text: string) {
    this.#text = text
  }

  /** The name in lower case. */
  get name(): string {
    return this.#name
  }

  begin(nameStart: number, nameEnd: number): void {
    this.#name = this.#text.slice(nameStart, nameEnd).toLowerCase()
    this.#nameEnd = nameEnd
    this.#pieces = []
    this.#codePoints = []
  }

  /** Adds plain text; empty behind a character reference at the end of the value. */
  data(start: number, end: number): void {
    this.#addReferences(start)
    if (start < end) this.#pieces.push({ start, end, text: this.#text.slice(start, end), isPlain: true })
  }

  entity(codePoint: number): void {
    this.#codePoints.push(codePoint)
  }

  /** Returns the value; `end` is behind its last quote. */
  end(quotes: number, end: number): HtmlValue {
    const quote = QUOTES[quotes]!
    const start = quotes === 0 ? end : this.#valueStart()
    return new HtmlValue(this.#pieces, quote, start, quote === '' ? end : end - 1)
  }

  /** Returns the position behind the name, the equals sign, and a quote. */
  #valueStart(): number {
    let at = this.#skipBlanks(this.#nameEnd)
    at = this.#skipBlanks(at + 1)
    return this.#text[at] === '"' || this.#text[at] === "'" ? at + 1 : at
  }

  #skipBlanks(from: number): number {
    let at = from
    while (/\s/.test(this.#text.charAt(at))) at++
    return at
  }

  /** Adds the character references that end at a position. Each begins with `&`. */
  #addReferences(end: number): void {
    const texts = this.#codePoints.map(codePoint => String.fromCodePoint(codePoint))
    if (texts.length === 0) return
    this.#codePoints = []
    const first = this.#pieces.at(-1)?.end ?? this.#valueStart()
    const starts: number[] = []
    for (let at = first; at < end; at++) if (this.#text[at] === '&') starts.push(at)
    if (starts.length === texts.length) {
      for (const [index, text] of texts.entries()) {
        this.#pieces.push({ start: starts[index]!, end: starts[index + 1] ?? end, text, isPlain: false })
      }
    } else {
      // One of them is two code points, so it is unknown which text belongs to which.
      this.#pieces.push({ start: first, end, text: texts.join(''), isPlain: false })
    }
  }
}
