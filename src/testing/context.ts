import type { CallContext } from '../core/call.ts'
import { type ErrorCode, wrapError } from '../core/errors.ts'
import { classifyHttp } from '../remote/codes.ts'

/**
 * A `CallContext` without layers, for calling a driver directly: one try, no time-out, aborted only by `signal`. What a step throws is a
 * `StorageError`, as it is below a storage; give the driver's `classify` where its codes are not those of HTTP.
 */
export function plainContext(
  signal: AbortSignal = new AbortController().signal,
  progress = (): void => {},
  classify: (error: unknown) => ErrorCode | undefined = classifyHttp,
): CallContext {
  return {
    signal,
    attempt: 1,
    progress,
    step(operation, _repeat, run) {
      return run(this).catch(error => {
        throw this.signal.aborted ? error : wrapError(error, { operation }, classify)
      })
    },
  }
}
