import { randomUUID } from 'node:crypto'
import { StorageError } from '../core/errors.ts'
import { withFleet, withLedger } from './fleet.ts'
import { checkUuid } from './ids.ts'
import { openRanges } from './migrations.ts'
import { forget } from './plan.ts'
import { type FleetStatus, statuses } from './status.ts'

/**
 * Lets workers try the failed files of a migration again, and pages whose retries are used up; returns its status. `not_found`: the ledger
 * does not have it. `exists`: another migration of the same places is unfinished.
 */
export async function retryMigration(url: string, id: string): Promise<FleetStatus> {
  checkUuid(id)
  return withFleet(url, async (database, queue) => {
    await database.transaction(async sql => {
      const [row] = await sql.query<{ state: string; others: string }>(
        `SELECT state, (SELECT count(*) FROM holdall_fleet.migrations o
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
      const pages = await sql.query<{ id: string }>(
        `SELECT id FROM holdall_fleet.pages WHERE migration = $1 AND state = 'failed'`,
        [id],
      )
      const jobs = pages.map(() => randomUUID())
      await sql.query(
        `UPDATE holdall_fleet.pages p SET id = n.job, state = 'waiting', attempt = -1, lease = NULL
         FROM unnest($1::uuid[], $2::uuid[]) AS n (id, job) WHERE p.id = n.id`,
        [pages.map(page => page.id), jobs],
      )
      await queue.send(sql, 'pages', jobs)
      const ranges = await sql.query<{ id: string }>(
        `SELECT id FROM holdall_fleet.ranges WHERE migration = $1 AND state = 'failed'`,
        [id],
      )
      const lists = ranges.map(() => randomUUID())
      await sql.query(
        `UPDATE holdall_fleet.ranges r SET job = n.job, state = 'open'
         FROM unnest($1::uuid[], $2::uuid[]) AS n (id, job) WHERE r.id = n.id`,
        [ranges.map(range => range.id), lists],
      )
      await queue.send(sql, 'ranges', lists)
      await sql.query('UPDATE holdall_fleet.migrations SET open = open + $2 WHERE id = $1', [
        id,
        jobs.length + lists.length,
      ])
      if (row.state === 'running') return
      await sql.query(
        `UPDATE holdall_fleet.migrations SET state = 'running', stage = 'again', round = 0, finished_at = NULL, updated_at = now() WHERE id = $1`,
        [id],
      )
      await openRanges(sql, queue, id, 'again', [{}])
    })
    return (await statuses(database, id))[0]!
  })
}

/** Removes a migration from the ledger, finished or not; workers stop working on it. Returns whether it was there. */
export async function forgetMigration(url: string, id: string): Promise<boolean> {
  checkUuid(id)
  return withLedger(url, database => database.transaction(sql => forget(sql, id)))
}

function missing(id: string): StorageError {
  return new StorageError('not_found', `fleet: there is no migration '${id}'.`, { operation: 'fleet' })
}
