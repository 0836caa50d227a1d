/** One line of a text in ini form. */
export type IniLine =
  | { readonly title: string }
  /** `isNested`: indented below a key without a value. */
  | { readonly key: string; readonly value: string; readonly isNested: boolean }

/**
 * Returns the meaningful lines of a text in ini form: titles of sections, and keys in lower case with their values. Lines in another form
 * are skipped. Comments begin with `#` or `;`, at the beginning of a line or after a blank.
 */
export function* iniLines(text: string): Generator<IniLine> {
  let hasParent = false
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    const content = withoutComment(line).trim()
    if (content.startsWith('[') && content.endsWith(']')) {
      hasParent = false
      yield { title: content.slice(1, -1).trim() }
      continue
    }
    const at = content.indexOf('=')
    if (at < 1) continue
    const isNested = hasParent && /^\s/.test(line)
    const value = content.slice(at + 1).trim()
    if (!isNested) hasParent = value === ''
    yield { key: content.slice(0, at).trim().toLowerCase(), value, isNested }
  }
}

/** Removes a comment: `#` or `;` at the beginning of the line or after a blank. */
function withoutComment(line: string): string {
  for (let at = 0; at < line.length; at++) {
    const isMark = line[at] === '#' || line[at] === ';'
    if (isMark && (at === 0 || line[at - 1]!.trim() === '')) return line.slice(0, at)
  }
  return line
}
