/** Any text, slashes included. */
const STAR = -1
/** One character, including a slash. */
const ANY = -2
/** Nothing, or any text that ends in a slash. */
const FOLDERS = -3

interface CharacterSet {
  readonly isNegated: boolean
  /** First and last code points alternately. */
  readonly ranges: readonly number[]
}

/** A code point, one of the numbers above, or a set of characters. */
type Token = number | CharacterSet

/**
 * A pattern of Python's `fnmatch.fnmatchcase`, like Django's ignore patterns: `*` is any text and `?` any character, both including
 * slashes; `[a-c]` and `[!a-c]` are sets; every other character matches itself. One addition, which other Node tools have: two stars
 * between slashes, or before the first one, are any number of folders or none, so that they match a file of the folder `vendor` itself as
 * well as one below it. The number of steps is at most the product of the lengths of pattern and text.
 */
export class FnmatchPattern {
  readonly #tokens: readonly Token[]

  constructor(pattern: string) {
    this.#tokens = tokensOf(pattern)
  }

  /** Whether the pattern matches the whole text. */
  matches(text: string): boolean {
    const tokens = this.#tokens
    let token = 0
    let at = 0
    // Backtracking goes only to the last star: it can match everything that an earlier one would match more.
    let star = -1
    let resumed = 0
    for (;;) {
      const current = tokens[token]
      if (current === undefined && at === text.length) return true
      if (current === STAR || current === FOLDERS) {
        star = token++
        resumed = at
        continue
      }
      const code = text.codePointAt(at)
      if (current !== undefined && code !== undefined && fits(current, code)) {
        token++
        at += widthOf(code)
        continue
      }
      if (star < 0) return false
      resumed = next(tokens[star]!, text, resumed)
      if (resumed < 0) return false
      at = resumed
      token = star + 1
    }
  }
}

/** Returns where a star that has matched the text up to `at` can end next; -1 at the end of the text. */
function next(star: Token, text: string, at: number): number {
  if (star === FOLDERS) return text.indexOf('/', at) + 1 || -1
  const code = text.codePointAt(at)
  return code === undefined ? -1 : at + widthOf(code)
}

function widthOf(code: number): number {
  return code > 0xffff ? 2 : 1
}

function fits(token: Token, code: number): boolean {
  if (typeof token === 'number') return token === code || token === ANY
  const { ranges, isNegated } = token
  for (let i = 0; i < ranges.length; i += 2) if (ranges[i]! <= code && code <= ranges[i + 1]!) return !isNegated
  return isNegated
}

function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = []
  for (let at = 0; at < pattern.length; ) {
    const char = pattern[at]
    if (char === '*') {
      const isFolders = pattern.startsWith('**/', at) && (at === 0 || pattern[at - 1] === '/')
      tokens.push(isFolders ? FOLDERS : STAR)
      at += isFolders ? 3 : 1
    } else if (char === '?') {
      tokens.push(ANY)
      at++
    } else {
      const close = char === '[' ? closeOf(pattern, at + 1) : -1
      if (close >= 0) {
        tokens.push(setOf(pattern.slice(at + 1, close)))
        at = close + 1
      } else {
        const code = pattern.codePointAt(at)!
        tokens.push(code)
        at += widthOf(code)
      }
    }
  }
  return tokens
}

/** Returns the end of a set whose first character is at `start`; -1 where it is not closed, and its bracket matches itself. */
function closeOf(pattern: string, start: number): number {
  let at = start
  if (pattern[at] === '!') at++
  // A bracket at the beginning belongs to the set.
  if (pattern[at] === ']') at++
  return pattern.indexOf(']', at)
}

/** Returns the characters of a set. Ranges whose end precedes their beginning are empty, like in Python. */
function setOf(text: string): CharacterSet {
  const isNegated = text.startsWith('!')
  const codes = Array.from(isNegated ? text.slice(1) : text, char => char.codePointAt(0)!)
  const ranges: number[] = []
  for (let at = 0; at < codes.length; ) {
    const isRange = codes[at + 1] === 0x2d && at + 2 < codes.length
    ranges.push(codes[at]!, codes[isRange ? at + 2 : at]!)
    at += isRange ? 3 : 1
  }
  return { isNegated, ranges }
}
