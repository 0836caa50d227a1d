import { randomUUID } from 'node:crypto'
import type { MigrationHeldBack, MigrationPlan } from '../transfer/migrate/types.ts'
import { heldBack } from '../transfer/removal.ts'
import type { Sql } from './postgres.ts'
import type { JobQueue } from './queue.ts'
import { nextStage, type Stage } from './stages.ts'

/** What the ledger stores of a migration besides the plan of one machine. */
export interface FleetPlan extends MigrationPlan {
  /** Names in a page. */
  readonly pageSize: number
  /** Bytes per second of all workers together. */
  readonly bandwidth?: number | undefined
  /** Age in seconds from which unfinished uploads at the target are removed at the end, if a worker was lost. */
  readonly sweepAgeSecs: number
}

/** The columns of `migrations` that are added up. */
export const COUNTERS = [
  'seen',
  'copied',
  'unchanged',
  'skipped',
  'verified',
  'different',
  'compared',
  'without_digest',
  'size_only',
  'extra',
  'deleted',
  'bytes',
  'at_target',
  'listed',
  'listed_bytes',
  'lost',
  'open',
] as const

export type Counter = (typeof COUNTERS)[number]
export type Changes = Readonly<Partial<Record<Counter, number>>>

interface EndRow {
  readonly stage: Stage
  readonly round: number
  readonly plan: string
  readonly open: string
  readonly seen: string
  readonly at_target: string
  readonly extra: string
  readonly left_out: boolean
  readonly lost: string
  readonly held_back: string | null
}

/**
 * Adds to the counters of a migration and, if nothing is open any more, begins its next stage or ends it. It is the last step of a
 * transaction, since it locks the migration's row. Returns whether the migration has ended.
 */
export async function addUp(sql: Sql, queue: JobQueue, id: string, changes: Changes): Promise<boolean> {
  const names = COUNTERS.filter(name => (changes[name] ?? 0) !== 0)
  const sets = names.map((name, at) => `${name} = ${name} + $${at + 2}`)
  const [row] = await sql.query<EndRow>(
    `UPDATE holdall_fleet.migrations SET ${[...sets, 'updated_at = now()'].join(', ')}
     WHERE id = $1 RETURNING stage, round, plan, open, seen, at_target, extra, left_out, lost, held_back`,
    [id, ...names.map(name => changes[name])],
  )
  if (row === undefined || BigInt(row.open) > 0n) return false
  return endStage(sql, queue, id, row)
}

async function endStage(sql: Sql, queue: JobQueue, id: string, row: EndRow): Promise<boolean> {
  const plan = JSON.parse(row.plan) as FleetPlan
  const [failures] = await sql.query<{ all: string; retryable: string; differing: string }>(
    `SELECT count(*) AS all, count(*) FILTER (WHERE stage = 'copy' AND NOT refused) AS retryable,
       count(*) FILTER (WHERE stage = 'verify') AS differing
     FROM holdall_fleet.failures WHERE migration = $1`,
    [id],
  )
  const [broken] = await sql.query<{ count: string }>(
    `SELECT (SELECT count(*) FROM holdall_fleet.pages WHERE migration = $1 AND state = 'failed')
       + (SELECT count(*) FROM holdall_fleet.ranges WHERE migration = $1 AND state = 'failed') AS count`,
    [id],
  )
  const failed = Number(failures!.all) + Number(broken!.count)
  const isVerified = row.stage === 'verify' || row.stage === 'differences'
  const differing = Number(failures!.differing)
  const isAgain = row.stage === 'verify' && differing > 0
  const held: MigrationHeldBack | undefined =
    plan.delete && isVerified && !isAgain ? whyHeldBack(row, plan, failed, differing) : undefined
  const next = nextStage({
    stage: row.stage,
    round: row.round,
    verify: plan.verify !== false,
    delete: plan.delete && Number(row.extra) > 0,
    retryable: Number(failures!.retryable),
    differing,
    heldBack: held,
    hasLost: Number(row.lost) > 0,
  })
  if (next !== undefined) {
    await sql.query(
      `UPDATE holdall_fleet.migrations SET stage = $2, round = $3, held_back = COALESCE($4, held_back) WHERE id = $1`,
      [id, next.stage, next.round, held ?? null],
    )
    if (next.stage === 'verify') await forgetVerify(sql, id)
    await openRanges(sql, queue, id, next.stage, [{}])
    return false
  }
  await sql.query('DELETE FROM holdall_fleet.workers WHERE migration = $1', [id])
  await sql.query(`DELETE FROM holdall_fleet.pages WHERE migration = $1 AND state = 'held'`, [id])
  const why = held ?? row.held_back
  await sql.query('UPDATE holdall_fleet.migrations SET state = $2, held_back = $3, finished_at = now() WHERE id = $1', [
    id,
    failed > 0 ? 'failed' : 'done',
    why,
  ])
  return true
}

/** Removes the results of an earlier verify pass: a retry of whole pages compares all names again. */
async function forgetVerify(sql: Sql, id: string): Promise<void> {
  await sql.query(
    `UPDATE holdall_fleet.migrations SET verified = 0, different = 0, compared = 0, extra = 0, at_target = 0 WHERE id = $1`,
    [id],
  )
  await sql.query(`DELETE FROM holdall_fleet.pages WHERE migration = $1 AND state = 'held'`, [id])
}

/** Returns why nothing may be deleted after the verify pass. */
function whyHeldBack(row: EndRow, plan: FleetPlan, failed: number, differing: number): MigrationHeldBack | undefined {
  if (Number(row.extra) > 0 && differing > 0) return 'differences'
  const counts = { wanted: Number(row.seen), atTarget: Number(row.at_target), extra: Number(row.extra) }
  return heldBack({ ...counts, failed, isIncomplete: row.left_out }, plan)
}

/** Bounds of a range as the ledger stores them. */
export interface StoredRange {
  readonly after?: string | null | undefined
  readonly until?: string | null | undefined
}

/** Adds ranges of names to be listed, with their jobs. */
export async function openRanges(
  sql: Sql,
  queue: JobQueue,
  migration: string,
  stage: Stage,
  ranges: readonly StoredRange[],
): Promise<void> {
  const ids = ranges.map(() => randomUUID())
  await sql.query(
    `INSERT INTO holdall_fleet.ranges (id, migration, stage, job, after, until)
     SELECT r.id, $2, $3, r.id, r.after, r.until FROM unnest($1::uuid[], $4::text[], $5::text[]) AS r (id, after, until)`,
    [ids, migration, stage, ranges.map(({ after }) => after ?? null), ranges.map(({ until }) => until ?? null)],
  )
  await sql.query('UPDATE holdall_fleet.migrations SET open = open + $2 WHERE id = $1', [migration, ids.length])
  await queue.send(sql, 'ranges', migration, ids)
}
