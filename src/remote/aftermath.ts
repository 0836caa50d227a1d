import type { CallContext } from '../core/call.ts'
import { wrapError } from '../core/errors.ts'
import { classifyHttp } from './codes.ts'

/** Seconds after which cleaning up stops. */
const LIMIT_SECS = 30

/** A context that outlives its call, to clean up after a call that failed or was aborted. Its steps are retried. */
export function detached(ctx: CallContext): CallContext {
  return { ...ctx, signal: AbortSignal.timeout(LIMIT_SECS * 1000), attempt: 1, progress() {} }
}

/**
 * A context that belongs to no single call, for work that all calls wait for, such as loading a token. It times out after 30 seconds. Its
 * steps are not retried.
 *
 * @example
 * const tokens = new Renewed(() => requestToken(sharedContext()), { endOf: ({ expiresAt }) => expiresAt })
 */
export function sharedContext(): CallContext {
  return {
    signal: AbortSignal.timeout(LIMIT_SECS * 1000),
    attempt: 1,
    progress() {},
    step(operation, _repeat, run) {
      return run(this).catch(error => {
        throw wrapError(error, { operation }, classifyHttp)
      })
    },
  }
}
