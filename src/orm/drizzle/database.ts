import type { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core'
import type { OneConnection } from '../one-connection.ts'

/** The part of a database or transaction that this adapter uses; it is the same in all dialects. */
export interface Database
  extends Pick<BaseSQLiteDatabase<'async', unknown>, '_' | 'delete' | 'insert' | 'select' | 'update'> {
  readonly resultKind?: 'sync' | 'async'
  readonly dialect: object
  /** The primary of a database by `withReplicas`, which reads elsewhere. */
  readonly $primary?: Database
  readonly session: { prepareQuery(...options: unknown[]): Prepared; run(query: object): unknown }
  transaction<T>(work: (tx: Database) => Promise<T>): Promise<T>
}

type Prepared = Record<string, unknown> & Record<'run' | 'all' | 'get' | 'values', (...options: unknown[]) => unknown>

/** Returns the same SQLite database with statements that wait in a queue. It is asynchronous, even if its driver is not. */
export function databaseOn(connection: OneConnection, plain: Database): Database {
  const prepareQuery = (...options: unknown[]): Prepared => {
    const prepared = plain.session.prepareQuery(...options)
    const statement: Prepared = Object.create(prepared)
    for (const method of ['run', 'all', 'get', 'values', 'execute'] as const) {
      statement[method] = async (...values: unknown[]) =>
        connection.statement(() => {
          prepared.joinsNotNullableMap = statement.joinsNotNullableMap
          return prepared[method === 'execute' ? (prepared.executeMethod as 'run') : method](...values)
        })
    }
    return statement
  }
  const session: object = Object.create(plain.session, { prepareQuery: { value: prepareQuery } })
  const Same = plain.constructor as new (...options: unknown[]) => Database
  return new Same('async', plain.dialect, session, plain._.schema && plain._)
}
