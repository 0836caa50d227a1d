import { Readable } from 'node:stream'

/**
 * Waits for work only as long as the signal lets it: then the signal's reason is thrown at once, also when the work never
 * ends. What the work still gives after that is handed to `release`, since nobody else will.
 */
export function abortable<T>(
  work: Promise<T>,
  signal: AbortSignal,
  release: (late: T) => unknown = () => undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason)
      work.then(release).catch(() => undefined)
    }
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    const over = (): void => signal.removeEventListener('abort', abort)
    work.then(
      result => {
        over()
        resolve(result)
      },
      error => {
        over()
        reject(error)
      },
    )
  })
}

/** Frees what a call gave that nobody waits for any more: an open body, or an open file. */
export function release(result: unknown): void {
  const { body, discard } = (result ?? {}) as { body?: unknown; discard?: unknown }
  if (body instanceof Readable) body.on('error', () => undefined).destroy()
  else if (typeof discard === 'function') discard.call(result)
}
