/** Resumes with files, on Kysely and better-sqlite3. */
import Database from 'better-sqlite3'
import { MemoryStorage } from 'holdall'
import { fileField, upload } from 'holdall/fields'
import { type FileColumn, kyselyFiles } from 'holdall/kysely'
import { type Generated, Kysely, SqliteDialect } from 'kysely'

interface Tables {
  resumes: { id: Generated<number>; title: string; pdf: FileColumn }
}

const storage = new MemoryStorage()

// On a server this is the program's own database, and migrations make the tables.
const database = new Kysely<Tables>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
await database.schema
  .createTable('resumes')
  .addColumn('id', 'integer', column => column.primaryKey().autoIncrement())
  .addColumn('title', 'text', column => column.notNull())
  .addColumn('pdf', 'varchar(100)')
  .execute()

const files = kyselyFiles(database, { resumes: { pdf: fileField({ storage, uploadTo: 'pdfs' }) } })
const { db } = files

// The file is uploaded first, and then the row is inserted.
const [made] = await files.insert('resumes', { title: 'First', pdf: upload('one', 'cv.txt') })
console.log('inserted', made?.id, 'with', made?.pdf.name)

// Queries of `files.db` return files.
const row = await db.selectFrom('resumes').selectAll().where('title', '=', 'First').executeTakeFirstOrThrow()
console.log('it says', String(await row.pdf.read()))

// The old file goes after the update.
await files.update('resumes', { pdf: upload('two', 'new.txt') }, { title: 'First' })
console.log('pdfs/cv.txt is there:', await storage.exists('pdfs/cv.txt'))

// What a transaction uploads is removed when it rolls back.
const failing = files.transaction(async tx => {
  await tx.insert('resumes', { title: 'Second', pdf: upload('three', 'second.txt') })
  throw new Error('changed my mind')
})
await failing.catch(error => console.log('rolled back:', error.message))
console.log('pdfs/second.txt is there:', await storage.exists('pdfs/second.txt'))

// A row that was read can save its file itself.
await files.attach('resumes', row).pdf.save('third.txt', Buffer.from('four'))
console.log('now it has', row.pdf.name)

console.log('deleted', await files.delete('resumes', eb => eb('title', 'like', 'F%')), 'row')
console.log('pdfs/third.txt is there:', await storage.exists('pdfs/third.txt'))

await database.destroy()
