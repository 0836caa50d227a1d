import { FileRegistry, fileField } from '../../src/fields/index.ts'
import { MemoryStorage } from '../../src/index.ts'
import { prismaFiles } from '../../src/orm/prisma/index.ts'
import { prismaClient } from '../../test/orm/prisma/clients.ts'
import { type Found, ROWS, rowOf } from './found.ts'

/** Prisma on better-sqlite3: the client itself, and extended. */
export async function start(): Promise<Found> {
  const client = prismaClient()
  await client.$executeRaw`CREATE TABLE resumes (id INTEGER PRIMARY KEY, title TEXT, pdf TEXT)`
  for (let n = 1; n <= ROWS; n++) await client.resume.create({ data: rowOf(n), select: { id: true } })
  const pdf = fileField({ storage: new MemoryStorage(), uploadTo: 'pdfs' })
  const db = client.$extends(prismaFiles({ Resume: { pdf } }, { registry: new FileRegistry() }))
  const select = { id: true, title: true, pdf: true }
  return {
    withFiles: () => db.resume.findMany({ select }),
    withText: () => client.resume.findMany({ select }),
    close: () => client.$disconnect(),
  }
}
