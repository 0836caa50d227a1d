/**
 * Returns the line of a position in a text; the first one is 1. A line ends with LF, CR or both. Counted from `from` on, which is in line
 * 1.
 */
export function lineOf(text: string, at: number, from = 0): number {
  let line = 1
  for (let index = from; index < at; index++) {
    const unit = text.charCodeAt(index)
    if (unit === 0x0a || (unit === 0x0d && text.charCodeAt(index + 1) !== 0x0a)) line++
  }
  return line
}
