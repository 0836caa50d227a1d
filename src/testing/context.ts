import type { CallContext } from '../core/call.ts'

/** A `CallContext` without layers, for calling a driver directly: one try, no time-out, aborted only by `signal`. */
export function plainContext(
  signal: AbortSignal = new AbortController().signal,
  progress = (): void => {},
): CallContext {
  return {
    signal,
    attempt: 1,
    progress,
    step(_operation, _repeat, run) {
      return run(this)
    },
  }
}
