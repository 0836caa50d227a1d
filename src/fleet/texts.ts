import { createHash } from 'node:crypto'

/** Returns a text for a column: PostgreSQL refuses NUL and halves of surrogate pairs, which names may contain. */
export function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

/** Returns the text of a column. */
export function unescaped(text: string): string {
  return JSON.parse(`"${text}"`) as string
}

/** The same for columns that may be NULL. */
export function maybeEscaped(text: string | undefined): string | null {
  return text === undefined ? null : escaped(text)
}

export function maybeUnescaped(text: string | null): string | undefined {
  return text === null ? undefined : unescaped(text)
}

/** Returns the value by which a name, or a pair of names, is found. */
export function digestOfTexts(...texts: readonly string[]): Buffer {
  const hash = createHash('sha256')
  for (const text of texts) hash.update(escaped(text)).update('\0')
  return hash.digest()
}
