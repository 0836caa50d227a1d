/** Number of items that are read ahead: a page of a listing. */
const AHEAD = 1000

/** Returns the same items, read ahead: while a page is processed, the service prepares the next one. */
export async function* ahead<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]()
  let ready: T[] = []
  let isOver = false
  let failure: { readonly error: unknown } | undefined
  let taking: Promise<void> | undefined
  const take = async (): Promise<void> => {
    try {
      while (ready.length < AHEAD && !isOver) {
        const next = await iterator.next()
        if (next.done === true) isOver = true
        else ready.push(next.value)
      }
    } catch (error) {
      failure = { error }
      isOver = true
    }
  }
  const begin = (): void => {
    if (isOver || taking !== undefined) return
    taking = take().finally(() => {
      taking = undefined
    })
  }
  try {
    while (!isOver || ready.length > 0) {
      begin()
      if (ready.length === 0) await taking
      const batch = ready
      ready = []
      // The item is replaced while it is processed.
      begin()
      yield* batch
    }
    if (failure !== undefined) throw (failure as { readonly error: unknown }).error
  } finally {
    await taking
    await iterator.return?.()
  }
}
