import Database from 'better-sqlite3'
import { Kysely, MysqlDialect, PostgresDialect, SqliteDialect } from 'kysely'
import { createPool } from 'mysql2'
import { Pool } from 'pg'
import type { OrmGround, OrmPlace } from '../suite/conformance.ts'
import { kyselyGround, type Tx } from './ground.ts'

/** Opens a database by its URL with a pool of connections, or SQLite by the name of its file. */
export function openKysely(place: OrmPlace, database: string, connections = 10): Promise<OrmGround<Tx>> {
  if (database.startsWith('postgres:')) {
    const pool = new Pool({ connectionString: database, max: connections })
    pool.on('error', () => {})
    return kyselyGround(new Kysely({ dialect: new PostgresDialect({ pool }) }), 'postgres', place)
  }
  if (database.startsWith('mariadb:')) {
    const pool = createPool({ uri: database.replace(/^mariadb:/, 'mysql:'), connectionLimit: connections })
    return kyselyGround(new Kysely({ dialect: new MysqlDialect({ pool }) }), 'mariadb', place)
  }
  const dialect = new SqliteDialect({ database: new Database(database) })
  return kyselyGround(new Kysely({ dialect }), 'sqlite', place)
}
