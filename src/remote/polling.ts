import { setTimeout as sleep } from 'node:timers/promises'
import type { CallContext } from '../core/call.ts'
import { StorageError } from '../core/errors.ts'

/** The state of a job at the service: its result, or its progress. */
export type Polled<T> = { readonly result: T } | { readonly progress: string | number | undefined }

/** The intervals of polling, in ms. */
export interface PollingOptions {
  /** Wait before the first request; doubled after each. Default: 100. */
  readonly firstMs?: number | undefined
  /** Longest wait between two requests. Default: 5,000. */
  readonly longestMs?: number | undefined
  /** Time without progress after which polling fails. Default: 10 minutes. */
  readonly stallMs?: number | undefined
}

/**
 * Polls a job that the service runs by itself, until there is a result. `ask` throws if the job failed. A job without progress fails: code
 * `timeout`, outcome `unknown`. Every request is a step with its own retries.
 *
 * @example
 * const etag = await polled('copyStatus', step => this.#status(key, copyId, step), ctx)
 */
export async function polled<T>(
  operation: string,
  ask: (ctx: CallContext) => Promise<Polled<T>>,
  ctx: CallContext,
  { firstMs = 100, longestMs = 5_000, stallMs = 600_000 }: PollingOptions = {},
): Promise<T> {
  let waitMs = firstMs
  let progress: string | number | undefined
  let movedAt = performance.now()
  for (;;) {
    await sleep(waitMs, undefined, { signal: ctx.signal })
    const answer = await ctx.step(operation, true, ask)
    if ('result' in answer) return answer.result
    if (answer.progress !== progress) {
      progress = answer.progress
      movedAt = performance.now()
    }
    if (performance.now() - movedAt >= stallMs) {
      const text = `${operation}: no progress for ${stallMs / 1000} s.`
      throw new StorageError('timeout', text, { outcome: 'unknown', retryable: false })
    }
    ctx.progress()
    waitMs = Math.min(longestMs, waitMs * 2)
  }
}
