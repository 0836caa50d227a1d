import { setTimeout as sleep } from 'node:timers/promises'
import type { CallContext } from '../core/driver.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import type { Call, Layer } from './layer.ts'

/** How often and how patiently to try again. */
export interface RetryOptions {
  /** Tries in all, the first one included. */
  readonly maxAttempts: number
  /** Milliseconds; the wait before try n+1 is random below `baseMs * 2^n`. */
  readonly baseMs?: number | undefined
  /** Upper bound of a wait in milliseconds, also of one that the server asks for. */
  readonly capMs?: number | undefined
  /** Random number in [0, 1). */
  readonly random?: (() => number) | undefined
}

/**
 * Repeats a replayable call after a retryable error: full jitter, capped, `Retry-After` honoured.
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
      if (!isStorageError(last) || !last.retryable || exhausted.has(last) || ctx.signal.aborted) throw last
      if (call.conditional && last.outcome !== 'not_applied') throw last
      await pause(last, Math.min(capMs, baseMs * 2 ** (attempt - 1)) * random(), capMs, ctx.signal)
      ctx.progress()
      try {
        return await next({ ...ctx, attempt })
      } catch (failure) {
        last = failure
      }
    }
    if (last instanceof StorageError) exhausted.add(last)
    throw last
  }
  return (call, next, ctx) =>
    call.replayable && maxAttempts > 1 ? next(ctx).catch(error => again(call, error, next, ctx)) : next(ctx)
}

async function pause(error: StorageError, waitMs: number, capMs: number, signal: AbortSignal): Promise<void> {
  const asked = Math.min(error.retryAfterMs ?? 0, capMs)
  try {
    await sleep(Math.max(waitMs, asked), undefined, { signal })
  } catch {
    throw error
  }
}
