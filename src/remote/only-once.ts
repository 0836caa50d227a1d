import type { CallContext } from '../core/call.ts'
import { type ErrorCode, StorageError, wrapError } from '../core/errors.ts'

/** A write under a condition that its own first sending would break. */
export interface OnceProtocol<S> {
  send(ctx: CallContext): Promise<S>
  /** What is there now: `S` where it is what was sent, undefined where it is somebody else's. Fails where that cannot be told. */
  found(ctx: CallContext): Promise<S | undefined>
  /** Whether an error says that the condition does not hold. */
  isRefused(error: StorageError): boolean
  classify(error: unknown): ErrorCode | undefined
}

/**
 * Makes a write that is under a condition. When its answer is lost it is made again; where it then meets its own condition, the file tells:
 * with these bytes it is the one that was written, with others somebody else's, and that it was refused is true. Where neither is known the outcome is
 * `unknown`.
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
      // The call that this is part of says what failed.
      throw failure
    }
  })
}

async function whose<S>(protocol: OnceProtocol<S>, refused: unknown, ctx: CallContext): Promise<S> {
  const found = await protocol.found(ctx).catch(error => {
    const text = 'The answer was lost, and the key is taken or changed now, perhaps by this very request.'
    throw new StorageError('unavailable', text, { cause: error, outcome: 'unknown', retryable: false })
  })
  if (found !== undefined) return found
  throw refused
}
