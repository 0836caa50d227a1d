import { lineOf } from '../lines.ts'

/** A string that is a value in JSON, not the name of a member. */
export interface JsonString {
  /** Names of members and indexes of arrays, from the outermost on. */
  readonly path: readonly (string | number)[]
  readonly value: string
  /** From its first quote to behind the last one, in UTF-16 units. */
  readonly start: number
  readonly end: number
}

/** A number, `true`, `false` or `null`. */
const SIMPLE = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y

/**
 * Returns the strings of a JSON text (RFC 8259) that are values in at most `depth` objects and arrays, in their order. A byte order mark
 * before it is skipped. Throws a `SyntaxError` with the line where the text is not JSON.
 */
export function jsonStrings(text: string, depth: number): readonly JsonString[] {
  return new Reader(text, depth).read()
}

class Reader {
  readonly #text: string
  readonly #depth: number
  readonly #strings: JsonString[] = []
  /** For each open object the name of its member, for each open array the index. */
  readonly #path: (string | number)[] = []
  #at: number

  constructor(text: string, depth: number) {
    this.#text = text
    this.#depth = depth
    this.#at = text.startsWith('\uFEFF') ? 1 : 0
  }

  read(): readonly JsonString[] {
    do {
      this.#value()
    } while (this.#next())
    if (this.#skipBlanks() !== '') throw this.#error('the end')
    return this.#strings
  }

  /** Reads a value. For an object or array that is not empty, it stops before the first value in it. */
  #value(): void {
    for (;;) {
      const first = this.#skipBlanks()
      if (first === '{') {
        this.#at++
        if (this.#take('}')) return
        this.#path.push(this.#name())
      } else if (first === '[') {
        this.#at++
        if (this.#take(']')) return
        this.#path.push(0)
      } else {
        if (first === '"') this.#stringValue()
        else this.#simple()
        return
      }
    }
  }

  /** Continues behind a value; returns whether another one follows. */
  #next(): boolean {
    while (this.#path.length > 0) {
      const last = this.#path.pop()!
      if (this.#take(',')) {
        this.#path.push(typeof last === 'number' ? last + 1 : this.#name())
        return true
      }
      const close = typeof last === 'number' ? ']' : '}'
      if (!this.#take(close)) throw this.#error(`',' or '${close}'`)
    }
    return false
  }

  #name(): string {
    if (this.#skipBlanks() !== '"') throw this.#error('a name in double quotes')
    const { value } = this.#string()
    if (!this.#take(':')) throw this.#error("':'")
    return value
  }

  #stringValue(): void {
    const string = this.#string()
    if (this.#path.length <= this.#depth) this.#strings.push({ ...string, path: [...this.#path] })
  }

  #string(): Omit<JsonString, 'path'> {
    const start = this.#at
    let end = start + 1
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === '\\' ? 2 : 1
    try {
      const value = JSON.parse(this.#text.slice(start, end + 1)) as string
      this.#at = end + 1
      return { value, start, end: end + 1 }
    } catch {
      throw this.#error('a string')
    }
  }

  #simple(): void {
    SIMPLE.lastIndex = this.#at
    if (!SIMPLE.test(this.#text)) throw this.#error('a value')
    this.#at = SIMPLE.lastIndex
  }

  #take(unit: string): boolean {
    if (this.#skipBlanks() !== unit) return false
    this.#at++
    return true
  }

  /** Returns the next character that is not a blank; empty at the end. */
  #skipBlanks(): string {
    for (;;) {
      const unit = this.#text.charAt(this.#at)
      if (unit !== ' ' && unit !== '\n' && unit !== '\r' && unit !== '\t') return unit
      this.#at++
    }
  }

  #error(wanted: string): SyntaxError {
    return new SyntaxError(`expected JSON: ${wanted} in line ${lineOf(this.#text, this.#at)}`)
  }
}
