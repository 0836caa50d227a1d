import { compareKeys } from '../core/key-order.ts'
import { sharedLength } from './key-space.ts'

/** The last character of Unicode. It is a noncharacter, which names do not have, and XML, PostgreSQL and all services accept it. */
export const LAST = '\u{10ffff}'

/**
 * Returns a short string between two neighbours of a listing: `a/1` and `b/2` have `a\u{10ffff}`. So it is not the name of a file. Undefined
 * where only strings with control characters are between them (`a` and `a `).
 */
export function separatorOf(before: string, after: string): string | undefined {
  const shared = sharedLength(before, after)
  const char = before.codePointAt(shared) ?? previous(after.codePointAt(shared))
  if (char === undefined) return undefined
  const key = before.slice(0, shared) + String.fromCodePoint(char) + LAST
  return key.isWellFormed() && compareKeys(before, key) < 0 && compareKeys(key, after) < 0 ? key : undefined
}

/** Returns the character before another one, if it is printable. */
function previous(char: number | undefined): number | undefined {
  if (char === undefined || char <= 0x20) return undefined
  return char === 0xe000 ? 0xd7ff : char - 1
}
