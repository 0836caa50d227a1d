import { compareKeys } from '../core/key-order.ts'
import type { KeyRange, Probe } from './probe.ts'
import { LAST } from './separator.ts'
import { type Cut, Sketch } from './sketch.ts'

/** Options of `splitKey`. */
export interface SplitOptions {
  /** Names in a page of the service, the `limit` of each request. Default: 1000. */
  readonly limit?: number | undefined
  /** Maximum number of requests. Default: 40, and 4 for each part above 2. */
  readonly maxRequests?: number | undefined
  /** Number of names that a part is to have, else there are fewer parts. Default: `limit`. */
  readonly minNames?: number | undefined
}

/**
 * Finds a key that divides a range into two halves with about equally many names; undefined if the range has fewer than two pages. The lower
 * half is `{ after, until: key }`, the upper half `{ after: key, until }`: see `splitRange`.
 *
 * No name is lost between the halves, although both exclude the key. It is a string between two names that follow each other in a page, so no
 * file has this name; and it ends in U+10FFFF, a noncharacter, so no file gets it later.
 */
export async function splitKey(probe: Probe, range: KeyRange, options: SplitOptions = {}): Promise<string | undefined> {
  return (await splitKeys(probe, range, 2, options))[0]
}

/** Returns up to `parts - 1` keys in order, which divide a range into parts with about equally many names; see `splitKey`. */
export async function splitKeys(
  probe: Probe,
  range: KeyRange,
  parts: number,
  options: SplitOptions = {},
): Promise<readonly string[]> {
  const { limit = 1000, minNames = limit, maxRequests = 32 + 4 * parts } = options
  const sketch = await Sketch.of(probe, range, limit)
  await reachEnd(sketch, maxRequests / 2)
  // The last requests are for the places of the keys.
  const reserve = Math.min(parts, maxRequests / 4)
  while (sketch.requests < maxRequests - reserve && (await sketch.refine(1 / (8 * parts))));
  for (let part = 1; part < parts && sketch.requests < maxRequests; part++) {
    await sketch.readNear((sketch.cuts().total * part) / parts)
  }
  const { cuts, total } = sketch.cuts()
  return keysAt(cuts, total, Math.min(parts, Math.floor(total / minNames)), minNames)
}

/** Returns the lower and the upper part of a range. */
export function splitRange(range: KeyRange, key: string): readonly [lower: KeyRange, upper: KeyRange] {
  return [
    { ...range, until: key },
    { ...range, after: key },
  ]
}

/** Returns the cuts that are closest to equal parts, each with at least half of `minNames` before and after it. */
function keysAt(cuts: readonly Cut[], total: number, parts: number, minNames: number): string[] {
  const keys: string[] = []
  let begin = 0
  for (let part = 1; part < parts; part++) {
    const goal = (total * part) / parts
    let best: Cut | undefined
    for (const cut of cuts) {
      if (cut.before - begin < minNames / 2 || total - cut.before < minNames / 2) continue
      if (best === undefined || Math.abs(cut.before - goal) < Math.abs(best.before - goal)) best = cut
    }
    if (best === undefined) break
    keys.push(best.key)
    begin = best.before
  }
  return keys
}

/** Thresholds that distinguish digits, capitals, hexadecimal digits, letters, ASCII, Latin to Hebrew, and the other characters. */
const CLASSES = [...'/9Zfz\u007f\u07ff\uffff'].map(char => char.charCodeAt(0))

/**
 * Reads pages until the last names are in sight: the first offset at which a later name differs from the last known one is found by
 * halves, then the last character there.
 */
async function reachEnd(sketch: Sketch, maxRequests: number): Promise<void> {
  const known = [...sketch.last]
  let [low, high] = [1, known.length]
  while (low < high && sketch.requests < maxRequests) {
    const middle = (low + high) >> 1
    if (await sketch.hasAfter(known.slice(0, middle).join('') + LAST)) high = middle
    else low = middle + 1
  }
  if (high === 0) return
  const before = known.slice(0, high - 1).join('')
  let end = 0x110000
  while (sketch.requests < maxRequests) {
    const last = sketch.last
    const char = last.startsWith(before) ? (last.codePointAt(before.length) ?? 0) : end
    if (char >= end - 1) return
    const choices = CLASSES.filter(limit => limit >= char && limit < end - 1)
    const middle = scalar(choices[choices.length >> 1] ?? (char + end - 1) >> 1)
    if (middle < char || middle >= end) return
    if (!(await sketch.hasAfter(before + String.fromCodePoint(middle) + LAST))) end = middle + 1
    else if (compareKeys(sketch.last, last) <= 0) return
  }
}

/** Returns a code point that is no surrogate. */
function scalar(char: number): number {
  return char >= 0xd800 && char < 0xe000 ? 0xd7ff : char
}
