import type { CallContext } from '../core/call.ts'
import { type ErrorCode, StorageError, wrapError } from '../core/errors.ts'

/** A conditional write whose condition no longer holds once its first try was carried out. */
export interface OnceProtocol<S> {
  send(ctx: CallContext): Promise<S>
  /**
   * Looks up the object: returns `S` if it is the one that was sent, undefined if another client wrote it. Throws if it cannot find out.
   */
  found(ctx: CallContext): Promise<S | undefined>
  /** Whether an error means that the condition does not hold. */
  isRefused(error: StorageError): boolean
  classify(error: unknown): ErrorCode | undefined
}

/**
 * Runs a conditional write. If its answer is lost, the write is repeated. If the repeat then fails its own condition, the file's content
 * decides: the bytes that were sent mean success, other bytes mean that another client wrote the file and the refusal is valid. If neither
 * is known, the outcome is `unknown`.
 */
export function onlyOnce<S>(protocol: OnceProtocol<S>, ctx: CallContext): Promise<S> {
  let lost = false
  return ctx.step('writeOnce', true, async step => {
    try {
      return await protocol.send(step)
    } catch (failure) {
      const error = wrapError(failure, {}, thrown => protocol.classify(thrown))
      if (lost && protocol.isRefused(error)) return whose(protocol, failure, step)
      lost ||= error.outcome === 'unknown'
      // The calling step reports the failure.
      throw failure
    }
  })
}

async function whose<S>(protocol: OnceProtocol<S>, refused: unknown, ctx: CallContext): Promise<S> {
  const found = await protocol.found(ctx).catch(error => {
    const text = 'The answer was lost, and the key is taken or changed now. This request may have done that.'
    throw new StorageError('unavailable', text, { cause: error, outcome: 'unknown', retryable: false })
  })
  if (found !== undefined) return found
  throw refused
}
