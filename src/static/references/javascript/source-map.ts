import { mayNameFile } from '../file-url.ts'
import type { Reference, ReferenceFinder } from '../reference.ts'

const NAME = 'sourceMappingURL='
/** Characters that a URL in a comment never has; the comment may be inside of a string or a template. */
const SUSPECT = /[\s"'`\\]|\*\//

/**
 * Finds the source map of a script: the comment `//# sourceMappingURL=a.js.map`, or the former `//@`, followed only by comments and blanks.
 * The script is not parsed (ECMA-426, JavaScriptExtractSourceMapURL without parsing), so this accepts every text. A comment in a string, a
 * template or another comment does not count; in doubtful cases it does not change. Written like Django writes it.
 */
export const sourceMapReferences: ReferenceFinder = text => {
  const reference = sourceMapReference(text)
  return reference === undefined ? [] : [reference]
}

/** The same for a script that has other references, too. */
export function sourceMapReference(text: string): Reference | undefined {
  const tail = new Tail(text)
  for (let comment = tail.previous(); comment !== undefined; comment = tail.previous()) {
    const url = urlOf(text.slice(comment.start, comment.end))
    if (url === undefined) continue
    if (SUSPECT.test(url) || !mayNameFile(url) || (tail.hasBlocks && isInBlock(text, comment.start))) return undefined
    return { kind: 'sourceMap', url, ...comment, write: writeSourceMap }
  }
  return undefined
}

interface Comment {
  readonly start: number
  readonly end: number
}

/** The comments at the end of a script, the last one first. */
class Tail {
  readonly #text: string
  #end: number
  /** The beginning of the line of `#end`, and its first character that is not a blank; kept for comments that share a line. */
  #lineStart: number
  #first = 0
  /** Whether one of them was a block comment. */
  hasBlocks = false

  constructor(text: string) {
    this.#text = text
    this.#end = text.length
    this.#lineStart = text.length + 1
  }

  /** Returns the next line comment; undefined where the text is, or may be, something else. */
  previous(): Comment | undefined {
    for (;;) {
      while (this.#end > 0 && isBlank(this.#text, this.#end - 1)) this.#end--
      if (this.#end === 0) return undefined
      if (this.#end <= this.#lineStart) this.#findLine()
      if (this.#text.startsWith('//', this.#first)) return this.#line()
      if (!this.#text.endsWith('*/', this.#end)) return undefined
      const start = this.#text.lastIndexOf('/*', this.#end - 4)
      // A quote of a template may be its end, and the comment a part of it.
      if (start < 0 || this.#text.slice(start, this.#end).includes('`')) return undefined
      this.hasBlocks = true
      this.#end = start
    }
  }

  #line(): Comment | undefined {
    const comment = { start: this.#first, end: this.#end }
    const text = this.#text.slice(comment.start, comment.end)
    if (text.includes('`') || text.includes('*/')) return undefined
    this.#end = this.#lineStart
    return comment
  }

  #findLine(): void {
    this.#lineStart = this.#end
    while (this.#lineStart > 0 && !isLineEnd(this.#text.charCodeAt(this.#lineStart - 1))) this.#lineStart--
    this.#first = this.#lineStart
    while (this.#first < this.#end && isBlank(this.#text, this.#first)) this.#first++
  }
}

function isLineEnd(unit: number): boolean {
  return unit === 0x0a || unit === 0x0d || unit === 0x2028 || unit === 0x2029
}

function isBlank(text: string, at: number): boolean {
  return /\s/.test(text.charAt(at))
}

/** Whether a block comment before a position is still open there. A string that looks like one counts, too. */
function isInBlock(text: string, at: number): boolean {
  return text.lastIndexOf('/*', at) > text.lastIndexOf('*/', at)
}

function urlOf(comment: string): string | undefined {
  if (comment[2] !== '#' && comment[2] !== '@') return undefined
  const rest = comment.slice(3).trimStart()
  return rest.startsWith(NAME) && rest.length > NAME.length ? rest.slice(NAME.length) : undefined
}

/** Percent-encodes characters that would end the URL or look like the end of a surrounding construct. */
function writeSourceMap(url: string): string {
  const safe = url.replace(/[\s"'`\\<]/g, unit => (unit === "'" ? '%27' : encodeURIComponent(unit)))
  return `//# ${NAME}${safe.replaceAll('*/', '%2A/')}`
}
