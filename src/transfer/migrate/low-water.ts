import { Tally } from './tally.ts'

/** A key that is being processed. */
interface Open {
  readonly key: string
  /** The last key before it. */
  readonly before: string | undefined
  /** Number of pairs under the key that are being processed. */
  pairs: number
  /** Counts of the pairs under this key and of finished ones behind it. */
  readonly counts: Tally
}

/**
 * The position up to which every name is processed, while names behind it are already processed as well. Keys come in their order, and are
 * settled in any order. Memory grows with the keys in progress only.
 */
export class LowWater {
  /** Counts of the names up to the mark. */
  readonly counts: Tally
  #open: Open[] = []
  #last: string | undefined

  constructor(mark: string | undefined, counts: Tally) {
    this.#last = mark
    this.counts = counts
  }

  /** The last key before the first one in progress; undefined if there is none. */
  get mark(): string | undefined {
    const first = this.#open[0]
    return first === undefined ? this.#last : first.before
  }

  taken(key: string): void {
    const newest = this.#open.at(-1)
    if (newest?.key === key) {
      newest.pairs++
      return
    }
    if (newest?.pairs === 0) this.#close(this.#open.length - 1)
    this.#open.push({ key, before: this.#last, pairs: 1, counts: new Tally() })
    this.#last = key
  }

  settled(key: string, counts: Partial<Tally>): void {
    const at = this.#open.findIndex(open => open.key === key)
    const open = this.#open[at]!
    open.counts.add(counts)
    open.pairs--
    // Another pair of the last key may follow.
    if (open.pairs === 0 && key !== this.#last) this.#close(at)
  }

  /** All names have been taken and settled. */
  end(): void {
    while (this.#open.length > 0) this.#close(this.#open.length - 1)
  }

  #close(at: number): void {
    const [open] = this.#open.splice(at, 1)
    const into = at === 0 ? this.counts : this.#open[at - 1]!.counts
    into.add(open!.counts)
  }
}
