import { ImproperlyConfigured } from '../core/errors.ts'

/**
 * Parses a JSON text. Invalid text is an `ImproperlyConfigured` with the position of the error and what was expected there. It never quotes
 * the text, which may contain secrets; `failure` begins the message. (RFC 8259)
 */
export function parseJson(text: string, failure: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The engine's message quotes the text around the error, so it is not used as the cause either.
    const { offset, expected } = slipIn(text)
    const before = text.slice(0, offset).split('\n')
    const place = `line ${before.length}, column ${before.at(-1)!.length + 1}`
    throw new ImproperlyConfigured(`${failure}: ${place}: expected ${expected}.`)
  }
}

const SPACE = /[ \t\n\r]*/y
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y

/** Returns the offset at which a text stops being valid JSON, and what was expected there. */
function slipIn(text: string): { readonly offset: number; readonly expected: string } {
  const closing: string[] = []
  let at = 0
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    const found = pattern.test(text)
    if (found) at = pattern.lastIndex
    return found
  }
  const next = (characters: string): string | undefined => {
    take(SPACE)
    const found = at < text.length && characters.includes(text[at]!) ? text[at] : undefined
    if (found !== undefined) at++
    return found
  }
  for (let isFirst = false; ; ) {
    const end = closing.at(-1)
    if (isFirst && next(end!) !== undefined) closing.pop()
    else {
      if (end === '}') {
        next('')
        if (!take(STRING)) return { offset: at, expected: 'a name in double quotes' }
        if (next(':') === undefined) return { offset: at, expected: "':'" }
      }
      const open = next('{[')
      isFirst = open !== undefined
      if (isFirst) {
        closing.push(open === '{' ? '}' : ']')
        continue
      }
      if (!take(STRING) && !take(SCALAR)) return { offset: at, expected: 'a value, text in double quotes' }
    }
    for (;;) {
      const close = closing.at(-1)
      if (close === undefined) {
        next('')
        return { offset: at, expected: 'the end' }
      }
      const found = next(`,${close}`)
      if (found === undefined) return { offset: at, expected: `',' or '${close}'` }
      if (found === ',') break
      closing.pop()
    }
    isFirst = false
  }
}
