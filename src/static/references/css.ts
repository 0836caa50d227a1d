import { type CSSToken, TokenType, tokenizer } from '@csstools/css-tokenizer'
import {
  isDataUrl,
  sourceMapUrl,
  withoutOuterBlanks,
  writeImport,
  writeSourceMap,
  writeString,
  writeUrl,
} from './css-text.ts'
import type { Reference, ReferenceFinder } from './reference.ts'

/** Every text with a reference contains one of these; a backslash because names may be escaped. `sourceMappingURL` contains `url`. */
const MAY_REFER = /url|import|image|\\/i

/** Functions whose strings are URLs of images (CSS Images 4). Those of `cross-fade()` are not: it takes images and colours. */
const IMAGE_FUNCTIONS: ReadonlySet<string> = new Set(['image', 'image-set', '-webkit-image-set'])

/** Functions that are replaced by a value: a string in them has the meaning that it would have in their place. */
const SUBSTITUTIONS: ReadonlySet<string> = new Set(['var', 'env'])

/** At-rules whose `url()` is compared and never fetched, up to their block or semicolon. */
const COMPARED: ReadonlySet<string> = new Set(['namespace', 'document', '-moz-document', 'supports'])

/**
 * Finds the URLs that a stylesheet fetches: `url()`, also in custom properties; the string of `@import`; the strings of `image-set()` and
 * `image()`; and its source map, which is the last comment of that form. An empty URL is not a `Reference`. It finds nothing in other
 * comments, in strings and escaped names, in `@namespace`, and in the conditions of `@document`, `@supports` and `@import`. Constructs that
 * a file leaves open are closed at its end, like in browsers. New URLs are written like Django writes them. Never throws: every text is
 * CSS.
 */
export const cssReferences: ReferenceFinder = text => (MAY_REFER.test(text) ? new Walk(text).references() : [])

/** One pass over the tokens of a text (CSS Syntax 3). */
class Walk {
  /** A byte order mark is not part of the stylesheet; the tokenizer would treat it as a letter. */
  readonly #skipped: number
  readonly #tokens: { nextToken(): CSSToken | undefined }
  #held: CSSToken | undefined
  readonly #references: Reference[] = []
  #sourceMap: { readonly reference: Reference; readonly at: number } | undefined
  /** For each open function or bracket, whether its strings are URLs of images. */
  readonly #open: boolean[] = []
  /** Whether a rule or a declaration may begin here. */
  #isStart = true
  /** Whether nothing is fetched up to the next semicolon or brace. */
  #isIgnored = false

  constructor(text: string) {
    this.#skipped = text.startsWith('\uFEFF') ? 1 : 0
    this.#tokens = tokenizer({ css: text.slice(this.#skipped) })
  }

  references(): readonly Reference[] {
    for (let token = this.#next(); token !== undefined; token = this.#next()) this.#take(token)
    if (this.#sourceMap !== undefined) this.#references.splice(this.#sourceMap.at, 0, this.#sourceMap.reference)
    return this.#references
  }

  #next(): CSSToken | undefined {
    const token = this.#held ?? this.#tokens.nextToken()
    this.#held = undefined
    return token === undefined || token[0] === TokenType.EOF ? undefined : token
  }

  /** Returns the next token that is not a blank. */
  #nextWord(): CSSToken | undefined {
    let token = this.#next()
    while (token?.[0] === TokenType.Whitespace) token = this.#next()
    return token
  }

  #take(token: CSSToken): void {
    switch (token[0]) {
      case TokenType.Whitespace:
      case TokenType.CDO:
      case TokenType.CDC:
        return
      case TokenType.Comment:
        this.#takeComment(token)
        return
      case TokenType.Semicolon:
      case TokenType.OpenCurly:
      case TokenType.CloseCurly:
        // No value continues behind one, so constructs that a mistake left open end here.
        this.#open.length = 0
        this.#isIgnored = false
        this.#isStart = true
        return
    }
    const isStart = this.#isStart
    this.#isStart = false
    switch (token[0]) {
      case TokenType.AtKeyword:
        if (isStart) this.#takeAtRule(token, token[4].value.toLowerCase())
        return
      case TokenType.URL:
        this.#found(token[4].value, token, token, writeUrl)
        return
      case TokenType.BadURL:
        if (isDataUrl(token[1])) this.#isIgnored = true
        return
      case TokenType.Function:
        this.#takeFunction(token, token[4].value.toLowerCase())
        return
      case TokenType.String:
        if (this.#open.at(-1) === true) this.#found(token[4].value, token, token, writeString(token[1]))
        return
      case TokenType.OpenParen:
      case TokenType.OpenSquare:
        this.#open.push(false)
        return
      case TokenType.CloseParen:
      case TokenType.CloseSquare:
        this.#open.pop()
    }
  }

  #takeFunction(token: CSSToken, name: string): void {
    if (name === 'url') this.#takeUrl(token)
    else if (SUBSTITUTIONS.has(name)) this.#open.push(this.#open.at(-1) === true)
    else this.#open.push(IMAGE_FUNCTIONS.has(name))
  }

  /** Takes `url("a")`, which is replaced as a whole, or `url("a" modifiers)`, of which only the string is replaced. */
  #takeUrl(name: CSSToken): void {
    const string = this.#nextWord()
    if (string?.[0] === TokenType.String) {
      const close = this.#nextWord()
      if (close === undefined || close[0] === TokenType.CloseParen) {
        this.#found(string[4].value, name, close ?? string, writeUrl)
        return
      }
      this.#found(string[4].value, string, string, writeString(string[1]))
      this.#held = close
    } else {
      this.#held = string
    }
    this.#open.push(false)
  }

  #takeAtRule(rule: CSSToken, name: string): void {
    if (name === 'import') {
      let token = this.#nextWord()
      let from: CSSToken | undefined = rule
      for (; token?.[0] === TokenType.Comment; token = this.#nextWord()) {
        this.#takeComment(token)
        from = undefined
      }
      if (token?.[0] === TokenType.String)
        this.#found(token[4].value, from ?? token, token, from ? writeImport : writeUrl)
      else if (token?.[0] === TokenType.URL) this.#found(token[4].value, token, token, writeUrl)
      else if (token?.[0] === TokenType.Function && token[4].value.toLowerCase() === 'url') this.#takeUrl(token)
      else this.#held = token
    }
    this.#isIgnored = name === 'import' || COMPARED.has(name)
  }

  #takeComment(token: CSSToken): void {
    const url = sourceMapUrl(token[1])
    if (url === undefined) return
    const [start, end] = [token[2] + this.#skipped, token[3] + 1 + this.#skipped]
    const reference: Reference = { kind: 'sourceMap', url, start, end, write: writeSourceMap }
    this.#sourceMap = { reference, at: this.#references.length }
  }

  #found(value: string, from: CSSToken, to: CSSToken, write: (url: string) => string): void {
    const url = withoutOuterBlanks(value)
    if (this.#isIgnored || url === '') return
    const [start, end] = [from[2] + this.#skipped, to[3] + 1 + this.#skipped]
    this.#references.push({ kind: 'asset', url, start, end, write })
  }
}
