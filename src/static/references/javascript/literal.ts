import type { Reference, ReferenceKind } from '../reference.ts'

/** Characters that would end a string or a template, change its meaning, or end the HTML element around it. */
const UNSAFE = /[\\'"`$<\n\r\u2028\u2029]/g

/** Writes a string or template in these quotes. */
function literal(text: string, quote: string): string {
  const escaped = text.replace(UNSAFE, unit => {
    if (unit === '\\' || unit === quote) return `\\${unit}`
    if (unit === '$') return quote === '`' ? '\\$' : unit
    if (unit === "'" || unit === '"' || unit === '`') return unit
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  return quote + escaped + quote
}

/** Returns the reference of a JavaScript string or template, from its first quote to behind the last one. The quotes are kept. */
export function literalReference(
  kind: ReferenceKind,
  url: string,
  text: string,
  start: number,
  end: number,
): Reference {
  const quote = text[start]!
  return { kind, url, start, end, write: other => literal(other, quote) }
}
