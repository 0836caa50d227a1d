import { Readable } from 'node:stream'

/**
 * Waits for work only as long as the signal lets it: then the signal's reason is thrown at once, also when the work never
 * ends. What the work still gives after that is handed to `release`, since nobody else will.
 */
export async function abortable<T>(
  work: Promise<T>,
  signal: AbortSignal,
  release: (late: T) => unknown = () => undefined,
): Promise<T> {
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([ended, work])
  } catch (error) {
    if (signal.aborted) work.then(release).catch(() => undefined)
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Frees what a call gave that nobody waits for any more: an open body, or an open file. */
export function release(result: unknown): void {
  const { body, discard } = (result ?? {}) as { body?: unknown; discard?: unknown }
  if (body instanceof Readable) body.on('error', () => undefined).destroy()
  else if (typeof discard === 'function') discard.call(result)
}
