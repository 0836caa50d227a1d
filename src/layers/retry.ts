import { setTimeout as sleep } from 'node:timers/promises'
import type { CallContext } from '../core/call.ts'
import { abortedError, isStorageError, StorageError, withOutcome } from '../core/errors.ts'
import type { Call, Layer } from './layer.ts'

/** How often and how patiently to try again. */
export interface RetryOptions {
  /** Tries in all, the first one included. */
  readonly maxAttempts: number
  /** Milliseconds; the wait before try n+1 is random below `baseMs * 2^n`. */
  readonly baseMs?: number
  /** Upper bound of a wait in milliseconds, also of one that the server asks for. */
  readonly capMs?: number
  /** Random number in [0, 1). */
  readonly random?: () => number
}

/**
 * Repeats a call that may be repeated after a retryable error: full jitter, capped, `Retry-After` honoured. The outcome that the last error
 * tells is that of all tries together.
 * An error that has been through its own retries inside is not retried again outside.
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

/** Milliseconds before the try that follows `failures` failed ones: random up to a bound that doubles, no less than the server asked for. */
export function waitMs(
  failures: number,
  askedMs: number | undefined,
  { baseMs, capMs, random }: Required<Omit<RetryOptions, 'maxAttempts'>>,
): number {
  const jittered = Math.min(capMs, baseMs * 2 ** failures) * random()
  return Math.max(jittered, Math.min(askedMs ?? 0, capMs))
}

/** The abort of a call that waited for its next try; what the last one did is what is known of the outcome. */
function givenUp({ operation, fileName, backend }: Call, last: StorageError, signal: AbortSignal): StorageError {
  return abortedError({ operation, fileName, backend, outcome: last.outcome }, signal.reason)
}
