import { never, onAbort } from './abort.ts'

/** A caller that waits for a shared attempt. */
export interface Waiter {
  /** Ends the wait, and also the attempt if no other caller waits for it. */
  readonly signal?: AbortSignal | undefined
  /** Called when the attempt made progress. */
  progress?(): void
}

/** The context of a shared attempt. */
export interface SharedContext {
  /** Fires when no caller waits any more. */
  readonly signal: AbortSignal
  /** Reports progress to all waiting callers. */
  progress(): void
}

interface Attempt<T> {
  readonly promise: Promise<T>
  readonly controller: AbortController
  readonly waiters: Set<Waiter>
}

/**
 * A value that is made once, at its first use, for all callers. Callers that arrive meanwhile wait for the same attempt; one that stops
 * waiting does not end it for the others. A failed attempt is not remembered: the next caller starts a new one.
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

  /**
   * Returns the value, or makes it by `work` or by the attempt in progress. Throws the waiter's abort reason as soon as its signal fires.
   */
  async get(waiter: Waiter, work: (shared: SharedContext) => Promise<T>): Promise<T> {
    const { signal = never() } = waiter
    for (;;) {
      signal.throwIfAborted()
      if (this.#made !== undefined) return this.#made.value
      const attempt = (this.#attempt ??= this.#begin(work))
      if (!attempt.controller.signal.aborted) return wait(attempt, waiter, signal)
      // Abandoned, but it may still be cleaning up.
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

/** Returns the result of an attempt, while the waiter waits. */
function wait<T>({ promise, controller, waiters }: Attempt<T>, waiter: Waiter, signal: AbortSignal): Promise<T> {
  // The same waiter may be passed twice.
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

/** Waits until work has ended, with or without an error. */
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
