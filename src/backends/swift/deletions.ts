import type { CallContext } from '../../core/call.ts'
import type { DeleteResult, RequestOptions } from '../../core/driver.ts'
import { isStorageError, wrapError } from '../../core/errors.ts'
import { forEachParallel } from '../../core/parallel.ts'
import { detached } from '../../remote/aftermath.ts'
import { Batches } from '../../remote/batches.ts'
import { DELETED } from './api.ts'
import { BATCH_LIMIT, deleteBatch, isWithoutBulk, withoutBulk } from './batch.ts'
import type { SwiftClient } from './client.ts'
import { classifySwift } from './errors.ts'
import type { ClusterInfo } from './info.ts'
import type { Segments } from './segments.ts'

/** The objects that deletions need. */
export interface DeletionTools {
  readonly client: SwiftClient
  readonly container: string
  readonly info: ClusterInfo
  readonly segments: Segments
  readonly leaveSegments: boolean
}

/** Maximum number of parallel look-ups. */
const LOOKS_AT_ONCE = 8

/** Deletes an object first, and then its own segments, which Swift does not delete. */
export class Deletions {
  readonly #tools: DeletionTools
  readonly #batches: Batches<RequestOptions>

  constructor(tools: DeletionTools) {
    this.#tools = tools
    const { client, container, info } = tools
    this.#batches = new Batches<RequestOptions>({
      get limit() {
        return info.known.bulkDeletes ?? BATCH_LIMIT
      },
      holds: () => true,
      send: async (keys, ctx) => {
        const { isKnown, bulkDeletes } = await info.get(ctx)
        if (isKnown && bulkDeletes === undefined) throw withoutBulk()
        return deleteBatch(client, container, keys, ctx)
      },
      delete: (key, ctx) => this.#deleteOne(key, ctx),
      isUnsupported: isWithoutBulk,
    })
  }

  /** Deletes one object, and its segments. A missing object is no error. */
  async delete(key: string, ctx: CallContext): Promise<void> {
    const { segments, leaveSegments } = this.#tools
    const own = leaveSegments ? [] : await ctx.step('look', true, step => segments.ownSegments(key, step))
    // Deletes the object even if nothing was found: this removes it from a delayed listing. Repeated here, so that the segments are not
    // forgotten.
    await ctx.step('deleteObject', true, step => this.#deleteOne(key, step))
    await segments.discard(key, own, detached(ctx))
  }

  /** Returns a result for each key. The objects are looked up first only if there is a container for segments. */
  async deleteMany(
    keys: readonly string[],
    ctx: CallContext,
    options: RequestOptions,
  ): Promise<readonly DeleteResult[]> {
    const { segments, leaveSegments, info } = this.#tools
    // The cluster's limit of names is needed before the keys are split into batches.
    await info.get(ctx)
    const nothing = leaveSegments || (await ctx.step('segments', true, step => segments.areNone(step)))
    if (nothing) return this.#batches.deleteMany(keys, ctx, options)
    const own = new Map<string, readonly string[]>()
    const failed = new Map<string, unknown>()
    await forEachParallel(new Set(keys), { limit: LOOKS_AT_ONCE, signal: ctx.signal }, async key => {
      try {
        const names = await ctx.step('look', true, step => segments.ownSegments(key, step))
        if (names.length > 0) own.set(key, names)
      } catch (error) {
        if (ctx.signal.aborted) throw error
        failed.set(
          key,
          isStorageError(error) ? error : wrapError(error, { operation: 'delete', fileName: key }, classifySwift),
        )
      }
    })
    const results = await this.#batches.deleteMany(
      keys.filter(key => !failed.has(key)),
      ctx,
      options,
    )
    const errors = new Map(results.map(({ key, error }) => [key, error]))
    for (const [key, names] of own) {
      if (errors.get(key) === undefined) await segments.discard(key, names, detached(ctx))
    }
    return keys.map(key => {
      const error = failed.get(key) ?? errors.get(key)
      return error === undefined ? { key } : { key, error }
    })
  }

  async #deleteOne(key: string, ctx: CallContext): Promise<void> {
    const { client, container } = this.#tools
    try {
      await client.done({ method: 'DELETE', place: { container, key }, expected: DELETED }, ctx)
    } catch (error) {
      if (classifySwift(error) !== 'not_found') throw error
    }
  }
}
