/** What the database of a fleet holds, by queries of our own, and whether the counts of a migration add up. */
import { Client } from 'pg'
import type { MigrationStatus } from '../../../src/core/migration-status.ts'
import type { PlannedFile } from './tree.ts'

/** Everything of a fleet that waits, runs or could still run, a line for each kind; nothing once all migrations have ended. */
export async function leftovers(url: string): Promise<string[]> {
  const client = new Client(url)
  await client.connect()
  try {
    const counted = async (what: string, text: string): Promise<string[]> => {
      const { rows } = await client.query<{ state: string; count: string }>(text)
      return rows.map(({ state, count }) => `${count} ${what} ${state}`)
    }
    return [
      ...(await counted('pages', 'SELECT state, count(*) FROM holdall_fleet.pages GROUP BY 1 ORDER BY 1')),
      ...(await counted('ranges', `SELECT state, count(*) FROM holdall_fleet.ranges WHERE state <> 'done' GROUP BY 1`)),
      ...(await counted(
        'jobs',
        `SELECT name || ' ' || state::text AS state, count(*) FROM holdall_queue.job
         WHERE name LIKE 'holdall-%' AND state::text NOT IN ('completed', 'cancelled') GROUP BY 1 ORDER BY 1`,
      )),
    ]
  } finally {
    await client.end()
  }
}

/** What does not add up in the counts of a migration that copied these files to an empty place, of which some failed. */
export function miscounts(status: MigrationStatus, files: readonly PlannedFile[], failed: readonly string[]): string[] {
  const { counts, failures, state } = status
  const { seen, copied, unchanged, skipped } = counts
  const wrong: string[] = []
  const expect = (what: string, got: unknown, wanted: unknown): void => {
    if (got !== wanted) wrong.push(`${what} is ${got}, not ${wanted}`)
  }
  const good = files.filter(({ name }) => !failed.includes(name))
  expect('seen', seen, files.length)
  expect('copied + unchanged + skipped + failed', copied + unchanged + skipped + counts.failed, files.length)
  expect('failed', counts.failed, failed.length)
  expect('skipped', skipped, 0)
  expect('the sum of the failures by code', sum(Object.values(failures)), failed.length)
  // A file whose page was taken away from a killed process is unchanged for the next one; it is never copied and counted twice.
  const bytes = sum(good.map(({ size }) => size))
  if (unchanged === 0) expect('bytes', counts.bytes, bytes)
  else if (counts.bytes > bytes) wrong.push(`bytes is ${counts.bytes}, more than the ${bytes} of all files`)
  expect('state', state, failed.length === 0 ? 'done' : 'failed')
  return wrong
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0)
}
