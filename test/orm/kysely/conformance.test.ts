import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { ormConformance } from '../suite/conformance.ts'
import { kyselyGround } from './ground.ts'

ormConformance('kysely, better-sqlite3', place => {
  const dialect = new SqliteDialect({ database: new Database(':memory:') })
  return kyselyGround(new Kysely({ dialect }), 'sqlite', place)
})
