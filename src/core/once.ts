import { never, onAbort } from './abort.ts'

/** A caller that waits for a shared attempt. */
export interface Waiter {
  /** Ends the waiting, and the attempt when nobody else waits for it. */
  readonly signal?: AbortSignal | undefined
  /** Called when the attempt made progress. */
  progress?(): void
}

/** What a shared attempt runs under. */
export interface SharedContext {
  /** Fires when nobody waits any more. */
  readonly signal: AbortSignal
  /** Reports progress to all who wait. */
  progress(): void
}

interface Attempt<T> {
  readonly promise: Promise<T>
  readonly controller: AbortController
  readonly waiters: Set<Waiter>
}

/**
 * A value that is made at first use, once for all callers. Those who come meanwhile wait for the same attempt; one that stops waiting does
 * not end it for the others. A failed attempt is not remembered: the next caller starts a new one.
 *
 * @example
 * const token = new Once<string>()
 * const text = token.value ?? (await token.get(ctx, shared => load({ ...ctx, ...shared })))
 */
export class Once<T> {
  #made: { readonly value: T } | undefined
  #attempt: Attempt<T> | undefined

  /** The value; undefined before an attempt succeeded. */
  get value(): T | undefined {
    return this.#made?.value
  }

  /** Whether an attempt succeeded. */
  get done(): boolean {
    return this.#made !== undefined
  }

  /** Discards the value, so that the next caller makes it again. */
  forget(): void {
    this.#made = undefined
  }

  /** Returns the value, or makes it by `work` or by the attempt under way. Throws the waiter's abort reason as soon as its signal fires. */
  async get(waiter: Waiter, work: (shared: SharedContext) => Promise<T>): Promise<T> {
    const { signal = never() } = waiter
    for (;;) {
      signal.throwIfAborted()
      if (this.#made !== undefined) return this.#made.value
      const attempt = (this.#attempt ??= this.#begin(work))
      if (!attempt.controller.signal.aborted) return wait(attempt, waiter, signal)
      // Abandoned, but it may still be cleaning up behind itself.
      await settled(attempt.promise, signal)
    }
  }

  #begin(work: (shared: SharedContext) => Promise<T>): Attempt<T> {
    const controller = new AbortController()
    const waiters = new Set<Waiter>()
    const progress = (): void => {
      for (const waiter of waiters) waiter.progress?.()
    }
    const end = (): void => {
      this.#attempt = undefined
    }
    const promise = Promise.resolve(work({ signal: controller.signal, progress })).then(
      value => {
        end()
        this.#made = { value }
        return value
      },
      error => {
        end()
        throw error
      },
    )
    return { promise, controller, waiters }
  }
}

/** The outcome of an attempt, for as long as the waiter waits. */
function wait<T>({ promise, controller, waiters }: Attempt<T>, waiter: Waiter, signal: AbortSignal): Promise<T> {
  // A waiter may be given twice.
  const own: Waiter = { progress: () => waiter.progress?.() }
  waiters.add(own)
  return new Promise((resolve, reject) => {
    const unlink = onAbort(signal, () => {
      leave()
      if (waiters.size === 0) controller.abort(signal.reason)
      reject(signal.reason)
    })
    const leave = (): void => {
      unlink()
      waiters.delete(own)
    }
    promise.finally(leave).then(resolve, reject)
  })
}

/** Waits until work is over, however it ends. */
function settled(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const unlink = onAbort(signal, () => {
      unlink()
      reject(signal.reason)
    })
    const over = (): void => {
      unlink()
      resolve()
    }
    work.then(over, over)
  })
}
