import { DatabaseSync } from 'node:sqlite'
import { drizzle } from 'drizzle-orm/sqlite-proxy'
import { ormConformance } from '../suite/conformance.ts'
import { drizzleGround, type Rows } from './ground.ts'
import { openDrizzle, sqliteTable } from './open.ts'

ormConformance('drizzle, better-sqlite3', place => openDrizzle(place, ':memory:'))

ormConformance('drizzle, sqlite-proxy over node:sqlite', place => {
  const client = new DatabaseSync(':memory:')
  const db = drizzle(async (sql, parameters, method) => {
    const statement = client.prepare(sql)
    statement.setReturnArrays(true)
    const rows = statement.all(...parameters)
    return { rows: method === 'get' ? (rows[0] as unknown as unknown[]) : rows }
  })
  const run = async (sql: string): Promise<Rows> => client.prepare(sql).all() as Rows
  const close = async () => client.close()
  return drizzleGround({ dialect: 'sqlite', db, resumes: sqliteTable(place), run, close }, place)
})
