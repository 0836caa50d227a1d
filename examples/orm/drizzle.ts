/** Resumes with files, on Drizzle and better-sqlite3. */
import { eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { customType, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { MemoryStorage } from 'holdall'
import { drizzleFiles, fileColumn } from 'holdall/drizzle'
import { fileField, upload } from 'holdall/fields'

const storage = new MemoryStorage()

const resumes = sqliteTable('resumes', {
  id: integer().primaryKey({ autoIncrement: true }),
  title: text().notNull(),
  pdf: fileColumn(customType, fileField({ storage, uploadTo: 'pdfs' })),
})
const schema = { resumes }

// On a server this is the program's own database, and migrations make the tables.
const database = drizzle(':memory:', { schema })
database.run(sql`CREATE TABLE resumes (id integer PRIMARY KEY AUTOINCREMENT, title text NOT NULL, pdf varchar(100))`)

const files = drizzleFiles(database, schema)
const { db } = files

// The file is uploaded first, and then the row is inserted.
const [made] = await files.insert(resumes, { title: 'First', pdf: upload('one', 'cv.txt') })
console.log('inserted', made?.id, 'with', made?.pdf?.name)

// Rows have files wherever they are read.
const row = await db.query.resumes.findFirst({ where: eq(resumes.title, 'First') })
console.log('it says', String(await row?.pdf?.read()))

// The old file goes after the update.
await files.update(resumes, { pdf: upload('two', 'new.txt') }, eq(resumes.title, 'First'))
console.log('pdfs/cv.txt is there:', await storage.exists('pdfs/cv.txt'))

// What a transaction uploads is removed when it rolls back.
const failing = files.transaction(async tx => {
  await tx.insert(resumes, { title: 'Second', pdf: upload('three', 'second.txt') })
  throw new Error('changed my mind')
})
await failing.catch(error => console.log('rolled back:', error.message))
console.log('pdfs/second.txt is there:', await storage.exists('pdfs/second.txt'))

// A row that was read can save its file itself.
const [found] = await db.select().from(resumes)
if (found !== undefined) await files.attach(resumes, found).pdf.save('third.txt', Buffer.from('four'))
console.log('now it has', found?.pdf?.name)

console.log('deleted', await files.delete(resumes, eq(resumes.title, 'First')), 'row')
console.log('pdfs/third.txt is there:', await storage.exists('pdfs/third.txt'))

database.$client.close()
