/** How much runs at once, and what a failure ends. */
export interface ParallelOptions {
  /** Items under way at once. */
  readonly limit: number
  /** When it fires, no more items are taken, and its reason is thrown when what is under way has ended. */
  readonly signal?: AbortSignal | undefined
  /** Called once with the first failure, so that what is under way, or the source of the items, can be ended early. */
  readonly stop?: ((reason: unknown) => void) | undefined
}

type Items<I> = Iterable<I> | AsyncIterable<I>

/**
 * Calls `work` for every item, at most `limit` at a time. The first failure, of the work or of the items, stops the taking of more items; it
 * is thrown when what is under way has ended and the items' iterator was closed.
 */
export async function forEachParallel<I>(
  items: Items<I>,
  options: ParallelOptions,
  work: (item: I, index: number) => Promise<unknown>,
): Promise<void> {
  const { limit, signal, stop } = options
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  const running = new Set<Promise<void>>()
  let failure: { readonly error: unknown } | undefined
  const fail = (error: unknown): void => {
    if (failure !== undefined) return
    failure = { error }
    stop?.(error)
  }
  let count = 0
  let over = false
  // A function of its own, so that no item is referenced from here while its work runs.
  const startNext = async (): Promise<boolean> => {
    signal?.throwIfAborted()
    const next = await iterator.next()
    over = next.done === true
    if (next.done === true || failure !== undefined) return false
    const job: Promise<void> = work(next.value, count++)
      .then(() => undefined, fail)
      .finally(() => running.delete(job))
    running.add(job)
    return true
  }
  try {
    while (await startNext()) if (running.size >= limit) await Promise.race(running)
  } catch (error) {
    fail(error)
  }
  await Promise.all(running)
  if (!over) await iterator.return?.()
  if (failure !== undefined) throw failure.error
}

/** Calls `work` as `forEachParallel` does; returns what it gave, in the order of the items. */
export async function mapParallel<I, R>(
  items: Items<I>,
  options: ParallelOptions,
  work: (item: I, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  await forEachParallel(items, options, async (item, index) => {
    results[index] = await work(item, index)
  })
  return results
}
