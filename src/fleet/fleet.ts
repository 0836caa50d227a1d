import { Database } from './postgres.ts'
import { type JobQueue, PgBossQueue } from './queue.ts'
import { createTables } from './schema.ts'

/** Opens ledger and queue for one operation, and closes them afterwards. */
export async function withFleet<T>(url: string, work: (database: Database, queue: JobQueue) => Promise<T>): Promise<T> {
  return withLedger(url, async database => {
    const queue = new PgBossQueue(database)
    await queue.start()
    try {
      return await work(database, queue)
    } finally {
      await queue.stop().catch(() => {})
    }
  })
}

/** The same without the queue, for what only reads. */
export async function withLedger<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await Database.open(url)
  try {
    await createTables(database)
    return await work(database)
  } finally {
    await database.close()
  }
}
