import type { MigrationCounts } from '../../core/migration-status.ts'
import type { MeterLike } from './types.ts'

/** What happened since the last call; each number is an increase. */
export interface MetersDelta {
  readonly counts?: Partial<MigrationCounts> | undefined
  /** Failed attempts by error code. */
  readonly attempts?: Readonly<Record<string, number>> | undefined
  /** Files that failed for good, by error code. Those of `counts.failed` that have no code here are counted as `unknown`. */
  readonly failures?: Readonly<Record<string, number>> | undefined
  readonly pages?: Partial<Readonly<Record<PageResult, number>>> | undefined
  /** How often a service asked to slow down. */
  readonly throttled?: number | undefined
}

/** What became of a page of names: `lost` is one whose lease another worker has taken. */
export type PageResult = 'done' | 'retried' | 'lost'

/** The results that are counted as files, by the fields of the counts with the same names. */
const RESULTS = ['copied', 'unchanged', 'skipped', 'verified', 'different', 'deleted'] as const

type Counter = ReturnType<MeterLike['createCounter']>
type Attributes = Readonly<Record<string, string>>

/**
 * The counters of a migration for OpenTelemetry: `holdall.migrate.files`, `.bytes`, `.attempts`, `.pages` and `.throttled`. One call counts a batch of
 * files. A meter that throws does not disturb the run: what it refused is not counted.
 * @example
 * const meters = new MigrationMeters(options.meter, { source: 's3:photos', target: 'azure:photos' })
 * meters.add({ counts: { copied: 998, failed: 2, bytes: 81_000_000 }, failures: { not_found: 2 } })
 */
export class MigrationMeters {
  readonly #places: Attributes
  readonly #files: Counter | undefined
  readonly #bytes: Counter | undefined
  readonly #attempts: Counter | undefined
  readonly #pages: Counter | undefined
  readonly #throttled: Counter | undefined

  /** Without a meter nothing is counted. The titles become the attributes `source` and `target`. */
  constructor(meter: MeterLike | undefined, titles: { readonly source: string; readonly target: string }) {
    this.#places = { source: titles.source, target: titles.target }
    this.#files = counter(meter, 'files', '{file}', 'Files by result')
    this.#bytes = counter(meter, 'bytes', 'By', 'Bytes copied')
    this.#attempts = counter(meter, 'attempts', '{attempt}', 'Failed attempts by error code')
    this.#pages = counter(meter, 'pages', '{page}', 'Pages of names by result')
    this.#throttled = counter(
      meter,
      'throttled',
      '{request}',
      'Requests that a service answered by asking to slow down',
    )
  }

  /** Adds increases; those that are not above 0 are left out. Never throws. */
  add({ counts = {}, attempts = {}, failures = {}, pages = {}, throttled = 0 }: MetersDelta): void {
    for (const result of RESULTS) this.#count(this.#files, counts[result], { result })
    for (const [code, count] of Object.entries(attempts)) this.#count(this.#attempts, count, { code })
    let coded = 0
    for (const [code, count] of Object.entries(failures)) {
      this.#count(this.#files, count, { result: 'failed', code })
      coded += Math.max(0, count)
    }
    this.#count(this.#files, (counts.failed ?? 0) - coded, { result: 'failed', code: 'unknown' })
    this.#count(this.#bytes, counts.bytes)
    for (const [result, count] of Object.entries(pages)) this.#count(this.#pages, count, { result })
    this.#count(this.#throttled, throttled)
  }

  #count(counter: Counter | undefined, value: number | undefined, attributes?: Attributes): void {
    if (counter === undefined || value === undefined || !(value > 0)) return
    try {
      counter.add(value, { ...this.#places, ...attributes })
    } catch {}
  }
}

/** Makes a counter; undefined without a meter, or if the meter throws. */
function counter(meter: MeterLike | undefined, name: string, unit: string, description: string): Counter | undefined {
  try {
    return meter?.createCounter(`holdall.migrate.${name}`, { unit, description })
  } catch {
    return undefined
  }
}
