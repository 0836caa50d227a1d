import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { MigrationCounts, MigrationPass } from '../../core/migration-status.ts'
import { DamagedRow } from './sqlite.ts'
import { Tally } from './tally.ts'
import type { MigrationHeldBack, MigrationPlan } from './types.ts'

/** Number of finished runs that a ledger keeps. */
const MAX_RUNS = 20

/** Files and bytes of a source, as far as they were counted. */
export interface Total {
  readonly files: number
  readonly bytes: number
  readonly isComplete: boolean
}

/** The rates of the last minute, as they were last stored. */
export interface StoredRates {
  readonly filesPerSec: number
  readonly bytesPerSec: number
  readonly etaSecs?: number | undefined
  readonly slowedTo?: number | undefined
}

/** What is stored of a run. */
export interface RunRow {
  readonly id: number
  /** Identifies both places; a hash. */
  readonly places: string
  readonly source: string
  readonly target: string
  readonly plan: MigrationPlan
  pass: MigrationPass
  /** The key up to which the pass has processed all names. */
  checkpoint: string | undefined
  counts: Tally
  total: Total | undefined
  /** Whether a listing of the source left out entries. */
  hasLeftOut: boolean
  heldBack: MigrationHeldBack | undefined
  rates: StoredRates
  readonly begunAt: Date
  updatedAt: Date
  finishedAt: Date | undefined
}

/** A run that has ended. */
export interface FinishedRun {
  readonly begunAt: Date
  readonly finishedAt: Date
  readonly counts: MigrationCounts
  readonly total: Total | undefined
}

interface Raw {
  readonly id: number
  readonly places: string
  readonly source: string
  readonly target: string
  readonly plan: string
  readonly pass: MigrationPass
  readonly checkpoint: string | null
  readonly counts: string
  readonly total: string | null
  readonly left_out: number
  readonly held_back: MigrationHeldBack | null
  readonly rates: string | null
  readonly begun_ms: number
  readonly updated_ms: number
  readonly finished_ms: number | null
}

const PASSES: ReadonlySet<unknown> = new Set<MigrationPass>(['copy', 'verify', 'delete'])
const NO_RATES: StoredRates = { filesPerSec: 0, bytesPerSec: 0 }

/** The runs of a ledger: the newest one, and a short history. */
export class RunTable {
  readonly #write: () => void
  readonly #newest: StatementSync
  readonly #finished: StatementSync
  readonly #insert: StatementSync
  readonly #update: StatementSync
  readonly #trim: StatementSync

  constructor(database: DatabaseSync, write: () => void) {
    this.#write = write
    this.#newest = database.prepare('SELECT * FROM runs ORDER BY id DESC LIMIT 1')
    this.#finished = database.prepare('SELECT * FROM runs WHERE finished_ms IS NOT NULL ORDER BY id DESC LIMIT 1')
    this.#insert = database.prepare(
      `INSERT INTO runs (places, source, target, plan, pass, counts, begun_ms, updated_ms)
        VALUES (?, ?, ?, ?, 'copy', '{}', ?, ?)`,
    )
    this.#update = database.prepare(
      `UPDATE runs SET pass = ?, checkpoint = ?, counts = ?, total = ?, left_out = ?, held_back = ?, rates = ?,
        updated_ms = ?, finished_ms = ? WHERE id = ?`,
    )
    this.#trim = database.prepare('DELETE FROM runs WHERE id <= ?')
  }

  newest(): RunRow | undefined {
    const row = this.#newest.get() as unknown as Raw | undefined
    return row === undefined ? undefined : runOf(row)
  }

  lastFinished(): FinishedRun | undefined {
    const row = this.#finished.get() as unknown as Raw | undefined
    if (row === undefined) return undefined
    const { begunAt, finishedAt, counts, total } = runOf(row)
    return { begunAt, finishedAt: finishedAt!, counts, total }
  }

  /** Begins a run. */
  add(run: Pick<RunRow, 'places' | 'source' | 'target' | 'plan'>): RunRow {
    this.#write()
    const now = Date.now()
    const { lastInsertRowid } = this.#insert.run(run.places, run.source, run.target, JSON.stringify(run.plan), now, now)
    this.#trim.run(Number(lastInsertRowid) - MAX_RUNS)
    return this.newest()!
  }

  /** Stores the state of a run. Does not begin a transaction. */
  store(run: RunRow): void {
    const { id, pass, checkpoint, counts, total, hasLeftOut, heldBack, rates, updatedAt, finishedAt } = run
    this.#update.run(
      pass,
      checkpoint ?? null,
      JSON.stringify(counts),
      total === undefined ? null : JSON.stringify(total),
      hasLeftOut ? 1 : 0,
      heldBack ?? null,
      JSON.stringify(rates),
      updatedAt.getTime(),
      finishedAt?.getTime() ?? null,
      id,
    )
  }
}

/** A damaged database can return any value. */
function runOf(row: Raw): RunRow {
  try {
    const run = parsed(row)
    const areTexts = [run.places, run.source, run.target].every(text => typeof text === 'string')
    const arePlain = [run.plan, run.rates, ...(run.total === undefined ? [] : [run.total])].every(isRecord)
    const areCounts = Object.values(run.counts).every(count => Number.isFinite(count))
    const areTimes = [run.begunAt, run.updatedAt, run.finishedAt ?? run.begunAt].every(time => !Number.isNaN(+time))
    if (areTexts && arePlain && areCounts && areTimes && PASSES.has(run.pass)) return run
  } catch (error) {
    throw new DamagedRow('a run cannot be read', error)
  }
  throw new DamagedRow('a run cannot be read')
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

function parsed(row: Raw): RunRow {
  return {
    id: row.id,
    places: row.places,
    source: row.source,
    target: row.target,
    plan: JSON.parse(row.plan) as MigrationPlan,
    pass: row.pass,
    checkpoint: row.checkpoint ?? undefined,
    counts: new Tally(JSON.parse(row.counts) as Partial<Tally>),
    total: row.total === null ? undefined : (JSON.parse(row.total) as Total),
    hasLeftOut: row.left_out === 1,
    heldBack: row.held_back ?? undefined,
    rates: row.rates === null ? NO_RATES : (JSON.parse(row.rates) as StoredRates),
    begunAt: new Date(row.begun_ms),
    updatedAt: new Date(row.updated_ms),
    finishedAt: row.finished_ms === null ? undefined : new Date(row.finished_ms),
  }
}
