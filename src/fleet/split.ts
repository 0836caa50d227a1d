import { compareKeys } from '../core/key-order.ts'
import type { KeyRange, Probe } from './probe.ts'
import { LAST } from './separator.ts'
import { type Cut, Sketch } from './sketch.ts'

const MAX_REQUESTS = 40
/** No part of the range about which nothing is known has more than this share of the names. */
const MAX_GAP = 1 / 16

/** Options of `splitKey`. */
export interface SplitOptions {
  /** Names in a page of the service, the `limit` of each request. Default: 1000. */
  readonly limit?: number | undefined
  /** Maximum number of requests. Default: 40. */
  readonly maxRequests?: number | undefined
  /** Number of names that each part is to have, about; a smaller range is not divided. Default: `limit`. */
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
  const { limit = 1000, minNames = limit, maxRequests = MAX_REQUESTS } = options
  const sketch = await Sketch.of(probe, range, limit)
  await reachEnd(sketch, maxRequests / 2)
  // The last request is for the place of the key.
  while (sketch.requests < maxRequests - 1 && (await sketch.refine(MAX_GAP)));
  if (sketch.requests < maxRequests) await sketch.readMiddle()
  const { cuts, total } = sketch.cuts()
  return middleOf(cuts, total, minNames)
}

/** Returns the lower and the upper part of a range. */
export function splitRange(range: KeyRange, key: string): readonly [lower: KeyRange, upper: KeyRange] {
  return [
    { ...range, until: key },
    { ...range, after: key },
  ]
}

/** Returns the cut that is closest to equal parts, with about `minNames` on both sides. */
function middleOf(cuts: readonly Cut[], total: number, minNames: number): string | undefined {
  if (total < 2 * minNames) return undefined
  let best: Cut | undefined
  for (const cut of cuts) {
    if (Math.min(cut.before, total - cut.before) < minNames / 2) continue
    if (best === undefined || Math.abs(cut.before - total / 2) < Math.abs(best.before - total / 2)) best = cut
  }
  return best?.key
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
