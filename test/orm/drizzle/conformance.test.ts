import { DatabaseSync } from 'node:sqlite'
import Database from 'better-sqlite3'
import { drizzle as betterSqlite } from 'drizzle-orm/better-sqlite3'
import { customType, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { drizzle as sqliteProxy } from 'drizzle-orm/sqlite-proxy'
import { fileColumn } from '../../../src/orm/drizzle/index.ts'
import { type OrmPlace, ormConformance } from '../suite/conformance.ts'
import { drizzleGround } from './ground.ts'

const resumesOf = (place: OrmPlace) =>
  sqliteTable('resumes', {
    id: integer().primaryKey({ autoIncrement: true }),
    title: text().notNull(),
    pdf: fileColumn(customType, place.pdf()),
    photo: fileColumn(customType, place.photo()),
  })

type Rows = Record<string, string>[]

ormConformance('drizzle, better-sqlite3', place => {
  const client = new Database(':memory:')
  const run = async (sql: string): Promise<Rows> => {
    const statement = client.prepare(sql)
    if (statement.reader) return statement.all() as Rows
    statement.run()
    return []
  }
  const db = betterSqlite({ client })
  return drizzleGround(
    { dialect: 'sqlite', db, resumes: resumesOf(place), run, close: async () => void client.close() },
    place,
  )
})

ormConformance('drizzle, sqlite-proxy over node:sqlite', place => {
  const client = new DatabaseSync(':memory:')
  const db = sqliteProxy(async (sql, parameters, method) => {
    const statement = client.prepare(sql)
    statement.setReturnArrays(true)
    const rows = statement.all(...parameters)
    return { rows: method === 'get' ? (rows[0] as unknown as unknown[]) : rows }
  })
  const run = async (sql: string): Promise<Rows> => client.prepare(sql).all() as Rows
  return drizzleGround(
    { dialect: 'sqlite', db, resumes: resumesOf(place), run, close: async () => client.close() },
    place,
  )
})
