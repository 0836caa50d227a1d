/** A queue: one side sends items, the other iterates over them. Sending never waits. */
export class Channel<T> implements AsyncIterable<T> {
  #items: T[] = []
  #isOver = false
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  /** Adds an item. */
  send(item: T): void {
    this.#items.push(item)
    this.#wake?.()
  }

  /** Ends the channel; an error is thrown after the items. */
  end(failure?: { readonly error: unknown }): void {
    this.#isOver = true
    this.#failure = failure
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const items = this.#items
      this.#items = []
      yield* items
      if (this.#items.length > 0) continue
      if (this.#isOver) break
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
