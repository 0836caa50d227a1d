import { isUtf8 } from 'node:buffer'
import { lineOf } from './references/lines.ts'
import type { Reference } from './references/reference.ts'

/** Characters that escapes of CSS and JavaScript may represent in a text that is not UTF-8. */
const BEYOND_LATIN1 = /[^\0-\xff]/
const ALL_BEYOND_LATIN1 = /[^\0-\xff]+/g

/** A text as it was read: unchanged parts are written byte for byte as they were read. */
export class SourceText {
  readonly text: string
  readonly #encoding: 'utf8' | 'latin1'
  /** An offset whose line is known, so that the lines of many references are counted in one pass. */
  #counted = { offset: 0, line: 1 }

  constructor(bytes: Buffer) {
    // Bytes that are not UTF-8 are kept by reading each as a character.
    this.#encoding = isUtf8(bytes) ? 'utf8' : 'latin1'
    this.text = bytes.toString(this.#encoding)
  }

  /** Returns the URL of a reference: in a text that is not UTF-8, the URL itself may be UTF-8. */
  urlOf({ url }: Reference): string {
    if (this.#encoding === 'utf8' || BEYOND_LATIN1.test(url)) return url
    const bytes = Buffer.from(url, 'latin1')
    return isUtf8(bytes) ? bytes.toString('utf8') : url
  }

  /** Returns the bytes with other URLs in some references; undefined does not change one. */
  rewritten(references: readonly Reference[], newUrl: (reference: Reference) => string | undefined): Buffer {
    const pieces: string[] = []
    let done = 0
    for (const reference of references) {
      const url = newUrl(reference)
      if (url === undefined) continue
      pieces.push(this.text.slice(done, reference.start), reference.write(this.#written(url, reference)))
      done = reference.end
    }
    pieces.push(this.text.slice(done))
    return Buffer.from(pieces.join(''), this.#encoding)
  }

  /** Returns the line of an offset; the first one is 1. Increasing offsets are counted in one pass. */
  lineOf(offset: number): number {
    const from = offset < this.#counted.offset ? { offset: 0, line: 1 } : this.#counted
    this.#counted = { offset, line: from.line + lineOf(this.text, offset, from.offset) - 1 }
    return this.#counted.line
  }

  /** Returns a URL as the characters that its bytes are read as. */
  #written(url: string, { url: former }: Reference): string {
    if (this.#encoding === 'utf8') return url
    // A CSS escape may represent any character.
    if (BEYOND_LATIN1.test(former))
      return url.replace(ALL_BEYOND_LATIN1, each => encodeURIComponent(each.toWellFormed()))
    return isUtf8(Buffer.from(former, 'latin1')) ? Buffer.from(url, 'utf8').toString('latin1') : url
  }
}
