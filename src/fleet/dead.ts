import { addUp } from './migrations.ts'
import type { Database } from './postgres.ts'
import type { JobQueue } from './queue.ts'

/** Number of jobs that are named at a time. */
const BATCH = 10

/** Names pages and ranges whose retries are used up in the ledger: they are not waited for any more. */
export async function buryDead(database: Database, queue: JobQueue): Promise<void> {
  for (const name of ['pages', 'ranges'] as const) {
    for (const job of await queue.dead(name, BATCH)) {
      await database.transaction(async sql => {
        if (!(await queue.buried(sql, name, job))) return
        const rows = await sql.query<{ migration: string }>(
          name === 'pages'
            ? `UPDATE holdall_fleet.pages SET state = 'failed', lease = NULL WHERE id = $1 AND state <> 'failed' RETURNING migration`
            : `UPDATE holdall_fleet.ranges SET state = 'failed' WHERE job = $1 AND state <> 'failed' RETURNING migration`,
          [job.id],
        )
        for (const { migration } of rows)
          await addUp(sql, queue, migration, { open: -1, lost: name === 'pages' ? 1 : 0 })
      })
    }
  }
}
