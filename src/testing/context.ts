import type { CallContext } from '../core/call.ts'
import { type ErrorCode, wrapError } from '../core/errors.ts'
import { classifyHttp } from '../remote/codes.ts'

/**
 * Returns a `CallContext` without layers, for calling a driver directly: one attempt, no timeout, aborted only by `signal`. Errors of a
 * step are `StorageError`s, as in a storage; pass the driver's `classify` if its codes are not those of HTTP.
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
