import { abortedError, StorageError } from '../core/errors.ts'
import type { Layer } from './layer.ts'

/** Gives a try up with code `timeout` after so many milliseconds without progress; bytes that move count as progress. */
export function timeout(ms: number): Layer {
  return async (call, next, ctx) => {
    if (call.paced) return next(ctx)
    const controller = new AbortController()
    const timer = setTimeout(() => {
      const message = `${call.operation}: no progress for ${ms / 1000} s.`
      controller.abort(new StorageError('timeout', message, { operation: call.operation, fileName: call.key }))
    }, ms)
    const { operation, key: fileName, backend } = call
    const relay = () => controller.abort(abortedError({ operation, fileName, backend }, ctx.signal.reason))
    if (ctx.signal.aborted) relay()
    else ctx.signal.addEventListener('abort', relay, { once: true })
    const inner = {
      ...ctx,
      signal: controller.signal,
      progress() {
        timer.refresh()
        ctx.progress()
      },
    }
    try {
      return await Promise.race([next(inner), rejection(controller.signal)])
    } catch (error) {
      throw controller.signal.aborted && !ctx.signal.aborted ? controller.signal.reason : error
    } finally {
      clearTimeout(timer)
      ctx.signal.removeEventListener('abort', relay)
    }
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
