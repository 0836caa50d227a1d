import type { KeyRange, Probe } from './probe.ts'
import { type SplitOptions, splitKey, splitKeys, splitRange } from './split.ts'

/** Ranges for each worker: while one is being split, another one is listed. */
const RANGES_PER_WORKER = 2
/** Ranges at the begin. The others come from splits, which then run in parallel. */
const FIRST_RANGES = 16
/** Pages that both parts of a split have together, at least: a split costs up to 40 requests. */
const MIN_PAGES = 8
/** Pages that are listed before the first split, so that a small folder is never probed. */
const PAGES_BEFORE_SPLIT = 2
/** After this number of refused splits in a row, the wait grows no more: 2 x 2^10 pages. */
const MOST_REFUSALS = 10

/** Returns the number of ranges that are to be open at a time. */
export function wantedRanges(workers: number): number {
  return RANGES_PER_WORKER * Math.max(1, workers)
}

/** What a list job knows when it has listed a page. */
export interface RangeProgress {
  /** Ranges that are not finished, this one included. */
  readonly open: number
  /** Workers that are alive. */
  readonly workers: number
  /** Pages of this range that were listed since its begin, or since its last split or refusal. */
  readonly pages: number
  /** Number of times in a row that the range was too small to be split. */
  readonly refusals: number
}

/**
 * Whether a list job splits its range now. After each refusal it waits twice as many pages. Jobs that count at the same time may all split,
 * so there are never more than twice the wanted ranges.
 */
export function isSplitDue({ open, workers, pages, refusals }: RangeProgress): boolean {
  return open < wantedRanges(workers) && pages >= PAGES_BEFORE_SPLIT * 2 ** Math.min(refusals, MOST_REFUSALS)
}

/** The two parts of a range that was split. */
export interface Division {
  /** The lower part, which the job continues: its checkpoint is valid there. */
  readonly kept: KeyRange
  /** The upper part, for another job. */
  readonly given: KeyRange
}

/**
 * Divides what is left of a range, `{ after: checkpoint, until }`; undefined if it has fewer than about 8 pages, which is a refusal. `limit` is
 * the page size of the service.
 */
export async function divide(probe: Probe, rest: KeyRange, limit: number): Promise<Division | undefined> {
  const key = await splitKey(probe, rest, optionsFor(limit))
  if (key === undefined) return undefined
  const [kept, given] = splitRange(rest, key)
  return { kept, given }
}

/** Returns the ranges at the begin, in order: together they have all names, and none has a name of another. */
export async function firstRanges(
  probe: Probe,
  workers: number,
  limit: number,
  whole: KeyRange = {},
): Promise<readonly KeyRange[]> {
  const parts = Math.min(wantedRanges(workers), FIRST_RANGES)
  const keys = await splitKeys(probe, whole, parts, optionsFor(limit))
  const ranges: KeyRange[] = []
  let rest = whole
  for (const key of keys) {
    const [lower, upper] = splitRange(rest, key)
    ranges.push(lower)
    rest = upper
  }
  return [...ranges, rest]
}

function optionsFor(limit: number): SplitOptions {
  return { limit, minNames: (MIN_PAGES / 2) * limit }
}
