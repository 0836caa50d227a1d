/** Wakes those who wait for a change. */
export class Bell {
  #waiting = new Set<() => void>()
  /** Number of rings. */
  rings = 0

  ring(): void {
    this.rings++
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const wake of waiting) wake()
  }

  /** Waits for a ring that is not among those heard, at most for this time in milliseconds. */
  async wait(ms: number, heard: number = this.rings): Promise<void> {
    if (heard !== this.rings) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(() => {
        this.#waiting.delete(wake)
        resolve()
      }, ms)
      const wake = (): void => {
        clearTimeout(timer)
        resolve()
      }
      this.#waiting.add(wake)
    })
  }
}
