/** Code units from here on are surrogates or higher: their UTF-16 order differs from the order of their UTF-8 bytes. */
const FIRST_SURROGATE = 0xd800
const LAST_SURROGATE = 0xdfff

/**
 * Compares two keys by their UTF-8 bytes, the order of listings: negative, 0 or positive. JavaScript's order of strings differs for
 * characters beyond U+FFFF, which it sorts before U+E000.
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
  // The engine's own sort is several times as fast, and correct for all other names.
  return keys.some(key => /[\ud800-\uffff]/.test(key)) ? keys.sort(compareKeys) : keys.sort()
}

function isSurrogate(unit: number): boolean {
  return unit >= FIRST_SURROGATE && unit <= LAST_SURROGATE
}

/** Returns the later of two keys, where both are set. */
export function laterKey(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return compareKeys(a, b) > 0 ? a : b
}

/**
 * Returns the part of `after` below a folder's prefix: '' where the whole folder comes after it, undefined where nothing of the folder
 * does.
 */
export function restBelow(prefix: string, after: string | undefined): string | undefined {
  if (after === undefined || compareKeys(after, prefix) <= 0) return ''
  return after.startsWith(prefix) ? after.slice(prefix.length) : undefined
}

/** Returns the first component of a path with its slash, if it has one, and the rest. */
export function firstStep(path: string): { readonly step: string; readonly rest: string | undefined } {
  const slash = path.indexOf('/')
  return slash < 0 ? { step: path, rest: undefined } : { step: path.slice(0, slash + 1), rest: path.slice(slash + 1) }
}
