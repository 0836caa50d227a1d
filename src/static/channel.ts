/** What one side sends and the other goes through; sending never waits. */
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

  /** Ends the channel; an error is thrown behind the items. */
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
