import { randomUUID } from 'node:crypto'
import { never } from '../core/abort.ts'
import { StorageError } from '../core/errors.ts'
import { checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import { nameFilter } from '../transfer/checked-options.ts'
import { checkPlanValues } from '../transfer/migrate/checked-options.ts'
import { checkSamePlan, planOf } from '../transfer/migrate/plan.ts'
import type { VerifyMode } from '../transfer/migrate/types.ts'
import type { Places } from '../transfer/places.ts'
import { withFleet } from './fleet.ts'
import { areOrdered } from './listing.ts'
import { type FleetPlan, openRanges } from './migrations.ts'
import type { Sql } from './postgres.ts'
import { type FleetStatus, statuses } from './status.ts'
import { digestOfTexts, escaped } from './texts.ts'
import { openPlaces, type PlaceOf } from './work.ts'

/** Names in a page. */
const PAGE_SIZE = 500
/** Age in seconds from which an unfinished upload is removed after a worker was lost. */
const SWEEP_AGE_SECS = 3600
/** Advisory lock of the plans. */
const LOCK = 4_711_202_612

/** What a migration of a fleet does. */
export interface PlanOptions {
  /** Both places, as every worker can resolve them: `alias:path`, or a folder that all machines have. */
  readonly source: string
  readonly target: string
  /** Returns the place that such a text names; used to check the plan. */
  readonly placeOf: PlaceOf
  /** Glob patterns of the names that take part, on both sides; default: all. */
  readonly include?: readonly string[] | undefined
  readonly exclude?: readonly string[] | undefined
  /** What is compared after the copies; default `size`. False: nothing. */
  readonly verify?: VerifyMode | false | undefined
  /** Only copies files that were modified at or after this time; `last`: since the last finished run of these places began. Default: all. */
  readonly since?: Date | 'last' | undefined
  /** Whether files that only the target has are deleted, after a verify pass that found no difference; default false. */
  readonly delete?: boolean | undefined
  /** Deletes nothing if more than this percentage of the target's files would be deleted; default 50. */
  readonly maxDelete?: number | undefined
  /** Whether `delete` may empty the target if the source is empty; default false. */
  readonly allowEmptySource?: boolean | undefined
  readonly times?: boolean | undefined
  readonly visibility?: boolean | undefined
  /** Maximum number of bytes per second of all workers together; default: unlimited. */
  readonly bandwidth?: number | undefined
  /** Number of names in a page, the unit of work; default 500. */
  readonly pageSize?: number | undefined
  /**
   * Age in seconds from which unfinished uploads in the target's folder are removed at the end, if a worker was lost; default 3600. Uploads of
   * other programs to that folder are not distinguished from those of the worker.
   */
  readonly sweepAgeSecs?: number | undefined
  /** Whether an unfinished migration of these places is forgotten and a new one begins; default false: the unfinished one goes on. */
  readonly restart?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

const PLAN_OPTIONS: KnownOptions<PlanOptions> = {
  source: true,
  target: true,
  placeOf: true,
  include: true,
  exclude: true,
  verify: true,
  since: true,
  delete: true,
  maxDelete: true,
  allowEmptySource: true,
  times: true,
  visibility: true,
  bandwidth: true,
  pageSize: true,
  sweepAgeSecs: true,
  restart: true,
  signal: true,
}

/**
 * Plans a migration; workers then carry it out. An unfinished one of the same places goes on, if the options are the same; a finished one
 * begins anew. Returns its status. `not_found`: the source's folder is missing. `invalid_argument`: the unfinished one has other options.
 * `unsupported`: the target treats different names as one, or `delete` needs listings by ranges of names that a side does
 * not have.
 *
 * @example
 * const placeOf = (text: string) => ({ storage: storages.get(text.replace(':', '')), path: '' })
 * const { id } = await planMigration('postgres://localhost/fleet', { source: 'old:', target: 'new:', placeOf })
 */
export async function planMigration(url: string, options: PlanOptions): Promise<FleetStatus> {
  const plan = checkedPlan(options)
  const { source, target, placeOf, since, restart = false, signal = never() } = options
  const places = await openPlaces(source, target, plan, { placeOf, signal })
  try {
    if (plan.delete && !areOrdered(places)) {
      const text =
        'fleet: delete: a side cannot list ranges of names, so the files that only the target has are unknown.'
      throw new StorageError('unsupported', text, { operation: 'fleet' })
    }
    if (await isEmpty(places, signal)) await places.checkEmptySource()
  } finally {
    places.end()
  }
  const digest = digestOfTexts(source, target)
  return withFleet(url, async (database, queue) => {
    const id = await database.transaction(async sql => {
      await sql.query(`SELECT pg_advisory_xact_lock(${LOCK})`)
      const [running] = await sql.query<{ id: string; plan: string }>(
        `SELECT id, plan FROM holdall_fleet.migrations WHERE places = $1 AND state = 'running'`,
        [digest],
      )
      const from = since === 'last' ? await lastBegin(sql, digest) : since?.toISOString()
      const whole = { ...plan, ...(from !== undefined && { since: from }) }
      if (running !== undefined && !restart) {
        checkSamePlan(`${source} to ${target}`, JSON.parse(running.plan), whole)
        return running.id
      }
      if (running !== undefined) await forget(sql, running.id)
      const id = randomUUID()
      await sql.query(
        `INSERT INTO holdall_fleet.migrations (id, places, source, target, plan, stage, state)
         VALUES ($1, $2, $3, $4, $5, 'copy', 'running')`,
        [id, digest, escaped(source), escaped(target), JSON.stringify(whole)],
      )
      await openRanges(sql, queue, id, 'copy', [{}])
      return id
    })
    return (await statuses(database, id))[0]!
  })
}

/** Removes a migration from the ledger, finished or not. Its jobs find nothing to do. */
export async function forget(sql: Sql, id: string): Promise<boolean> {
  const rows = await sql.query('DELETE FROM holdall_fleet.migrations WHERE id = $1 RETURNING id', [id])
  for (const table of ['ranges', 'pages', 'failures', 'workers']) {
    await sql.query(`DELETE FROM holdall_fleet.${table} WHERE migration = $1`, [id])
  }
  return rows.length > 0
}

async function isEmpty({ source }: Places, signal: AbortSignal): Promise<boolean> {
  for await (const _ of source.storage.entries(source.folder, { recursive: true, signal })) return false
  return true
}

async function lastBegin(sql: Sql, digest: Buffer): Promise<string | undefined> {
  const [row] = await sql.query<{ begun_at: Date }>(
    `SELECT begun_at FROM holdall_fleet.migrations WHERE places = $1 AND state = 'done' ORDER BY begun_at DESC LIMIT 1`,
    [digest],
  )
  return row?.begun_at.toISOString()
}

function checkedPlan(options: PlanOptions): FleetPlan {
  checkKnownOptions('planMigration', options, PLAN_OPTIONS)
  const { since, pageSize = PAGE_SIZE, sweepAgeSecs = SWEEP_AGE_SECS, bandwidth } = options
  for (const name of ['source', 'target'] as const) {
    if (typeof options[name] !== 'string' || options[name] === '')
      throw invalid(`${name}: expected a place such as 'alias:path'.`)
  }
  if (typeof options.placeOf !== 'function') throw invalid('placeOf: expected a function.')
  checkPlanValues(options, text => {
    throw invalid(`${text}.`)
  })
  if (since !== undefined && since !== 'last' && !(since instanceof Date && !Number.isNaN(+since))) {
    throw invalid(`since: expected a date, or 'last'.`)
  }
  if (!Number.isSafeInteger(pageSize) || pageSize < 1 || pageSize > 10_000) {
    throw invalid(`pageSize: expected an integer from 1 to 10000, got '${String(pageSize)}'.`)
  }
  if (!(sweepAgeSecs >= 0)) throw invalid(`sweepAgeSecs: expected a number of seconds, got '${String(sweepAgeSecs)}'.`)
  nameFilter(options)
  const { source: _source, since: _since, ...given } = options
  return { ...planOf(given), ...(bandwidth !== undefined && { bandwidth }), pageSize, sweepAgeSecs }
}

function invalid(text: string): StorageError {
  return new StorageError('invalid_argument', `planMigration: ${text}`, { operation: 'fleet' })
}
