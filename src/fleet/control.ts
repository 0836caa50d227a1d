import { randomUUID } from 'node:crypto'
import { StorageError } from '../core/errors.ts'
import { withFleet, withLedger } from './fleet.ts'
import { checkUuid } from './ids.ts'
import { type FleetPlan, openRanges } from './migrations.ts'
import { forget } from './plan.ts'
import type { Sql } from './postgres.ts'
import type { JobQueue } from './queue.ts'
import { PASSES, type Stage } from './stages.ts'
import { type FleetStatus, statuses } from './status.ts'

/** Stages whose pages are complete by themselves: what they copy is compared at once. */
const ALONE: ReadonlySet<Stage> = new Set(['again', 'differences', 'sweep'])

/**
 * Lets workers try the failed files of a migration again, and pages whose retries are used up; returns its status. After such pages and
 * failed deletions, all names are compared again. `not_found`: the ledger does not have it. `exists`: another migration of the same places
 * is unfinished, or this one is, and has begun to compare without those pages.
 */
export async function retryMigration(url: string, id: string): Promise<FleetStatus> {
  checkUuid(id)
  return withFleet(url, async (database, queue) => {
    await database.transaction(async sql => {
      const [row] = await sql.query<{ state: string; stage: Stage; plan: string; others: string }>(
        `SELECT state, stage, plan, (SELECT count(*) FROM holdall_fleet.migrations o
           WHERE o.places = m.places AND o.state = 'running' AND o.id <> m.id) AS others
         FROM holdall_fleet.migrations m WHERE id = $1 FOR UPDATE`,
        [id],
      )
      if (row === undefined) throw missing(id)
      if (Number(row.others) > 0) {
        throw new StorageError('exists', 'fleet: another migration of the same places is unfinished.', {
          operation: 'fleet',
        })
      }
      const isVerified = (JSON.parse(row.plan) as FleetPlan).verify !== false
      const broken = await reopen(sql, queue, id)
      if (row.state === 'running') {
        if (isVerified && broken.some(stage => PASSES[stage] === 'copy') && PASSES[row.stage] !== 'copy') {
          throw new StorageError(
            'exists',
            `fleet: migration '${id}' is unfinished: try its pages again when it has ended.`,
            {
              operation: 'fleet',
            },
          )
        }
        return
      }
      const deletions = isVerified
        ? await sql.query(
            `DELETE FROM holdall_fleet.failures WHERE migration = $1 AND stage = 'delete' RETURNING 1 AS one`,
            [id],
          )
        : []
      // The names of whole pages are not known, so that all are compared; and only a comparison finds what is to be deleted.
      const isWhole = isVerified && (broken.some(stage => !ALONE.has(stage)) || deletions.length > 0)
      const stage: Stage = isWhole ? 'retry' : 'again'
      await sql.query(
        `UPDATE holdall_fleet.migrations SET state = 'running', stage = $2, round = 0, finished_at = NULL, updated_at = now(),
           held_back = CASE WHEN $3 THEN NULL ELSE held_back END
         WHERE id = $1`,
        [id, stage, isWhole],
      )
      await openRanges(sql, queue, id, stage, [{}])
    })
    return (await statuses(database, id))[0]!
  })
}

/** Gives pages and ranges whose retries are used up back to the queue; returns the stages that they are of. */
async function reopen(sql: Sql, queue: JobQueue, id: string): Promise<readonly Stage[]> {
  const pages = await sql.query<{ id: string; stage: Stage }>(
    `SELECT id, stage FROM holdall_fleet.pages WHERE migration = $1 AND state = 'failed'`,
    [id],
  )
  const jobs = pages.map(() => randomUUID())
  await sql.query(
    `UPDATE holdall_fleet.pages p SET id = n.job, state = 'waiting', attempt = -1, lease = NULL
     FROM unnest($1::uuid[], $2::uuid[]) AS n (id, job) WHERE p.id = n.id`,
    [pages.map(page => page.id), jobs],
  )
  await queue.send(sql, 'pages', id, jobs)
  const ranges = await sql.query<{ id: string; stage: Stage }>(
    `SELECT id, stage FROM holdall_fleet.ranges WHERE migration = $1 AND state = 'failed'`,
    [id],
  )
  const lists = ranges.map(() => randomUUID())
  await sql.query(
    `UPDATE holdall_fleet.ranges r SET job = n.job, state = 'open'
     FROM unnest($1::uuid[], $2::uuid[]) AS n (id, job) WHERE r.id = n.id`,
    [ranges.map(range => range.id), lists],
  )
  await queue.send(sql, 'ranges', id, lists)
  await sql.query('UPDATE holdall_fleet.migrations SET open = open + $2 WHERE id = $1', [
    id,
    jobs.length + lists.length,
  ])
  return [...pages, ...ranges].map(({ stage }) => stage)
}

/** Removes a migration from the ledger, finished or not; workers stop working on it. Returns whether it was there. */
export async function forgetMigration(url: string, id: string): Promise<boolean> {
  checkUuid(id)
  return withLedger(url, database => database.transaction(sql => forget(sql, id)))
}

function missing(id: string): StorageError {
  return new StorageError('not_found', `fleet: there is no migration '${id}'.`, { operation: 'fleet' })
}
