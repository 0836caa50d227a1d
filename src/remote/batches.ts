import type { CallContext, Repeat } from '../core/call.ts'
import type { DeleteResult } from '../core/driver.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { forEachParallel } from '../core/parallel.ts'

/** The results of a batch by key: an error, or undefined for a deletion that succeeded. */
export type BatchAnswer = ReadonlyMap<string, StorageError | undefined>

/** How a service deletes; `O` holds the options that every request gets. */
export interface BatchProtocol<O> {
  /** Maximum number of keys per request. */
  readonly limit: number
  /** Whether a batch can hold the key. */
  holds(key: string): boolean
  /** Deletes the keys with one request. Every key that the answer names is in the result; a missing file counts as deleted. */
  send(keys: readonly string[], ctx: CallContext, options: O): Promise<BatchAnswer>
  /** Deletes one key; a missing file is no error. */
  delete(key: string, ctx: CallContext, options: O): Promise<void>
  /** Whether an error of `send` means that the service has no batches. */
  isUnsupported(error: unknown): boolean
  /** Whether keys with a temporary error are sent again one after another, as services with locks require. Default: in a smaller batch. */
  readonly againSingly?: boolean | undefined
}

/** Parallel requests when keys are deleted one by one. */
const SINGLE_LIMIT = 8

/**
 * Deletes many keys in batches. Each key has its own result. A key that the answer does not name gets an error with outcome `unknown`; it
 * never counts as deleted. Only keys with a temporary error (throttled, unavailable) are sent again. If the service has no batches, the
 * keys are deleted one by one, and no batch is tried again.
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

  /** Sends a batch. Returns whether the service accepted it. */
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
      // After the first answer, the remaining keys get their own errors.
      if (left === batch || ctx.signal.aborted) throw error
    }
    if (this.#protocol.againSingly === true) for (const key of left) await this.#deleteSingly(key, errors, ctx, options)
    return true
  }
}

/**
 * The error of a step; undefined if it succeeded. The result of the batch, `said`, counts as the first try, so the next try waits first.
 */
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
