import type { CallContext } from '../core/call.ts'

/** Seconds after which cleaning up is given up. */
const LIMIT_SECS = 30

/** A context that outlives its call, for cleaning up after one that failed or was aborted; its steps are retried. */
export function detached(ctx: CallContext): CallContext {
  return { ...ctx, signal: AbortSignal.timeout(LIMIT_SECS * 1000), attempt: 1, progress() {} }
}
