import Database from 'better-sqlite3'
import { type Generated, Kysely, SqliteDialect, sql } from 'kysely'
import { FileRegistry, fileField } from '../../src/fields/index.ts'
import { MemoryStorage } from '../../src/index.ts'
import { type FileColumn, kyselyFiles } from '../../src/orm/kysely/index.ts'
import { type Found, ROWS, rowOf } from './found.ts'

interface Tables {
  resumes: { id: Generated<number>; title: string; pdf: FileColumn }
  texts: { id: Generated<number>; title: string; pdf: string }
}

/** Rows of better-sqlite3, with Kysely. */
export async function start(): Promise<Found> {
  const plain = new Kysely<Tables>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
  for (const name of ['resumes', 'texts'] as const) {
    await sql`CREATE TABLE ${sql.table(name)} (id INTEGER PRIMARY KEY, title TEXT, pdf TEXT)`.execute(plain)
    for (let n = 1; n <= ROWS; n++) await plain.insertInto(name).values(rowOf(n)).execute()
  }
  const pdf = fileField({ storage: new MemoryStorage(), uploadTo: 'pdfs' })
  const { db } = kyselyFiles(plain, { resumes: { pdf } }, { registry: new FileRegistry() })
  return {
    withFiles: () => db.selectFrom('resumes').selectAll().execute(),
    withText: () => plain.selectFrom('texts').selectAll().execute(),
    close: () => plain.destroy(),
  }
}
