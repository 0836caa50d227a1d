import type { CallContext, Repeat } from '../core/call.ts'
import type { DeleteResult } from '../core/driver.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { forEachParallel } from '../core/parallel.ts'

/** What a batch answered: an error, or undefined for a deletion that succeeded, by key. */
export type BatchAnswer = ReadonlyMap<string, StorageError | undefined>

/** How a service deletes; `O` is what goes with every request. */
export interface BatchProtocol<O> {
  /** Most keys of one request. */
  readonly limit: number
  /** Whether a batch can hold the key. */
  holds(key: string): boolean
  /** Deletes the keys by one request. Every key that the answer names is in the result; a missing file counts as deleted. */
  send(keys: readonly string[], ctx: CallContext, options: O): Promise<BatchAnswer>
  /** Deletes one key; a missing file is no error. */
  delete(key: string, ctx: CallContext, options: O): Promise<void>
  /** Whether an error of `send` says that the service has no batches. */
  isUnsupported(error: unknown): boolean
  /** Whether keys that failed for a while are sent again one after another, as a service wants it that locks. Default: by a smaller batch. */
  readonly againSingly?: boolean | undefined
}

/** Requests at once where keys are deleted one by one. */
const SINGLE_LIMIT = 8

/**
 * Deletes many keys by batches. Each key has a result of its own: one that the answer does not name is an error with outcome `unknown`, never
 * a deletion. Only keys that failed for a while (throttled, unavailable) are sent again. Where the service has no batches the keys are deleted
 * one by one, and no batch is tried again.
 */
export class Batches<O> {
  readonly #protocol: BatchProtocol<O>
  #unsupported = false

  constructor(protocol: BatchProtocol<O>) {
    this.#protocol = protocol
  }

  /** The result of each key, in the order of the keys. An error of a whole request is thrown. */
  async deleteMany(keys: readonly string[], ctx: CallContext, options: O): Promise<readonly DeleteResult[]> {
    ctx.signal.throwIfAborted()
    const errors = new Map<string, StorageError>()
    const unique = [...new Set(keys)]
    const batched = unique.filter(key => this.#protocol.holds(key))
    const single = unique.filter(key => !this.#protocol.holds(key))
    const { limit } = this.#protocol
    for (let at = 0; at < batched.length; at += limit) {
      const batch = batched.slice(at, at + limit)
      if (!(await this.#deleteBatch(batch, errors, ctx, options))) single.push(...batch)
    }
    await forEachParallel(single, { limit: SINGLE_LIMIT, signal: ctx.signal }, key =>
      this.#deleteSingly(key, errors, ctx, options),
    )
    return keys.map(key => (errors.has(key) ? { key, error: errors.get(key) } : { key }))
  }

  async #deleteSingly(key: string, errors: Map<string, StorageError>, ctx: CallContext, options: O): Promise<void> {
    const send = (step: CallContext): Promise<void> => this.#protocol.delete(key, step, options)
    const error = await failureOf(ctx, 'delete', send, true, errors.get(key))
    if (error === undefined) errors.delete(key)
    else errors.set(key, error)
    ctx.progress()
  }

  /** Whether the service took the batch. */
  async #deleteBatch(
    batch: readonly string[],
    errors: Map<string, StorageError>,
    ctx: CallContext,
    options: O,
  ): Promise<boolean> {
    if (this.#unsupported) return false
    let left = batch
    try {
      await ctx.step('deleteBatch', true, async step => {
        const answer = await this.#protocol.send(left, step, options)
        const results = left.map(key => [key, answer.has(key) ? answer.get(key) : unnamed(key)] as const)
        left = []
        for (const [key, error] of results) {
          if (error === undefined) errors.delete(key)
          else errors.set(key, error)
        }
        const passing = results.filter(([, error]) => error?.retryable === true)
        if (passing.length === 0) return
        left = passing.map(([key]) => key)
        if (this.#protocol.againSingly !== true) throw passing[0]![1]
      })
    } catch (error) {
      if (this.#protocol.isUnsupported(error)) {
        this.#unsupported = true
        return false
      }
      // After an answer the keys that are left have errors of their own.
      if (left === batch || ctx.signal.aborted) throw error
    }
    if (this.#protocol.againSingly === true) for (const key of left) await this.#deleteSingly(key, errors, ctx, options)
    return true
  }
}

/** What a step fails with; undefined where it succeeds. What a batch `said` of it counts as its first try, so that there is a wait before the next. */
export async function failureOf(
  ctx: CallContext,
  operation: string,
  run: (step: CallContext) => Promise<unknown>,
  repeat: Repeat = true,
  said?: StorageError,
): Promise<StorageError | undefined> {
  let first = said
  try {
    await ctx.step(operation, repeat, async step => {
      const error = first
      first = undefined
      if (error !== undefined) throw error
      await run(step)
    })
    return undefined
  } catch (error) {
    if (ctx.signal.aborted || !isStorageError(error)) throw error
    return error
  }
}

/** The error of a key that the answer to a batch does not name. */
function unnamed(key: string): StorageError {
  return new StorageError('unavailable', `delete '${key}': the answer to the batch does not name it.`, {
    operation: 'delete',
    fileName: key,
    retryable: false,
    outcome: 'unknown',
  })
}
