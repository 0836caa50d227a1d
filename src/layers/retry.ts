import { setTimeout as sleep } from 'node:timers/promises'
import type { CallContext } from '../core/call.ts'
import { abortedError, isStorageError, StorageError, withOutcome } from '../core/errors.ts'
import type { Call, Layer } from './layer.ts'

/** Options of retries. */
export interface RetryOptions {
  /** Maximum number of attempts, including the first one. */
  readonly maxAttempts: number
  /** Base of the backoff in milliseconds; the wait before attempt n+1 is random below `baseMs * 2^n`. */
  readonly baseMs?: number
  /** Maximum wait in milliseconds, also for a wait that the server requests. */
  readonly capMs?: number
  /** Returns a random number in [0, 1). */
  readonly random?: () => number
}

/**
 * Repeats a repeatable call after a retryable error: full jitter, capped, `Retry-After` honoured. The outcome of the last error covers all
 * attempts together. An error that was already retried inside is not retried again.
 */
export function retry(options: RetryOptions): Layer {
  const { maxAttempts, baseMs = 100, capMs = 20_000, random = Math.random } = options
  const exhausted = new WeakSet<object>()
  const again = async <T>(
    call: Call,
    error: unknown,
    next: (ctx: CallContext) => Promise<T>,
    ctx: CallContext,
  ): Promise<T> => {
    let last = error
    for (let attempt = 2; attempt <= maxAttempts; attempt++) {
      if (!isStorageError(last) || !last.retryable || exhausted.has(last)) throw last
      if (call.repeat === 'if_not_applied' && last.outcome !== 'not_applied') throw last
      const wait = waitMs(attempt - 1, last.retryAfterMs, { baseMs, capMs, random })
      await sleep(wait, undefined, { signal: ctx.signal }).catch(() => undefined)
      if (ctx.signal.aborted) throw givenUp(call, last, ctx.signal)
      ctx.progress()
      call.attempt = attempt
      try {
        return await next({ ...ctx, attempt })
      } catch (failure) {
        last = withOutcome(failure, last.outcome)
      }
    }
    if (last instanceof StorageError) exhausted.add(last)
    throw last
  }
  return (call, next, ctx) =>
    call.repeat !== false && maxAttempts > 1 ? next(ctx).catch(error => again(call, error, next, ctx)) : next(ctx)
}

/**
 * Returns the milliseconds to wait after `failures` failed attempts: random up to a bound that doubles, and no less than the server
 * requested.
 */
export function waitMs(
  failures: number,
  askedMs: number | undefined,
  { baseMs, capMs, random }: Required<Omit<RetryOptions, 'maxAttempts'>>,
): number {
  const jittered = Math.min(capMs, baseMs * 2 ** failures) * random()
  return Math.max(jittered, Math.min(askedMs ?? 0, capMs))
}

/** Returns the error of a call that was aborted while it waited for its next attempt; its outcome is that of the last attempt. */
function givenUp({ operation, fileName, backend }: Call, last: StorageError, signal: AbortSignal): StorageError {
  return abortedError({ operation, fileName, backend, outcome: last.outcome }, signal.reason)
}
