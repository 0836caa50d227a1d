/** A piece of a value in the page: plain text, or code points that are written as character references. */
export interface ValuePiece {
  readonly start: number
  readonly end: number
  readonly text: string
  readonly isPlain: boolean
}

/** The context of a value: the quotes of an attribute, or none; the tags of an element, whose text has character references or not. */
export type ValueKind = '"' | "'" | '' | 'text' | 'raw'

/** Characters that must not be in a value. Between quotes, `<` is included for XML parsers. */
const UNSAFE: Readonly<Record<Exclude<ValueKind, 'raw'>, RegExp>> = {
  '"': /[&<"]/g,
  "'": /[&<']/g,
  '': /[&<>"'=`\s]/g,
  text: /[&<]/g,
}

/** The value of an attribute, or the text of an element. */
export class HtmlValue {
  /** The text as a browser reads it, with character references decoded. */
  readonly text: string
  /** Position in the page, without quotes. */
  readonly start: number
  readonly end: number
  readonly #kind: ValueKind
  readonly #pieces: readonly ValuePiece[]
  /** Whether the text in the page is identical to `text`. */
  readonly #isPlain: boolean
  /** For each unit of the text its position in the page, or -1 inside of a character reference; made only if the text is not plain. */
  #places: readonly number[] | undefined

  constructor(pieces: readonly ValuePiece[], kind: ValueKind, start: number, end: number) {
    this.text = pieces.map(({ text }) => text).join('')
    this.start = start
    this.end = end
    this.#kind = kind
    this.#pieces = pieces
    this.#isPlain = pieces.every(({ isPlain }) => isPlain) && this.text.length === end - start
  }

  /** Returns the position in the page of an offset in the text; undefined inside of a character reference. */
  placeOf(at: number): number | undefined {
    if (this.#isPlain) return this.start + at
    this.#places ??= this.#allPlaces()
    const place = this.#places[at]!
    return place < 0 ? undefined : place
  }

  /**
   * Returns a text as it is written in the page in place of a part of this value. A raw text cannot be escaped, so characters that would
   * end it do not change.
   */
  escape(text: string): string {
    return this.#kind === 'raw' ? text : text.replace(UNSAFE[this.#kind], escaped)
  }

  #allPlaces(): readonly number[] {
    const places: number[] = []
    for (const { start, text, isPlain } of this.#pieces) {
      for (let at = 0; at < text.length; at++) places.push(isPlain || at === 0 ? start + at : -1)
    }
    places.push(this.end)
    return places
  }
}

function escaped(unit: string): string {
  if (unit === '&') return '&amp;'
  if (unit === '"') return '&quot;'
  return unit === '<' ? '&lt;' : `&#${unit.charCodeAt(0)};`
}
