import { importOptional } from '../../../core/optional.ts'
import { AttributeReader } from './attribute-reader.ts'
import { ContentReader } from './content-reader.ts'
import { ForeignContent } from './foreign.ts'
import type { HtmlValue } from './value.ts'

type HtmlParser = typeof import('htmlparser2')
type Callbacks = NonNullable<ConstructorParameters<HtmlParser['Tokenizer']>[1]>

/** The start tag of an element. */
interface Tag {
  /** The name in lower case. */
  readonly name: string
  readonly start: number
  /** Whether it is one of SVG or MathML. */
  readonly isForeign: boolean
  /** By their names in lower case; of duplicate names, the first one. */
  readonly attributes: ReadonlyMap<string, HtmlValue>
}

/** An element of a page. */
export interface HtmlElement extends Tag {
  /** The text of a `<style>` or `<script>`; absent where it is empty, or contains other nodes. */
  readonly content?: HtmlValue | undefined
}

/**
 * Returns the elements of a page that have attributes, and each `<style>`, in the order in which their tags or texts end. Comments, and the
 * text in `<textarea>`, `<title>` and others, contain no elements; `<template>` and `<noscript>` do. An unfinished tag is no element.
 * `ImproperlyConfigured` without the package `htmlparser2`.
 */
export async function htmlElements(text: string): Promise<readonly HtmlElement[]> {
  const { Tokenizer } = await importOptional<HtmlParser>('htmlparser2', 'Rewriting references in HTML')
  const reader = new Reader(text)
  const tokenizer = new Tokenizer({}, reader)
  tokenizer.write(text)
  tokenizer.end()
  return reader.elements
}

/** Receives the tokenizer's events. */
class Reader implements Callbacks {
  readonly elements: HtmlElement[] = []
  readonly #text: string
  readonly #foreign = new ForeignContent()
  readonly #attribute: AttributeReader
  #tag: Tag | undefined
  #attributes = new Map<string, HtmlValue>()
  /** The `<style>` or `<script>` that is open. */
  #open: { readonly tag: Tag; readonly content: ContentReader } | undefined

  constructor(text: string) {
    this.#text = text
    this.#attribute = new AttributeReader(text)
  }

  isInForeignContext(): boolean {
    return this.#foreign.isForeign
  }

  onopentagname(start: number, end: number): void {
    const name = this.#nameAt(start, end)
    this.#attributes = new Map()
    this.#tag = { name, start: start - 1, isForeign: this.#foreign.opened(name), attributes: this.#attributes }
  }

  onattribname(start: number, end: number): void {
    this.#attribute.begin(start, end)
  }

  onattribdata(start: number, end: number): void {
    this.#attribute.data(start, end)
  }

  onattribentity(codePoint: number): void {
    this.#attribute.entity(codePoint)
  }

  onattribend(quotes: number, end: number): void {
    const { name } = this.#attribute
    if (!this.#attributes.has(name)) this.#attributes.set(name, this.#attribute.end(quotes, end))
  }

  onopentagend(end: number): void {
    this.#open?.content.other()
    const tag = this.#tag!
    if (tag.name === 'style' || tag.name === 'script') {
      // An open foreign element has a tag in its text, and the tokenizer does not search for its end.
      this.#finish()
      this.#open = { tag, content: new ContentReader(this.#text, end + 1, !tag.isForeign) }
    } else if (tag.attributes.size > 0) this.elements.push(tag)
  }

  onselfclosingtag(end: number): void {
    this.onopentagend(end)
    const { name, isForeign } = this.#tag!
    if (!isForeign) return
    this.#foreign.closed(name)
    if (this.#open?.tag === this.#tag) this.#finish()
  }

  onclosetag(start: number, end: number): void {
    const name = this.#nameAt(start, end)
    this.#foreign.closed(name)
    if (this.#open?.tag.name === name) this.#finish()
    else this.#open?.content.other()
  }

  ontext(start: number, end: number): void {
    this.#open?.content.text(start, end)
  }

  ontextentity(codePoint: number, end: number): void {
    this.#open?.content.entity(codePoint, end)
  }

  oncdata(): void {
    this.#open?.content.other()
  }

  oncomment(): void {
    this.#open?.content.other()
  }

  onend(): void {
    // A script without its end tag does not run; a stylesheet applies.
    if (this.#open?.tag.name === 'script') this.#open.content.other()
    this.#finish()
  }

  ondeclaration(): void {}
  onprocessinginstruction(): void {}

  #finish(): void {
    if (this.#open === undefined) return
    const { tag, content } = this.#open
    this.elements.push({ ...tag, content: content.end() })
    this.#open = undefined
  }

  #nameAt(start: number, end: number): string {
    return this.#text.slice(start, end).toLowerCase()
  }
}
