import Database from 'better-sqlite3'
import { drizzle as betterSqlite } from 'drizzle-orm/better-sqlite3'
import * as mysql from 'drizzle-orm/mysql-core'
import { drizzle as mysql2 } from 'drizzle-orm/mysql2'
import { drizzle as nodePostgres } from 'drizzle-orm/node-postgres'
import * as pg from 'drizzle-orm/pg-core'
import * as sqlite from 'drizzle-orm/sqlite-core'
import { createPool } from 'mysql2/promise'
import { Pool } from 'pg'
import { fileColumn } from '../../../src/orm/drizzle/index.ts'
import type { OrmGround, OrmPlace } from '../suite/conformance.ts'
import { drizzleGround, type Rows, type Tx } from './ground.ts'

export const sqliteTable = (place: OrmPlace) =>
  sqlite.sqliteTable('resumes', {
    id: sqlite.integer().primaryKey({ autoIncrement: true }),
    title: sqlite.text().notNull(),
    pdf: fileColumn(sqlite.customType, place.pdf()),
    photo: fileColumn(sqlite.customType, place.photo()),
  })

const pgTable = (place: OrmPlace) =>
  pg.pgTable('resumes', {
    id: pg.serial().primaryKey(),
    title: pg.text().notNull(),
    pdf: fileColumn(pg.customType, place.pdf()),
    photo: fileColumn(pg.customType, place.photo()),
  })

const mysqlTable = (place: OrmPlace) =>
  mysql.mysqlTable('resumes', {
    id: mysql.int().primaryKey().autoincrement(),
    title: mysql.varchar({ length: 190 }).notNull(),
    pdf: fileColumn(mysql.customType, place.pdf()),
    photo: fileColumn(mysql.customType, place.photo()),
  })

/** Opens a database by its URL with a pool of connections, or SQLite by the name of its file. */
export function openDrizzle(place: OrmPlace, database: string, connections = 10): Promise<OrmGround<Tx>> {
  if (database.startsWith('postgres:')) {
    const client = new Pool({ connectionString: database, max: connections })
    client.on('error', () => {})
    const db = nodePostgres({ client })
    const run = async (text: string, on: unknown = db) => (await (on as typeof db).execute(text)).rows as Rows
    const close = () => client.end()
    return drizzleGround({ dialect: 'postgres', db, resumes: pgTable(place), run, close }, place)
  }
  if (database.startsWith('mariadb:')) {
    const client = createPool({ uri: database.replace(/^mariadb:/, 'mysql:'), connectionLimit: connections })
    const db = mysql2({ client })
    const run = async (text: string) => (await db.execute(text))[0] as unknown as Rows
    const close = () => client.end()
    return drizzleGround({ dialect: 'mariadb', db, resumes: mysqlTable(place), run, close }, place)
  }
  const client = new Database(database)
  const run = async (text: string): Promise<Rows> => {
    const statement = client.prepare(text)
    if (statement.reader) return statement.all() as Rows
    statement.run()
    return []
  }
  const close = async () => void client.close()
  return drizzleGround(
    { dialect: 'sqlite', db: betterSqlite({ client }), resumes: sqliteTable(place), run, close },
    place,
  )
}
