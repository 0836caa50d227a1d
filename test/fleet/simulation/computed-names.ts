import { compareKeys } from '../../../src/core/key-order.ts'
import type { Probe } from '../../../src/fleet/probe.ts'
import { random } from '../shapes.ts'

/** A page as positions in the order of all names. */
export interface RankedPage {
  readonly begin: number
  readonly end: number
  readonly last: string | undefined
  readonly isEnd: boolean
}

/** A listing of any number of names, which are computed from their positions: it needs no memory for a name. */
export class ComputedNames implements Probe {
  readonly count: number
  /** Requests by `page`, which are those of splits. */
  requests = 0
  readonly #nameAt: (rank: number) => string

  constructor(count: number, nameAt: (rank: number) => string) {
    this.count = count
    this.#nameAt = nameAt
  }

  async page(after: string | undefined, until: string | undefined, limit: number): Promise<readonly string[]> {
    this.requests++
    const { begin, end } = this.ranked(after, until, limit)
    return Array.from({ length: end - begin }, (_, index) => this.#nameAt(begin + index))
  }

  /** Returns the same page by the positions of its names. */
  ranked(after: string | undefined, until: string | undefined, limit: number): RankedPage {
    const begin = after === undefined ? 0 : this.#rank(after, true)
    const stop = until === undefined ? this.count : this.#rank(until, false)
    const end = Math.max(begin, Math.min(stop, begin + limit))
    return { begin, end, last: end > begin ? this.#nameAt(end - 1) : undefined, isEnd: end >= stop }
  }

  /** Returns the number of names before a key; with `isAfter` the key itself counts as well. */
  #rank(key: string, isAfter: boolean): number {
    let [low, high] = [0, this.count]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const order = compareKeys(this.#nameAt(middle), key)
      if (order < 0 || (isAfter && order === 0)) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Returns the name of a position among `count` evenly spread, irregular numbers of 13 hexadecimal digits. */
function hex(rank: number, count: number): string {
  const jitter = (Math.imul(rank ^ (rank >>> 15), 0x2c1b3c6d) >>> 0) / 2 ** 32
  return Math.floor(((rank + jitter) / count) * 2 ** 52)
    .toString(16)
    .padStart(13, '0')
}

/** Folders with given numbers of files, in the order of their names. */
function foldered(folders: ReadonlyArray<readonly [name: string, size: number]>): ComputedNames {
  const ends: number[] = []
  let count = 0
  for (const [, size] of folders) ends.push((count += size))
  return new ComputedNames(count, rank => {
    let [low, high] = [0, ends.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (ends[middle]! <= rank) low = middle + 1
      else high = middle
    }
    const [name, size] = folders[low]!
    return `${name}/${hex(rank - (ends[low]! - size), size)}`
  })
}

/** Large listings by the shape of their names. */
export const LISTINGS: Readonly<Record<string, (count: number) => ComputedNames>> = {
  'uniform hexadecimal': count => new ComputedNames(count, rank => hex(rank, count)),
  'dates by Zipf': count => {
    const next = random(11)
    const days = 1826
    const order = Array.from({ length: days }, (_, index) => ({ rank: index + 1, at: next() })).sort(
      (a, b) => a.at - b.at,
    )
    const harmonic = order.reduce((sum, { rank }) => sum + 1 / rank, 0)
    return foldered(
      order.map(({ rank }, day) => [
        new Date(Date.UTC(2019, 0, 1 + day)).toISOString().slice(0, 10).replaceAll('-', '/'),
        Math.ceil(count / harmonic / rank),
      ]),
    )
  },
  'one giant among 1,000 folders': count =>
    foldered(
      Array.from({ length: 1000 }, (_, index) => [
        `folder-${String(index).padStart(4, '0')}`,
        index === 617 ? count - 999 * 50 : 50,
      ]),
    ),
}
