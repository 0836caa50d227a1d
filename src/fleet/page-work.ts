import { isStorageError, type StorageError } from '../core/errors.ts'
import type { EngineHooks } from '../transfer/migrate/engine-options.ts'
import { namedPairs } from '../transfer/migrate/named-pairs.ts'
import type { Pair } from '../transfer/migrate/pairs.ts'
import { Tally } from '../transfer/migrate/tally.ts'
import type { MigrateEvent } from '../transfer/migrate/types.ts'
import { deleteExtras } from '../transfer/removal.ts'
import type { Failure } from './failures.ts'
import { areOrdered } from './listing.ts'
import { lookUp, lookUpRange } from './lookup.ts'
import { namesIn, pairsIn } from './pages.ts'
import { PairSlots, type Slots } from './slots.ts'
import { ORIGINS, type Stage } from './stages.ts'
import type { Work } from './work.ts'

/** What the work on a page needs of its worker. */
export interface PageWorkOptions {
  readonly slots: Slots
  readonly concurrency: number
  readonly signal: AbortSignal
  /** A file was processed. */
  settled(migration: string, counts: Tally): void
  onEvent?(migration: string, event: MigrateEvent): void | Promise<void>
}

/** A page as it was taken from the ledger. */
export interface TakenPage {
  readonly stage: Stage
  readonly items: Buffer
  /** Number of source files that the copy pass has seen. */
  readonly seen: number
  /** Whether the ledger names failed files. */
  readonly isFailing: boolean
  /** Whether an earlier attempt may have ended in the middle. */
  readonly isRepeated: boolean
}

/** The work on a page, and its results. Nothing of it is stored before all of it is done. */
export class PageWork {
  readonly tally: Tally = new Tally()
  readonly failures: Map<string, Failure> = new Map()
  /** Files that failed before, and are at the target now, or not at the source any more. */
  readonly mended: Set<string> = new Set()
  /** Files that only the target has, if they are to be deleted. */
  readonly extras: Pair[] = []
  readonly #page: TakenPage
  readonly #work: Work
  readonly #options: PageWorkOptions

  constructor(page: TakenPage, work: Work, options: PageWorkOptions) {
    this.#page = page
    this.#work = work
    this.#options = options
  }

  async run(): Promise<void> {
    const { stage, items } = this.#page
    const { places, plan } = this.#work
    if (stage === 'delete') return this.#delete(pairsIn(items, places))
    if (ORIGINS[stage] === 'failures') return this.#again(namesIn(items))
    const pairs = pairsIn(items, places)
    if (stage === 'copy') return this.#engine('copy', of(await this.#withTargets(pairs)))
    await this.#engine('verify', of(areOrdered(places) ? pairs : await this.#withTargets(pairs)))
    if (!plan.delete) return
    for (const pair of pairs) if (pair.source === undefined) this.extras.push(pair)
  }

  /** Copies files that failed before and, if the plan has a verify pass, compares them. */
  async #again(names: readonly string[]): Promise<void> {
    const { plan, places } = this.#work
    const { signal, concurrency } = this.#options
    const isForced = this.#page.stage === 'differences'
    const pairs = (isForced: boolean): AsyncGenerator<Pair> =>
      namedPairs(places, names, {
        signal,
        concurrency,
        isForced,
        gone: name => void this.mended.add(name),
        failed: (name, error) => this.#failed(name, error, false),
        isExpected: () => true,
      })
    await this.#engine('copy', pairs(isForced))
    if (plan.verify === false || this.#page.stage === 'retry') return
    await this.#engine('verify', pairs(false))
  }

  async #engine(pass: 'copy' | 'verify', pairs: AsyncIterable<Pair>): Promise<void> {
    const { signal, settled, onEvent } = this.#options
    const { id, engine, recheck } = this.#work
    const { stage, seen, isFailing, isRepeated } = this.#page
    const slots = new PairSlots(this.#options.slots, signal)
    const hooks: EngineHooks = {
      signal,
      seen,
      isRepeated,
      settled: (_, counts) => {
        slots.settled()
        settled(id, counts)
      },
      failed: (name, error, isRefused) => this.#failed(name, error, isRefused),
      isExpected: () => ORIGINS[stage] === 'failures',
      mended: name => {
        if (isFailing && !this.failures.has(name)) this.mended.add(name)
      },
      copied: (name, size) => onEvent?.(id, { type: 'copied', name, size }),
    }
    try {
      const isRecheck = pass === 'verify' && stage !== 'verify'
      this.tally.add(await (isRecheck ? recheck : engine).run(pass, slots.pairs(pairs), hooks))
    } finally {
      slots.end()
    }
  }

  async #failed(name: string, error: StorageError, isRefused: boolean): Promise<void> {
    this.mended.delete(name)
    this.failures.set(name, { name, code: error.code, message: error.message, isRefused })
    await this.#options.onEvent?.(this.#work.id, { type: 'attemptFailed', name, error })
  }

  async #withTargets(pairs: readonly Pair[]): Promise<readonly Pair[]> {
    const { signal, concurrency } = this.#options
    const names = pairs.map(({ key }) => key)
    const targets = await lookUpRange(this.#work.places.target, names, { signal, concurrency })
    return pairs.map((pair, at) => ({ ...pair, target: targets[at] }))
  }

  /** Deletes files that only the target has. One that the source has got in the meantime stays. */
  async #delete(extras: readonly Pair[]): Promise<void> {
    const { signal, concurrency, onEvent } = this.#options
    const { id, places } = this.#work
    const names = extras.map(({ key }) => key)
    const sources = await lookUp(places.source, names, { signal, concurrency })
    const files = extras
      .filter((_, at) => sources[at] === undefined)
      .map(({ key, target }) => ({ name: key, etag: target!.entry.etag }))
    await deleteExtras(
      places.target,
      files,
      { isFolded: false, signal },
      {
        deleted: async name => {
          this.tally.deleted++
          await onEvent?.(id, { type: 'deleted', name })
        },
        failed: async (name, error) => {
          // An earlier attempt has deleted it.
          if (!(this.#page.isRepeated && isStorageError(error, 'precondition_failed', 'not_found'))) {
            await this.#failed(name, error, false)
          }
        },
      },
    )
  }
}

async function* of(pairs: readonly Pair[]): AsyncGenerator<Pair> {
  yield* pairs
}
