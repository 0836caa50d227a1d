/** Any text, slashes included. */
const STAR = -1
/** One character, also a slash. */
const ANY = -2
/** Nothing, or any text that ends in a slash. */
const FOLDERS = -3

interface CharacterSet {
  readonly isNegated: boolean
  /** First and last code points by turns. */
  readonly ranges: readonly number[]
}

/** A code point, one of the numbers above, or a set of characters. */
type Token = number | CharacterSet

/**
 * A pattern of Python's `fnmatch.fnmatchcase`, as Django's ignore patterns are: `*` is any text and `?` any character, both with slashes;
 * `[a-c]` and `[!a-c]` are sets; everything else stands for itself. One addition, which other tools of Node have: two stars between slashes, or
 * before the first one, are any number of folders or none, so that a file of the folder `vendor` itself is found as well as one below it.
 * Takes at most as many steps as the numbers of characters of pattern and text, multiplied.
 */
export class FnmatchPattern {
  readonly #tokens: readonly Token[]

  constructor(pattern: string) {
    this.#tokens = tokensOf(pattern)
  }

  /** Whether the pattern stands for the whole text. */
  matches(text: string): boolean {
    const tokens = this.#tokens
    let token = 0
    let at = 0
    // Only the last star is ever gone back to: what an earlier one would take more, the last one can take as well.
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

/** Where a star that has taken the text up to `at` can end next; -1 at the end of the text. */
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

/** Where a set ends whose first character is at `start`; -1 where it does not, and its bracket stands for itself. */
function closeOf(pattern: string, start: number): number {
  let at = start
  if (pattern[at] === '!') at++
  // A bracket that closes nothing yet belongs to the set.
  if (pattern[at] === ']') at++
  return pattern.indexOf(']', at)
}

/** The characters of a set. Ranges whose end comes before their beginning are empty, as in Python. */
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
