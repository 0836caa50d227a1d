import { abortable, onAbort, release } from '../core/abort.ts'
import type { CallContext, Repeat } from '../core/driver.ts'
import { abortedError, StorageError } from '../core/errors.ts'
import type { Layer } from './layer.ts'

/** The longest time that a timer can be set to. (https://nodejs.org/api/timers.html#settimeoutcallback-delay-args) */
const MAX_MS = 2 ** 31 - 1

/**
 * Gives a try up with code `timeout` after so many milliseconds without progress; bytes that move count as progress. While a
 * step is under way the clock stands still: the step has its own, and its retries.
 */
export function timeout(ms: number): Layer {
  return async (call, next, ctx) => {
    if (call.paced) return next(ctx)
    const { operation, key: fileName, backend } = call
    const controller = new AbortController()
    let steps = 0
    const timer = setTimeout(
      () => {
        if (steps > 0) return
        const message = `${operation}: no progress for ${ms / 1000} s.`
        controller.abort(new StorageError('timeout', message, { operation, fileName, backend }))
      },
      Math.min(ms, MAX_MS),
    )
    const relay = () => controller.abort(abortedError({ operation, fileName, backend }, ctx.signal.reason))
    if (ctx.signal.aborted) relay()
    const unlink = onAbort(ctx.signal, relay)
    const inner: CallContext = {
      ...ctx,
      signal: controller.signal,
      progress() {
        timer.refresh()
        ctx.progress()
      },
      async step<T>(operation: string, repeat: Repeat, run: (ctx: CallContext) => Promise<T>): Promise<T> {
        steps++
        try {
          return await (ctx.step<T>).call(this, operation, repeat, run)
        } finally {
          steps--
          timer.refresh()
        }
      },
    }
    try {
      return await abortable(next(inner), controller.signal, release)
    } catch (error) {
      throw controller.signal.aborted && !ctx.signal.aborted ? controller.signal.reason : error
    } finally {
      clearTimeout(timer)
      unlink()
    }
  }
}
