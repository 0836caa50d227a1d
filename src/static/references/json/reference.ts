import type { Reference, ReferenceKind } from '../reference.ts'
import type { JsonString } from './strings.ts'

/** Writes a string with another URL, which may also be in an HTML element. */
function write(url: string): string {
  return JSON.stringify(url).replaceAll('<', '\\u003c')
}

/** Returns the reference of a JSON string. */
export function jsonReference(kind: ReferenceKind, { value, start, end }: JsonString): Reference {
  return { kind, url: value, start, end, write }
}
