import { setImmediate } from 'node:timers/promises'

interface Event {
  readonly at: number
  readonly wake: () => void
}

/** A clock that jumps to the next event when all work at the present time is done. */
export class VirtualTime {
  /** Milliseconds since the begin. */
  now = 0
  /** A binary heap: the earliest event is first. */
  readonly #events: Event[] = []

  sleep(ms: number): Promise<void> {
    return new Promise(resolve => this.#push({ at: this.now + Math.max(0, ms), wake: resolve }))
  }

  /** Runs until there are no events. */
  async run(): Promise<void> {
    await setImmediate()
    while (this.#events.length > 0) {
      this.now = this.#events[0]!.at
      while (this.#events[0]?.at === this.now) this.#pop().wake()
      await setImmediate()
    }
  }

  #push(event: Event): void {
    const events = this.#events
    let at = events.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (events[parent]!.at <= event.at) break
      events[at] = events[parent]!
      at = parent
    }
    events[at] = event
  }

  #pop(): Event {
    const events = this.#events
    const first = events[0]!
    const last = events.pop()!
    if (events.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= events.length) break
      if (child + 1 < events.length && events[child + 1]!.at < events[child]!.at) child++
      if (events[child]!.at >= last.at) break
      events[at] = events[child]!
      at = child
    }
    events[at] = last
    return first
  }
}
