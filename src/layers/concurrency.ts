import { onAbort } from '../core/abort.ts'
import { notBegun } from '../core/errors.ts'
import type { Call, Layer } from './layer.ts'

/**
 * Runs at most `limit` attempts at once; the others wait in order. A waiting call that is aborted leaves the queue. Calls that stream their
 * content use no slot: their source may be waiting for one.
 */
export function concurrency(limit: number): Layer {
  let running = 0
  const waiting = new Set<() => void>()
  // One iterator is used for all calls: a new one would pass over all entries that were deleted before.
  let order = waiting.values()
  const release = () => {
    let { value: start } = order.next()
    if (start === undefined) {
      order = waiting.values()
      start = order.next().value
    }
    if (start === undefined) running--
    else start()
  }
  const turn = ({ operation, fileName, backend }: Call, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const refuse = () => reject(notBegun(signal, { operation, fileName, backend }))
      if (signal.aborted) return refuse()
      const stay = onAbort(signal, () => {
        waiting.delete(start)
        refuse()
      })
      const start = () => {
        waiting.delete(start)
        stay()
        resolve()
      }
      waiting.add(start)
    })
  return async (call, next, ctx) => {
    if (call.streams) return next(ctx)
    if (running >= limit) await turn(call, ctx.signal)
    else running++
    try {
      return await next(ctx)
    } finally {
      release()
    }
  }
}
