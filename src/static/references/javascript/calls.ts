import type { Import } from 'es-module-lexer'

/** The text after `import.meta` in `import.meta.url` and `import.meta.resolve(`. */
const RESOLVE = /\s*\.\s*resolve\s*\(/y
const NEW_URL = /\bnew\s+(?:(?:globalThis|window|self)\s*\.\s*)?URL\s*\(/g

/** A script in which calls with URLs look like `import()`, so that the lexer reports which of them are code, and their arguments. */
export interface Disguised {
  /** As long as the script. */
  readonly text: string
  /** Positions of `new URL(`, possibly in a string or comment. */
  readonly urls: ReadonlySet<number>
  /** Positions of `import.meta.resolve(`. */
  readonly resolves: ReadonlySet<number>
}

/**
 * Writes `new URL(` and `import.meta.resolve(` as `import(` with blanks, if a script has them and `import.meta`. No other position changes:
 * line ends stay, since one may end a comment.
 */
export function disguised(text: string, imports: readonly Import[]): Disguised | undefined {
  const [urls, resolves] = [new Set<number>(), new Set<number>()]
  const metas = imports.filter(({ type }) => type === 'import-meta')
  if (metas.length === 0) return undefined
  const calls: { readonly start: number; readonly end: number }[] = []
  for (const { start, end } of metas) {
    RESOLVE.lastIndex = end
    const call = RESOLVE.exec(text)
    if (call === null) continue
    resolves.add(start)
    calls.push({ start, end: RESOLVE.lastIndex - 1 })
  }
  for (const call of text.matchAll(NEW_URL)) {
    urls.add(call.index)
    calls.push({ start: call.index, end: call.index + call[0].length - 1 })
  }
  if (calls.length === 0) return undefined
  calls.sort((a, b) => a.start - b.start)
  const parts: string[] = []
  let from = 0
  for (const { start, end } of calls) {
    const lineEnds = text.slice(start, end).replace(/[^\n\r\u2028\u2029]/g, '')
    parts.push(text.slice(from, start), `import${lineEnds}`.padEnd(end - start))
    from = end
  }
  return { text: parts.join('') + text.slice(from), urls, resolves }
}

/** Whether only `.url` is between `import.meta` and the parenthesis that ends a call. */
export function isMetaUrl(text: string, metaEnd: number, callEnd: number): boolean {
  let at = skipBlanks(text, metaEnd)
  if (text[at] !== '.') return false
  at = skipBlanks(text, at + 1)
  if (!text.startsWith('url', at)) return false
  at = skipBlanks(text, at + 3)
  if (text[at] === ',') at = skipBlanks(text, at + 1)
  return at === callEnd - 1
}

/** Returns the position behind blanks and comments. */
function skipBlanks(text: string, from: number): number {
  let at = from
  for (;;) {
    while (/\s/.test(text.charAt(at))) at++
    if (text.startsWith('//', at)) {
      while (at < text.length && !/[\n\r\u2028\u2029]/.test(text.charAt(at))) at++
    } else if (text.startsWith('/*', at)) {
      const end = text.indexOf('*/', at + 2)
      at = end < 0 ? text.length : end + 2
    } else return at
  }
}
