/** Resumes with files, on Prisma and better-sqlite3. `prisma/schema.prisma` has the model: `pdf String?` is the file's column. */
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { MemoryStorage } from 'holdall'
import { fileField, upload } from 'holdall/fields'
import { prismaFiles } from 'holdall/prisma'
import { PrismaClient } from './prisma/client/client.ts'

const storage = new MemoryStorage()
const client = new PrismaClient({ adapter: new PrismaBetterSqlite3({ url: ':memory:' }) })
// On a server, `prisma migrate` makes the tables.
await client.$executeRaw`CREATE TABLE Resume (id integer PRIMARY KEY AUTOINCREMENT, title text NOT NULL, pdf text)`

const db = client.$extends(prismaFiles({ Resume: { pdf: fileField({ storage, uploadTo: 'pdfs' }) } }))

// The file is uploaded first, and then the row is inserted.
const { id, pdf } = await db.resume.create({ data: { title: 'First', pdf: upload('one', 'cv.txt') } })
console.log('created', id, 'with', pdf.name)

// Rows have files wherever they are read.
const row = await db.resume.findUniqueOrThrow({ where: { id } })
console.log('it says', String(await row.pdf.read()))

// The old file goes after the update.
await db.resume.update({ where: { id }, data: { pdf: upload('two', 'new.txt') } })
console.log('pdfs/cv.txt is there:', await storage.exists('pdfs/cv.txt'))

// What a transaction uploads is removed when it rolls back.
const failing = db.$transaction(async tx => {
  await tx.resume.create({ data: { title: 'Second', pdf: upload('three', 'second.txt') } })
  throw new Error('changed my mind')
})
await failing.catch(error => console.log('rolled back:', error.message))
console.log('pdfs/second.txt is there:', await storage.exists('pdfs/second.txt'))

// A row can save its file itself.
const found = await db.resume.findUniqueOrThrow({ where: { id } })
await found.pdf.save('third.txt', Buffer.from('four'))
console.log('now it has', found.pdf.name)

await db.resume.delete({ where: { id } })
console.log('pdfs/third.txt is there:', await storage.exists('pdfs/third.txt'))

await db.$disconnect()
