import { notBegun } from '../core/errors.ts'
import type { Call, Layer } from './layer.ts'

/**
 * Lets at most `limit` tries run at once; the others wait in order. A waiting call that is aborted leaves the queue. Calls
 * that stream their content take no slot: what they read may be waiting for one.
 */
export function concurrency(limit: number): Layer {
  let running = 0
  const waiting: Array<() => void> = []
  const release = () => {
    const next = waiting.shift()
    if (next === undefined) running--
    else next()
  }
  const turn = ({ operation, key, backend }: Call, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const refuse = () => reject(notBegun(signal, { operation, fileName: key, backend }))
      const start = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        waiting.splice(waiting.indexOf(start), 1)
        refuse()
      }
      if (signal.aborted) return refuse()
      waiting.push(start)
      signal.addEventListener('abort', leave, { once: true })
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
