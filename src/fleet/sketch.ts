import { compareKeys } from '../core/key-order.ts'
import { KeySpace } from './key-space.ts'
import type { KeyRange, Probe } from './probe.ts'
import { LAST, separatorOf } from './separator.ts'

/** A page, for the density of names around it: `count` names in the stretch from `from` to `to`. */
interface Density {
  readonly from: string
  readonly to: string
  readonly count: number
}

/** A string between two names, with the number of names before it in its stretch. */
export interface Mark {
  readonly key: string
  readonly before: number
}

/** A stretch of which all names were counted: those after `from`, up to `to`. */
interface Stretch {
  readonly from: string
  readonly to: string
  readonly count: number
  /** The density at its begin and at its end. */
  readonly head: Density | undefined
  readonly tail: Density | undefined
  readonly marks: readonly Mark[]
}

/** The names between two stretches, of which the number is an estimate. */
interface Gap {
  /** Index of the stretch before it. */
  readonly index: number
  readonly low: bigint
  readonly high: bigint
  readonly names: number
}

/** A mark, and an estimate of the names before it. */
export interface Cut {
  readonly key: string
  readonly before: number
}

/** Marks in a page. */
const MARKS = 8
/** No estimate is larger. */
const MOST = 1e12
/** Above the position of each name. */
const END = 1n << 1024n

/** What some requests show of the names in a range: stretches that are known exactly, and estimates of the gaps between them. */
export class Sketch {
  /** Requests so far. */
  requests = 0
  readonly #probe: Probe
  readonly #range: KeyRange
  readonly #limit: number
  readonly #space = new KeySpace()
  /** In order, without overlap. The last one begins where the last names end. */
  #stretches: Stretch[] = []
  /** Gaps without a likely name inside, by the end of the stretch before them. */
  readonly #closed = new Set<string>()

  private constructor(probe: Probe, range: KeyRange, limit: number) {
    this.#probe = probe
    this.#range = range
    this.#limit = limit
  }

  /** Reads the first page. */
  static async of(probe: Probe, range: KeyRange, limit: number): Promise<Sketch> {
    const sketch = new Sketch(probe, range, limit)
    const end = range.until ?? LAST
    sketch.#stretches = [{ from: end, to: end, count: 0, head: undefined, tail: undefined, marks: [] }]
    await sketch.#read(range.after ?? '', 0)
    return sketch
  }

  /** The last name that is known. */
  get last(): string {
    return this.#stretches.at(-2)?.to ?? ''
  }

  /** Whether there are names after `key`; costs a request unless that is known. */
  async hasAfter(key: string): Promise<boolean> {
    const end = this.#stretches.length - 1
    if (compareKeys(key, this.#stretches[end]!.from) >= 0) return false
    const last = this.#stretches[end - 1]
    if (last !== undefined && compareKeys(key, last.to) < 0) return true
    return (await this.#read(key, end)) > 0
  }

  /** Reads a page in the middle of the largest gap; false if no gap has more than a share of all names. */
  async refine(share: number): Promise<boolean> {
    const { gaps, total } = this.#estimate()
    const open = gaps.filter(({ index }) => !this.#closed.has(this.#stretches[index]!.to))
    const gap = open.reduce((a, b) => (b.names > a.names ? b : a), { names: 0 } as Gap)
    if (gap.names <= share * total) return false
    await this.#readAt(gap, (gap.low + gap.high) >> 1n)
    return true
  }

  /** Reads a page where a number of names is estimated to be before, unless that is within a known stretch. */
  async readNear(names: number): Promise<boolean> {
    const { gaps, starts } = this.#estimate()
    const gap = gaps.findLast(({ index }) => starts[index]! + this.#stretches[index]!.count < names)
    if (gap === undefined) return false
    const into = names - starts[gap.index]! - this.#stretches[gap.index]!.count
    if (into >= gap.names || this.#closed.has(this.#stretches[gap.index]!.to)) return false
    const share = BigInt(Math.round((into / gap.names) * 2 ** 30))
    await this.#readAt(gap, gap.low + (((gap.high - gap.low) * share) >> 30n))
    return true
  }

  /** Returns all marks in order, with the estimate of the names before each, and of all names. */
  cuts(): { readonly cuts: readonly Cut[]; readonly total: number } {
    const { starts, total } = this.#estimate()
    const cuts = this.#stretches.flatMap(({ marks }, index) =>
      marks.map(({ key, before }) => ({ key, before: starts[index]! + before })),
    )
    return { cuts, total }
  }

  async #readAt(gap: Gap, goal: bigint): Promise<void> {
    const { to } = this.#stretches[gap.index]!
    const next = this.#stretches[gap.index + 1]!
    const key = this.#space.nameAt(gap.low, goal)
    if (key === undefined || compareKeys(key, to) <= 0 || compareKeys(key, next.from) >= 0) this.#closed.add(to)
    else await this.#read(key, gap.index + 1)
  }

  /** Reads the page after `from`, which is in the gap before a stretch; returns the number of names. */
  async #read(from: string, index: number): Promise<number> {
    const next = this.#stretches[index]!
    this.requests++
    const { after } = this.#range
    const names = await this.#probe.page(
      from === '' ? after : from,
      next.from === LAST ? undefined : next.from,
      this.#limit,
    )
    this.#space.learn(names)
    const count = names.length
    if (count >= this.#limit) {
      const half = count >> 1
      const [middle, to] = [names[half]!, names.at(-1)!]
      const head = { from, to: middle, count: half + 1 }
      const tail = { from: middle, to, count: count - half - 1 }
      this.#stretches.splice(index, 0, { from, to, count, head, tail, marks: marksOf(names) })
      return count
    }
    const joined = next.marks.map(({ key, before }) => ({ key, before: before + count }))
    const stretch: Stretch = {
      from,
      to: next.to,
      count: count + next.count,
      head: joinedHead(from, count, next),
      tail: next.tail,
      marks: [...marksOf(names), ...joined],
    }
    this.#stretches[index] = stretch
    return count
  }

  #estimate(): { readonly gaps: readonly Gap[]; readonly starts: readonly number[]; readonly total: number } {
    const at = (key: string): bigint => (key === LAST ? END : this.#space.position(key))
    const gaps: Gap[] = []
    const starts: number[] = []
    let total = 0
    for (const [index, { to, count, tail }] of this.#stretches.entries()) {
      starts.push(total)
      total += count
      const next = this.#stretches[index + 1]
      if (next === undefined) break
      const [low, high] = [at(to), at(next.from)]
      const sides = [tail, next.head].filter(side => side !== undefined)
      const names = sides.map(side => namesIn(high - low, at(side.to) - at(side.from), side.count))
      const mean = names.reduce((a, b) => a + b, 0) / (names.length || 1)
      if (mean > 0) gaps.push({ index, low, high, names: mean })
      total += mean
    }
    return { gaps, starts, total }
  }
}

/** Returns the density of a few names and of what follows; undefined where nothing follows and there are no names. */
function joinedHead(from: string, count: number, next: Stretch): Density | undefined {
  if (next.head !== undefined) return { from, to: next.head.to, count: count + next.head.count }
  return count === 0 ? undefined : { from, to: next.from, count }
}

/** Returns the number of names in a stretch of this length, where `count` names have the length `known`. */
function namesIn(length: bigint, known: bigint, count: number): number {
  if (length <= 0n || count === 0) return 0
  const ratio = (length << 20n) / (known > 0n ? known : 1n)
  return Math.min((Number(ratio > 1n << 80n ? 1n << 80n : ratio) / 2 ** 20) * count, MOST)
}

/** Returns some strings between neighbours of a page. */
function marksOf(names: readonly string[]): Mark[] {
  const marks: Mark[] = []
  const step = Math.max(1, Math.floor((names.length - 1) / MARKS))
  for (let at = 1; at < names.length; at += step) {
    const key = separatorOf(names[at - 1]!, names[at]!)
    if (key !== undefined) marks.push({ key, before: at })
  }
  return marks
}
