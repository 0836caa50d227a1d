import { sql } from 'drizzle-orm'
import type { Database, Prepared, Session } from './driver.ts'
import type { Level } from './levels.ts'

/**
 * The same SQLite database with statements that wait for their turn at the one connection. It is asynchronous, whether or not its driver is:
 * `transaction` of a synchronous one takes no asynchronous function, and would not roll that back.
 */
export function databaseOn(level: Level, db: Database): Database {
  const session: Session = Object.create(db.session, {
    prepareQuery: { value: (...options: unknown[]) => waiting(level, () => db.session.prepareQuery(...options)) },
  })
  const Same = db.constructor as new (kind: 'async', ...rest: unknown[]) => Database
  const made = new Same('async', db.dialect, session, db._.schema === undefined ? undefined : db._)
  for (const [name, value] of Object.entries(db)) {
    // `$client`, and what else drivers add.
    if (name.startsWith('$') && name !== '$with') Object.assign(made, { [name]: value })
  }
  return made
}

const METHODS = ['run', 'all', 'get', 'values', 'execute'] as const

function waiting(level: Level, prepare: () => Prepared): Prepared {
  let prepared: Prepared | undefined
  let failure: unknown
  try {
    prepared = prepare()
  } catch (error) {
    failure = error
  }
  const statement: Prepared = Object.create(prepared ?? null)
  for (const method of METHODS) {
    statement[method] = async placeholders => {
      if (prepared === undefined) throw failure
      return level.effective.turn(() => {
        prepared.joinsNotNullableMap = statement.joinsNotNullableMap
        return prepared[method === 'execute' ? prepared.executeMethod : method](placeholders)
      })
    }
  }
  return statement
}

/** Runs code between the beginning and the end of a transaction, or of a savepoint in one. */
export async function inTransaction<T>(db: Database, child: Level, begin: string, work: () => Promise<T>): Promise<T> {
  const savepoint = child.depth > 1 ? `holdall_${child.depth}` : undefined
  const run = async (text: string): Promise<void> => void (await db.session.run(sql.raw(text)))
  await run(savepoint === undefined ? begin : `savepoint ${savepoint}`)
  try {
    const result = await child.run(work)
    await run(savepoint === undefined ? 'commit' : `release savepoint ${savepoint}`)
    return result
  } catch (error) {
    try {
      if (savepoint === undefined) await run('rollback')
      else {
        await run(`rollback to savepoint ${savepoint}`)
        await run(`release savepoint ${savepoint}`)
      }
    } catch {
      // The first error says more; SQLite rolls some transactions back by itself.
    }
    throw error
  }
}
