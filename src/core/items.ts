import { abortable } from './abort.ts'
import { sourceError } from './errors.ts'

/**
 * The items of an iterable of the caller's, one after the other. An abort ends the waiting for one with the signal's reason, and what the
 * iterable throws is a `source_failed` that names `what`. An iterable that is given up is ended, which nothing waits for: it may hang.
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

/** Text is an iterable of its characters, too. */
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
    // The iterable is given up, whatever it says.
  }
}

/** The next item; see `itemsOf`. */
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
