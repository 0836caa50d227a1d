/** The limit of parallel work, and how a failure ends it. */
export interface ParallelOptions {
  /** Maximum number of items in progress. */
  readonly limit: number
  /** When it fires, no more items are taken. Its reason is thrown after the items in progress have ended. */
  readonly signal?: AbortSignal | undefined
  /** Called once with the first failure, to end the items in progress or their source early. */
  readonly stop?: ((reason: unknown) => void) | undefined
}

type Items<I> = Iterable<I> | AsyncIterable<I>

/**
 * Calls `work` for every item, at most `limit` at a time. After the first failure, of the work or of the items, no more items are taken. It
 * is thrown after the items in progress have ended and the items' iterator was closed.
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
  // A separate function, so that no item is referenced from here while its work runs.
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

/** Calls `work` like `forEachParallel`; returns the results in the order of the items. */
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
