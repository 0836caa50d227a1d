/** Options of reading items ahead. */
export interface AheadOptions<T> {
  /** Maximum number of items that are held. */
  readonly limit: number
  /** Called for each item as it is read. */
  readonly onItem: (item: T) => void
  /** Called when there are no more items. */
  readonly onEnd: () => void
}

/**
 * Yields the items in their order and reads up to `limit` of them ahead, so that their number is known before they are processed. An error
 * of the items is thrown after the items that came before it. If the caller stops early, the source is closed.
 */
export async function* readAhead<T>(items: AsyncIterable<T>, options: AheadOptions<T>): AsyncGenerator<T, void> {
  const { limit, onItem, onEnd } = options
  const held: T[] = []
  let isOver = false
  let isStopped = false
  let failure: { readonly error: unknown } | undefined
  let changed = Promise.withResolvers<void>()
  const notify = (): void => {
    changed.resolve()
    changed = Promise.withResolvers<void>()
  }
  const read = async (): Promise<void> => {
    try {
      for await (const item of items) {
        held.push(item)
        onItem(item)
        notify()
        while (held.length >= limit && !isStopped) await changed.promise
        if (isStopped) return
      }
      onEnd()
    } catch (error) {
      failure = { error }
    } finally {
      isOver = true
      notify()
    }
  }
  const reading = read()
  try {
    for (;;) {
      while (held.length === 0 && !isOver) await changed.promise
      if (held.length === 0) break
      const item = held.shift()!
      notify()
      yield item
    }
  } finally {
    isStopped = true
    notify()
    await reading
  }
  if (failure !== undefined) throw failure.error
}
