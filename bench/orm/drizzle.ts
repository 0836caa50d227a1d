import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { customType, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { FileRegistry, fileField } from '../../src/fields/index.ts'
import { MemoryStorage } from '../../src/index.ts'
import { drizzleFiles, fileColumn } from '../../src/orm/drizzle/index.ts'
import { type Found, ROWS, rowOf } from './found.ts'

/** Rows of better-sqlite3, with Drizzle: a text column of Drizzle's own against a file column through `files.db`. */
export async function start(): Promise<Found> {
  const storage = new MemoryStorage()
  const columns = { id: integer().primaryKey(), title: text() }
  const resumes = sqliteTable('resumes', { ...columns, pdf: fileColumn(customType, fileField({ storage })) })
  const texts = sqliteTable('texts', { ...columns, pdf: text() })
  const plain = drizzle(':memory:')
  for (const name of ['resumes', 'texts']) {
    plain.run(sql.raw(`CREATE TABLE ${name} (id INTEGER PRIMARY KEY, title TEXT, pdf TEXT)`))
    for (let n = 1; n <= ROWS; n++) {
      const { id, title, pdf } = rowOf(n)
      plain.run(sql`INSERT INTO ${sql.identifier(name)} VALUES (${id}, ${title}, ${pdf})`)
    }
  }
  const { db } = drizzleFiles(plain, { resumes }, { registry: new FileRegistry() })
  return {
    withFiles: async () => db.select().from(resumes),
    withText: async () => plain.select().from(texts),
    close: async () => void plain.$client.close(),
  }
}
