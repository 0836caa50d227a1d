import { mayNameFile } from '../file-url.ts'
import type { Reference, ReferenceFinder } from '../reference.ts'

const NAME = 'sourceMappingURL='
/** What a URL in a comment never has; it may stand in one that is inside of a string or a template. */
const SUSPECT = /[\s"'`\\]|\*\//

/**
 * Finds the source map that a script names: the comment `//# sourceMappingURL=a.js.map`, or the former `//@`, with nothing but comments and
 * blanks behind it. The script is not parsed (ECMA-426, JavaScriptExtractSourceMapURL without parsing), so this reads every text. One in a
 * string, a template or another comment is none; where that is not sure, the comment is left alone. Written as Django writes it.
 */
export const sourceMapReferences: ReferenceFinder = text => {
  const reference = sourceMapReference(text)
  return reference === undefined ? [] : [reference]
}

/** The same for one that has other references too. */
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
  /** Where the line of `#end` begins, and its first character that is no blank; kept for comments that share a line. */
  #lineStart: number
  #first = 0
  /** Whether one of them was of the other kind. */
  hasBlocks = false

  constructor(text: string) {
    this.#text = text
    this.#end = text.length
    this.#lineStart = text.length + 1
  }

  /** The next comment of one line; undefined where something else stands, or may stand. */
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

/** Whether a block comment before a place is not closed before it. Strings may look like one; then it counts. */
function isInBlock(text: string, at: number): boolean {
  return text.lastIndexOf('/*', at) > text.lastIndexOf('*/', at)
}

function urlOf(comment: string): string | undefined {
  if (comment[2] !== '#' && comment[2] !== '@') return undefined
  const rest = comment.slice(3).trimStart()
  return rest.startsWith(NAME) && rest.length > NAME.length ? rest.slice(NAME.length) : undefined
}

/** What would end the URL or look like an end of something around it is percent-encoded. */
function writeSourceMap(url: string): string {
  const safe = url.replace(/[\s"'`\\<]/g, unit => (unit === "'" ? '%27' : encodeURIComponent(unit)))
  return `//# ${NAME}${safe.replaceAll('*/', '%2A/')}`
}
