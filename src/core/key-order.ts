/** Code units from here on are surrogates or lie above them: their UTF-16 order differs from the order of their UTF-8 bytes. */
const FIRST_SURROGATE = 0xd800
const LAST_SURROGATE = 0xdfff

/**
 * Compares two keys by their UTF-8 bytes, the order in which listings give them: negative, 0 or positive. Text order of JavaScript differs
 * for characters beyond U+FFFF, which stand before U+E000 there.
 */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)]
    if (x === y) continue
    const isPair = isSurrogate(x)
    return isPair === isSurrogate(y) ? x - y : isPair ? 1 : -1
  }
  return a.length - b.length
}

/** Sorts keys by their UTF-8 bytes, in place. */
export function sortKeys(keys: string[]): string[] {
  // The engine's own sort is several times as fast, and right for all other names.
  return keys.some(key => /[\ud800-\uffff]/.test(key)) ? keys.sort(compareKeys) : keys.sort()
}

function isSurrogate(unit: number): boolean {
  return unit >= FIRST_SURROGATE && unit <= LAST_SURROGATE
}

/** The later of two keys, where both are given. */
export function laterKey(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return compareKeys(a, b) > 0 ? a : b
}

/**
 * What is left of `after` below a folder's prefix: '' where the whole folder comes after it, undefined where nothing of the folder does.
 */
export function restBelow(prefix: string, after: string | undefined): string | undefined {
  if (after === undefined || compareKeys(after, prefix) <= 0) return ''
  return after.startsWith(prefix) ? after.slice(prefix.length) : undefined
}

/** The first component of a path with its slash, where it has one, and what follows it. */
export function firstStep(path: string): { readonly step: string; readonly rest: string | undefined } {
  const slash = path.indexOf('/')
  return slash < 0 ? { step: path, rest: undefined } : { step: path.slice(0, slash + 1), rest: path.slice(slash + 1) }
}
