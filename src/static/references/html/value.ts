/** A piece of an attribute's value as it stands in the page: plain text, or code points that stand there as character references. */
export interface ValuePiece {
  readonly start: number
  readonly end: number
  readonly text: string
  readonly isPlain: boolean
}

/** The quotes around a value. */
export type Quote = '"' | "'" | ''

/** What must not stand in a value, by the quotes around it. Between double quotes `<` is for readers of XML. */
const UNSAFE: Readonly<Record<Quote, RegExp>> = { '"': /[&<"]/g, "'": /[&<']/g, '': /[&<>"'=`\s]/g }

/** The value of an attribute. */
export class HtmlValue {
  /** As a browser reads it, with character references undone. */
  readonly text: string
  /** Where it stands in the page, without its quotes. */
  readonly start: number
  readonly end: number
  readonly #quote: Quote
  readonly #pieces: readonly ValuePiece[]
  /** For each unit of the text its place in the page, or -1 inside of a character reference; made where there are such. */
  #places: readonly number[] | undefined

  constructor(pieces: readonly ValuePiece[], quote: Quote, start: number, end: number) {
    this.text = pieces.map(({ text }) => text).join('')
    this.start = start
    this.end = end
    this.#quote = quote
    this.#pieces = pieces
  }

  /** The place in the page of an offset in the text; undefined inside of a character reference. */
  placeOf(at: number): number | undefined {
    if (this.text.length === this.end - this.start && this.#pieces.every(({ isPlain }) => isPlain))
      return this.start + at
    this.#places ??= this.#allPlaces()
    const place = this.#places[at]!
    return place < 0 ? undefined : place
  }

  /** A text as it stands between the quotes of this value. */
  escape(text: string): string {
    return text.replace(UNSAFE[this.#quote], escaped)
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

/** A text as it stands between tags in SVG and MathML, where `<style>` is no raw text. */
export function escapeText(text: string): string {
  return text.replace(/[&<]/g, escaped)
}

function escaped(unit: string): string {
  if (unit === '&') return '&amp;'
  if (unit === '"') return '&quot;'
  return unit === '<' ? '&lt;' : `&#${unit.charCodeAt(0)};`
}
