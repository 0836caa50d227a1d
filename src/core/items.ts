import { abortable } from './abort.ts'
import { sourceError } from './errors.ts'

/**
 * Returns the items of a caller's iterable one by one. An abort ends the wait for an item with the signal's reason. An error that the
 * iterable throws is a `source_failed` that names `what`. An abandoned iterable is closed without waiting for it, since it may hang.
 */
export async function* itemsOf<T>(
  source: Iterable<T> | AsyncIterable<T>,
  signal: AbortSignal,
  what: string,
): AsyncGenerator<T, void, undefined> {
  const items = iteratorOf(source, what)
  let over = false
  try {
    for (;;) {
      const { done, value } = await nextOf(items, signal, what)
      if (done === true) {
        over = true
        return
      }
      yield value
    }
  } finally {
    if (!over) void end(items)
  }
}

/** A string is an iterable of its characters, too. */
function iteratorOf<T>(source: Iterable<T> | AsyncIterable<T>, what: string): Iterator<T> | AsyncIterator<T> {
  try {
    return typeof source === 'object' && Symbol.asyncIterator in source
      ? source[Symbol.asyncIterator]()
      : (source as Iterable<T>)[Symbol.iterator]()
  } catch (error) {
    throw sourceError(error, what)
  }
}

async function end(items: Iterator<unknown> | AsyncIterator<unknown>): Promise<void> {
  try {
    await items.return?.()
  } catch {
    // The iterable is abandoned, whatever its result.
  }
}

/** Returns the next item; see `itemsOf`. */
export async function nextOf<T>(
  items: Iterator<T> | AsyncIterator<T>,
  signal: AbortSignal,
  what: string,
): Promise<IteratorResult<T>> {
  try {
    return await abortable(Promise.resolve(items.next()), signal)
  } catch (error) {
    throw signal.aborted ? error : sourceError(error, what)
  }
}
