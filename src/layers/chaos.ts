import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { release } from '../core/abort.ts'
import { derivedStream, StreamBody } from '../core/body.ts'
import type { ReadResult } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import type { Call, Layer } from './layer.ts'

/** The faults to inject, and the calls that they apply to. */
export interface ChaosOptions {
  /** Which calls are counted; default: all. */
  readonly on?: ((call: Call) => boolean) | undefined
  /** Fails these calls with `unavailable`, before they reach the driver; the error may be retried. */
  readonly fail?: readonly number[] | undefined
  /** Fails these calls after the driver has carried them out: the answer is lost. */
  readonly failAfter?: readonly number[] | undefined
  /** Makes these calls twice. */
  readonly duplicate?: readonly number[] | undefined
  /** Breaks the body of a read after this many bytes, in these calls. */
  readonly breakBody?: { readonly calls: readonly number[]; readonly afterBytes: number } | undefined
  /** Delay of each call in milliseconds. */
  readonly delayMs?: number | undefined
}

const OPTIONS: KnownOptions<ChaosOptions> = {
  on: true,
  fail: true,
  failAfter: true,
  duplicate: true,
  breakBody: true,
  delayMs: true,
}

/**
 * Returns a layer for tests that makes some calls of a storage fail, break, repeat or wait. Calls are counted from 1, and each retry is
 * counted separately, so a storage that retries may succeed. An unknown option is `invalid_argument`.
 * @example
 * const storage = new MemoryStorage({}, { layers: [chaos({ on: call => call.operation === 'write', fail: [1] })] })
 * await storage.save('a.txt', 'x') // succeeds at the second try
 */
export function chaos(options: ChaosOptions): Layer {
  checkKnownOptions('chaos', options, OPTIONS)
  let count = 0
  return async (call, next, ctx) => {
    if (options.on?.(call) === false) return next(ctx)
    const n = ++count
    if (options.delayMs !== undefined) await sleep(options.delayMs, undefined, { signal: ctx.signal })
    if (options.fail?.includes(n)) throw fault(call, 'not_applied')
    if (options.duplicate?.includes(n)) release(await next(ctx))
    const result = await next(ctx)
    if (options.failAfter?.includes(n)) {
      release(result)
      throw fault(call, 'unknown')
    }
    return options.breakBody?.calls.includes(n) ? withBrokenBody(result, options.breakBody.afterBytes) : result
  }
}

function fault(call: Call, outcome: 'not_applied' | 'unknown'): StorageError {
  return new StorageError('unavailable', `chaos: ${call.operation} failed.`, { outcome })
}

function withBrokenBody<T>(result: T, afterBytes: number): T {
  const { body, stat } = (result ?? {}) as Partial<ReadResult>
  if (body === undefined) return result
  const stream = body.stream()
  return { stat, body: new StreamBody(derivedStream(stream, broken(stream, afterBytes))) } as T
}

async function* broken(body: Readable, afterBytes: number): AsyncGenerator<Uint8Array> {
  let left = afterBytes
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    if (chunk.byteLength >= left) {
      yield chunk.subarray(0, left)
      throw new StorageError('unavailable', 'chaos: the body broke.')
    }
    left -= chunk.byteLength
    yield chunk
  }
}
