import { StorageError } from '../core/errors.ts'
import type { Layer } from './layer.ts'

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
  const turn = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const start = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        const place = waiting.indexOf(start)
        if (place >= 0) waiting.splice(place, 1)
        reject(new StorageError('aborted', 'The call was aborted while it waited.', { outcome: 'not_applied' }))
      }
      waiting.push(start)
      signal.addEventListener('abort', leave, { once: true })
    })
  return async (call, next, ctx) => {
    if (call.streams) return next(ctx)
    if (running >= limit) await turn(ctx.signal)
    else running++
    try {
      return await next(ctx)
    } finally {
      release()
    }
  }
}
