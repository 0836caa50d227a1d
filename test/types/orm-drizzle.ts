/** Compiled by `npm run types`, never run: each `@ts-expect-error` fails the build when its line becomes valid. */
import { eq, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import * as mysql from 'drizzle-orm/mysql-core'
import type { MySql2Database } from 'drizzle-orm/mysql2'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import * as pg from 'drizzle-orm/pg-core'
import * as sqlite from 'drizzle-orm/sqlite-core'
import { type FieldFile, fileField, type ImageFieldFile, imageField, upload } from '../../src/fields/index.ts'
import { drizzleFiles, fileColumn } from '../../src/orm/drizzle/index.ts'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function assertType<T extends true>(): T | undefined {
  return undefined
}

const inSqlite = sqlite.sqliteTable('resumes', {
  id: sqlite.integer().primaryKey(),
  title: sqlite.text().notNull(),
  pdf: fileColumn(sqlite.customType, fileField()),
  photo: fileColumn(sqlite.customType, imageField(), 'photo_name').notNull(),
})
const inPg = pg.pgTable('resumes', {
  id: pg.serial().primaryKey(),
  title: pg.text().notNull(),
  pdf: fileColumn(pg.customType, fileField()),
})
const inMySql = mysql.mysqlTable('resumes', {
  id: mysql.int().primaryKey().autoincrement(),
  title: mysql.text().notNull(),
  pdf: fileColumn(mysql.customType, fileField()),
})

assertType<Equal<(typeof inSqlite.$inferSelect)['pdf'], FieldFile | null>>()
assertType<Equal<(typeof inSqlite.$inferSelect)['photo'], ImageFieldFile>>()
assertType<Equal<(typeof inSqlite.photo)['_']['name'], 'photo_name'>>()
assertType<Equal<(typeof inPg.$inferSelect)['pdf'], FieldFile | null>>()
assertType<Equal<(typeof inMySql.$inferSelect)['pdf'], FieldFile | null>>()

export async function sqliteRows(database: BetterSQLite3Database<{ inSqlite: typeof inSqlite }>): Promise<void> {
  const files = drizzleFiles(database, { inSqlite })
  const photo = new Blob([])
  const [row] = await files.insert(inSqlite, { title: 'a', pdf: Buffer.alloc(1), photo })
  assertType<Equal<typeof row, typeof inSqlite.$inferSelect | undefined>>()
  await files.insert(inSqlite, [
    { title: 'a', pdf: upload('x', 'a.txt'), photo: 'photos/a.png' },
    { title: sql`lower('A')`, pdf: null, photo },
  ])
  // @ts-expect-error a title is no number
  await files.insert(inSqlite, { title: 1, photo })
  // @ts-expect-error content is for file columns
  await files.insert(inSqlite, { title: photo, photo })
  // @ts-expect-error the column is not null
  await files.insert(inSqlite, { title: 'a', photo: null })
  // @ts-expect-error the file of an expression is not known
  await files.insert(inSqlite, { title: 'a', photo: sql`lower('A')` })
  // @ts-expect-error the title is missing
  await files.insert(inSqlite, { photo })
  // @ts-expect-error no such column
  await files.update(inSqlite, { name: 'x' }, undefined)
  // @ts-expect-error all rows are said by undefined
  await files.update(inSqlite, { title: 'x' })
  const count: number = await files.update(inSqlite, { pdf: new File([], 'x') }, eq(inSqlite.id, 1))
  await files.delete(inSqlite, eq(inSqlite.id, count))
  // Asynchronous, although the driver is not.
  const all: Promise<(typeof inSqlite.$inferSelect)[]> = files.db.select().from(inSqlite).all()
  const found = (await files.db.query.inSqlite.findMany())[0]!
  assertType<Equal<(typeof found)['pdf'], FieldFile | null>>()
  const attached = files.attach(inSqlite, found)
  assertType<Equal<(typeof attached)['pdf'], FieldFile>>()
  assertType<Equal<(typeof attached)['title'], string>>()
  const result = await files.transaction(async tx => (await tx.db.select().from(inSqlite)).length + (await all).length)
  assertType<Equal<typeof result, number>>()
  // @ts-expect-error Drizzle's own insert takes no content
  await database.insert(inSqlite).values({ title: 'a', photo })
}

export async function otherRows(one: NodePgDatabase, two: MySql2Database): Promise<void> {
  const [first] = await drizzleFiles(one, { inPg }).insert(inPg, { title: 'a', pdf: Buffer.alloc(1) })
  const [second] = await drizzleFiles(two, { inMySql }).insert(inMySql, { title: 'a', pdf: Buffer.alloc(1) })
  const ids: (number | undefined)[] = [first?.id, second?.id]
  const reader: NodePgDatabase = drizzleFiles(one, { inPg }).db
  await reader.insert(inPg).values({ title: `${ids}` })
}
