import { setTimeout as sleep } from 'node:timers/promises'
import type { CallContext } from '../core/call.ts'
import { StorageError } from '../core/errors.ts'

/** What an answer about work under way at the service tells: the result, or how far it is. */
export type Polled<T> = { readonly result: T } | { readonly progress: string | number | undefined }

/** How often is asked, in ms. */
export interface PollingOptions {
  /** Before the first question; doubled after each. Default: 100. */
  readonly firstMs?: number | undefined
  /** Longest wait between two questions. Default: 5,000. */
  readonly longestMs?: number | undefined
  /** Time without progress after which the work is given up. Default: 10 minutes. */
  readonly stallMs?: number | undefined
}

/**
 * Asks how work goes that the service does by itself, until there is a result; `ask` throws where it failed. Work that makes no progress is
 * given up: code `timeout`, outcome `unknown`. Every question is a step with retries of its own.
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
