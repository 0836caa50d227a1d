import type { Reference, ReferenceKind } from '../reference.ts'
import type { JsonString } from './strings.ts'

/** A string for another URL, which may stand in an element of HTML too. */
function write(url: string): string {
  return JSON.stringify(url).replaceAll('<', '\\u003c')
}

/** The reference of a string of JSON. */
export function jsonReference(kind: ReferenceKind, { value, start, end }: JsonString): Reference {
  return { kind, url: value, start, end, write }
}
