import { callController, onAbort, release } from '../core/abort.ts'
import type { CallContext, Repeat } from '../core/call.ts'
import { abortedError, StorageError } from '../core/errors.ts'
import type { Call, Layer } from './layer.ts'

/** The maximum delay of a timer. (https://nodejs.org/api/timers.html#settimeoutcallback-delay-args) */
const MAX_MS = 2 ** 31 - 1

/**
 * Ends an attempt with code `timeout` after this many milliseconds without progress; bytes that move count as progress. The clock stops
 * during a step: the step has its own timeout and retries.
 */
export function timeout(ms: number): Layer {
  return (call, next, ctx) => (call.paced ? next(ctx) : timed(ms, call, next, ctx))
}

function timed<T>(
  ms: number,
  { operation, fileName, backend }: Call,
  next: (ctx: CallContext) => Promise<T>,
  ctx: CallContext,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const controller = callController()
    let steps = 0
    let over = false
    let unlink = (): void => undefined
    const end = (): void => {
      over = true
      clearTimeout(timer)
      unlink()
    }
    const giveUp = (reason: StorageError): void => {
      end()
      controller.abort(reason)
      reject(reason)
    }
    const timer = setTimeout(
      () => {
        if (steps > 0) return
        const message = `${operation}: no progress for ${ms / 1000} s.`
        giveUp(new StorageError('timeout', message, { operation, fileName, backend }))
      },
      Math.min(ms, MAX_MS),
    )
    const relay = (): void => giveUp(abortedError({ operation, fileName, backend }, ctx.signal.reason))
    unlink = onAbort(ctx.signal, relay)
    if (ctx.signal.aborted) relay()
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
    const fail = (error: unknown): void => {
      if (over) return
      end()
      reject(error)
    }
    const succeed = (result: T): void => {
      if (over) {
        release(result)
        return
      }
      end()
      resolve(result)
    }
    try {
      next(inner).then(succeed, fail)
    } catch (error) {
      fail(error)
    }
  })
}
