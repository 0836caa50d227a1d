/** Wakes those who wait for a change. */
export class Bell {
  #waiting = new Set<() => void>()

  ring(): void {
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const wake of waiting) wake()
  }

  /** Waits for a ring, at most for this time in milliseconds. */
  async wait(ms: number): Promise<void> {
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
