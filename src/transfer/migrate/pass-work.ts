import { isStorageError, type StorageError } from '../../core/errors.ts'
import { BROKEN, MAX_IN_A_ROW } from '../broken.ts'
import { type Item, isPart } from '../item.ts'
import type { Places } from '../places.ts'
import { clashError, spellingError } from '../refusal.ts'
import type { EngineHooks } from './engine-options.ts'
import type { Pair } from './pairs.ts'
import { Tally } from './tally.ts'
import type { MigrationPlan } from './types.ts'

/** Operations that read a file of the source. */
const READS: ReadonlySet<string | undefined> = new Set(['read', 'open', 'stat'])
/** Time in milliseconds by which the time of a listing without exact times may be wrong: it may be in another time zone. */
const ROUGH_MS = 86_400_000

/** A pair whose source takes part. */
export interface Task extends Pair {
  readonly source: Item
  readonly counts: Tally
}

/** What the copy pass and the verify pass have in common. */
export abstract class PassWork {
  readonly tally: Tally = new Tally()
  protected readonly hooks: EngineHooks
  readonly #sinceMs: number
  readonly #isLocal: boolean
  #inARow = 0

  constructor({ source }: Places, { since }: MigrationPlan, hooks: EngineHooks) {
    this.hooks = hooks
    this.#isLocal = source.storage.supports('path')
    this.#sinceMs = since === undefined ? Number.NEGATIVE_INFINITY : Date.parse(since)
  }

  /** Whether a file was last modified before the plan's `since`. */
  protected isOld({ entry }: Item): boolean {
    const { modifiedAt, isRoughTime = false } = entry
    if (modifiedAt === undefined) return false
    return modifiedAt.getTime() + (isRoughTime ? ROUGH_MS : 0) < this.#sinceMs
  }

  /** Returns the pairs to be processed; the others are only counted. */
  async *tasks(pairs: AsyncIterable<Pair>): AsyncGenerator<Task> {
    const { hooks } = this
    for await (const pair of pairs) {
      hooks.taken?.(pair.key)
      const { key, source } = pair
      const counts = new Tally()
      const refusal = source === undefined || source.isExcluded === true ? undefined : refusalOf(source)
      if (refusal !== undefined) {
        counts.failed++
        await hooks.failed(source!.name, refusal, true)
      }
      const isWanted = await this.isWanted(pair, refusal !== undefined, counts)
      if (isWanted && refusal === undefined && source !== undefined && isPart(source)) yield { ...pair, source, counts }
      else this.#settle(key, counts)
    }
  }

  /** Counts a pair; returns whether it is to be processed. */
  protected abstract isWanted(pair: Pair, isRefused: boolean, counts: Tally): boolean | Promise<boolean>

  protected abstract work(task: Task): Promise<void>

  async attempt(task: Task): Promise<void> {
    const { source, key, counts } = task
    try {
      await this.work(task)
      this.#inARow = 0
    } catch (error) {
      if (this.hooks.signal.aborted || !isStorageError(error)) throw error
      counts.failed++
      const isBroken = this.#isBroken(source.name, error)
      await this.hooks.failed(source.name, error, false)
      if (isBroken !== undefined) this.#inARow = isBroken ? this.#inARow + 1 : 0
      if (this.#inARow >= MAX_IN_A_ROW) throw error
    }
    this.#settle(key, counts)
  }

  /**
   * Whether a failure may be that of all files; undefined if it is about this file, but shows nothing about the service: it failed in the
   * same way before, or this user may not read it on this machine.
   */
  #isBroken(name: string, { code, operation }: StorageError): boolean | undefined {
    if (!BROKEN.has(code)) return false
    const isUnreadable = this.#isLocal && code === 'permission_denied' && READS.has(operation)
    return isUnreadable || this.hooks.isExpected?.(name, code) === true ? undefined : true
  }

  #settle(key: string, counts: Tally): void {
    const { hooks, tally } = this
    tally.add(counts)
    hooks.settled?.(key, counts)
    hooks.progress?.(tally)
  }
}

/** Returns why a file of the source cannot be copied; undefined if it can. */
function refusalOf(item: Item): StorageError | undefined {
  if (item.clash !== undefined && item.odd === undefined) return clashError(item)
  return item.odd === 'spelling' ? spellingError(item) : undefined
}
