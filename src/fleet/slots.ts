import { onAbort } from '../core/abort.ts'
import type { Pair } from '../transfer/migrate/pairs.ts'

/** A number of slots that are shared, in the order of the requests: files in parallel over all pages of a worker. */
export class Slots {
  readonly #waiting = new Set<() => void>()
  #free: number

  constructor(count: number) {
    this.#free = count
  }

  /** Waits for a slot. The signal's reason is thrown when it fires. */
  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#free > 0) {
      this.#free--
      return
    }
    await new Promise<void>((resolve, reject) => {
      const give = (): void => {
        stay()
        resolve()
      }
      const stay = onAbort(signal, () => {
        stay()
        this.#waiting.delete(give)
        reject(signal.reason)
      })
      this.#waiting.add(give)
    })
  }

  free(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free++
      return
    }
    this.#waiting.delete(next)
    next()
  }
}

/** Takes one slot for each pair of a page, and frees it when the pair is processed. */
export class PairSlots {
  readonly #slots: Slots
  readonly #signal: AbortSignal
  #taken = 0

  constructor(slots: Slots, signal: AbortSignal) {
    this.#slots = slots
    this.#signal = signal
  }

  async *pairs(pairs: AsyncIterable<Pair>): AsyncGenerator<Pair> {
    for await (const pair of pairs) {
      await this.#slots.take(this.#signal)
      this.#taken++
      yield pair
    }
  }

  settled(): void {
    this.#taken--
    this.#slots.free()
  }

  /** Frees the slots of pairs that were not processed. */
  end(): void {
    for (; this.#taken > 0; this.#taken--) this.#slots.free()
  }
}
