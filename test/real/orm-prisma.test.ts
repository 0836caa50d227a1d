/** Prisma over the servers: connections and transactions side by side. */
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { fileField, upload } from '../../src/fields/index.ts'
import { prismaFiles } from '../../src/orm/prisma/index.ts'
import { makeTables, prismaClient } from '../orm/prisma/clients.ts'
import { openPrisma } from '../orm/prisma/ground.ts'
import { type Dialect, OrmPlace, ormConformance } from '../orm/suite/conformance.ts'
import { ormCrashes } from '../orm/suite/crashes.ts'
import { failure } from '../orm/suite/kit.ts'
import { startMariadb } from '../servers/mariadb.ts'
import { startPostgres } from '../servers/postgres.ts'

const [first, second] = await Promise.all([startPostgres(), startMariadb()])
afterAll(() => Promise.all([first.close(), second.close()]))

const servers = { postgres: first, mariadb: second } as const

for (const [dialect, server] of Object.entries(servers) as [Exclude<Dialect, 'sqlite'>, typeof first][]) {
  ormConformance(`Prisma with ${dialect}`, async place => openPrisma(place, await server.createDatabase()))
  const child = join(import.meta.dirname, '../orm/prisma/crash.child.ts')
  ormCrashes(`Prisma with ${dialect}`, { child, open: openPrisma, database: () => server.createDatabase() })

  describe(`Prisma with ${dialect}`, () => {
    const place = new OrmPlace('underscore')
    const { storage, registry } = place
    const one = upload('one', 'one.txt')
    const start = async (connections?: number) => {
      await place.reset()
      const client = prismaClient(await server.createDatabase(), connections)
      await makeTables(client, dialect)
      const photo = fileField({ storage, uploadTo: 'photos' })
      const fields = { Resume: { pdf: fileField({ storage, uploadTo: 'pdfs' }) }, Person: { photo } }
      const db = client.$extends(prismaFiles(fields, { registry }))
      return {
        client,
        db,
        [Symbol.asyncDispose]: async () => {
          db.$files.detach()
          await client.$disconnect()
        },
      }
    }

    it('rows with a key of text or UUID save their files, and nested ones store them', async () => {
      await using on = await start()
      const team = { create: [{ name: 'Bo', photo: one }] }
      const ada = await on.db.person.create({ data: { name: 'Ada', team }, include: { team: true } })
      await ada.photo.save('ada.txt', Buffer.from('ada'))
      await ada.team[0]?.photo.save('bo.txt', Buffer.from('bo'))
      expect(await place.files()).toEqual(['photos/ada.txt', 'photos/bo.txt'])
      await on.db.person.delete({ where: { id: ada.team[0]!.id } })
      expect(await place.files()).toEqual(['photos/ada.txt'])
    })

    it('a call by the client itself within a transaction loses nothing when that rolls back', async () => {
      await using on = await start()
      await on.db.resume.create({ data: { title: 'a', pdf: one } })
      const work = on.db.$transaction(async tx => {
        await on.db.resume.update({ where: { title: 'a' }, data: { pdf: upload('two', 'two.txt') } })
        await tx.resume.create({ data: { title: 'b', pdf: upload('b', 'b.txt') } })
        throw new Error('stop')
      })
      await failure(work)
      const { pdf } = await on.db.resume.findFirstOrThrow()
      expect([pdf.name, `${await pdf.read()}`]).toEqual(['pdfs/two.txt', 'two'])
      expect(await place.files()).not.toContain('pdfs/b.txt')
    })

    it('a failure that the program ignores leaves the files of the rows that are there', async () => {
      await using on = await start()
      await on.db.resume.create({ data: { title: 'a', pdf: one } })
      const work = on.db.$transaction(async tx => {
        await tx.resume.create({ data: { title: 'b', pdf: one } })
        await tx.$executeRaw`INSERT INTO resumes (title) VALUES ('a')`.catch(() => undefined)
      })
      await work.catch(() => undefined)
      const rows = await on.client.resume.findMany()
      expect(await place.files()).toEqual(rows.map(({ pdf }) => pdf).sort())
    })

    it('one connection is enough', async () => {
      await using on = await start(1)
      const { id } = await on.db.resume.create({ data: { title: 'a', pdf: one } })
      const names = Array.from({ length: 10 }, (_, n) => `${n}.txt`)
      await Promise.all(names.map(n => on.db.resume.update({ where: { id }, data: { pdf: upload(n, n) } })))
      const { pdf } = await on.db.resume.findFirstOrThrow()
      expect(await place.files()).toEqual([pdf.name])
    })
  })
}
