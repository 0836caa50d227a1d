import type { Reference, ReferenceKind } from '../reference.ts'

/** What would end a string or a template, mean another character in it, or end the element of HTML around it. */
const UNSAFE = /[\\'"`$<\n\r\u2028\u2029]/g

/** A string or template, in the quotes that are given. */
function literal(text: string, quote: string): string {
  const escaped = text.replace(UNSAFE, unit => {
    if (unit === '\\' || unit === quote) return `\\${unit}`
    if (unit === '$') return quote === '`' ? '\\$' : unit
    if (unit === "'" || unit === '"' || unit === '`') return unit
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  return quote + escaped + quote
}

/** The reference of a string or template of JavaScript, from its first quote to behind the last one. The quotes are kept. */
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
