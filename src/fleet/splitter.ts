import { compareKeys } from '../core/key-order.ts'
import type { Pair } from '../transfer/migrate/pairs.ts'
import type { NameRange, Side } from '../transfer/side.ts'
import type { Batch } from './listing.ts'
import type { Database } from './postgres.ts'
import type { Probe } from './probe.ts'
import { divide, isSplitDue } from './ranges.ts'
import { ORIGINS, type Stage } from './stages.ts'
import { maybeUnescaped } from './texts.ts'
import type { Work } from './work.ts'

/** Names of a request to a service, and to a folder of this machine, where each name of a request is looked up. */
const SERVICE_PAGE = 1000
const LOCAL_PAGE = 200
/** Number of times in a row that pages were used up before a range is split: a probe costs some requests. */
const MIN_HUNGRY = 2

/** A range of names in the ledger. */
export interface RangeRow {
  readonly id: string
  readonly migration: string
  readonly stage: Stage
  readonly after: string | null
  readonly until: string | null
  readonly token: string | null
}

/** What splitting needs of its worker. */
export interface SplitterOptions {
  readonly database: Database
  readonly signal: AbortSignal
  /** Number of workers of the migration that are alive. */
  workers(): number
  /** Whether pages are used up faster than they are listed. */
  isHungry(): boolean
}

/** Gives away the upper part of a range, if the workers wait for its listing. */
export class Splitter {
  readonly #range: RangeRow
  readonly #work: Work
  readonly #options: SplitterOptions
  #until: string | undefined
  #names = 0
  #refusals = 0
  #hungry = 0

  constructor(range: RangeRow, work: Work, options: SplitterOptions) {
    this.#range = range
    this.#work = work
    this.#options = options
    this.#until = maybeUnescaped(range.until)
  }

  /** Returns a batch without the names that were given away. */
  cut(batch: Batch): Batch {
    const until = this.#until
    if (until === undefined || batch.after === undefined || compareKeys(batch.after, until) < 0) return batch
    const pairs: readonly Pair[] = batch.pairs.filter(({ key }) => compareKeys(key, until) < 0)
    return { pairs, after: pairs.at(-1)?.key, isEnd: true }
  }

  /** Returns the part of the range that another job is to list; undefined if it is not split now. */
  async given(batch: Batch): Promise<NameRange | undefined> {
    const { workers, isHungry } = this.#options
    const origin = ORIGINS[this.#range.stage]
    const { source } = this.#work.places
    if ((origin !== 'source' && origin !== 'both') || !source.storage.supports('listRange')) return undefined
    this.#names += batch.pairs.length
    this.#hungry = isHungry() ? this.#hungry + 1 : 0
    if (this.#hungry < MIN_HUNGRY || batch.after === undefined) return undefined
    const limit = source.storage.supports('path') ? LOCAL_PAGE : SERVICE_PAGE
    const pages = Math.floor(this.#names / limit)
    // The ranges are only counted if a split may be due.
    if (!isSplitDue({ open: 0, workers: workers(), pages, refusals: this.#refusals })) return undefined
    if (!isSplitDue({ open: await this.#open(), workers: workers(), pages, refusals: this.#refusals })) return undefined
    this.#names = 0
    const rest = { after: batch.after, until: this.#until }
    const division = await divide(probeOf(source, this.#options.signal), rest, limit)
    this.#refusals = division === undefined ? this.#refusals + 1 : 0
    if (division === undefined) return undefined
    this.#until = division.kept.until
    return division.given
  }

  async #open(): Promise<number> {
    const [row] = await this.#options.database.query<{ count: string }>(
      `SELECT count(*) AS count FROM holdall_fleet.ranges WHERE migration = $1 AND state = 'open'`,
      [this.#range.migration],
    )
    return Number(row!.count)
  }
}

/** Lists pages of a folder of a storage that can list ranges. */
function probeOf({ storage, folder }: Side, signal: AbortSignal): Probe {
  return {
    async page(after, until, limit) {
      const names: string[] = []
      const range = {
        ...(after !== undefined && { startAfter: folder + after }),
        ...(until !== undefined && { until: folder + until }),
      }
      let token: string | undefined
      do {
        const page = await storage.page(folder, {
          recursive: true,
          limit: limit - names.length,
          token,
          signal,
          ...range,
        })
        for (const { name } of page.entries) names.push(name.slice(folder.length))
        token = page.next
      } while (token !== undefined && names.length < limit)
      return names.slice(0, limit)
    },
  }
}
