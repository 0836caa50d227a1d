/** What is special in Prisma: nested writes, lists of promises, extensions, and calls by the wrong client. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Readable } from 'node:stream'
import sharp from 'sharp'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { FieldFile, fileField, imageField, upload } from '../../../src/fields/index.ts'
import { prismaFiles } from '../../../src/orm/prisma/index.ts'
import { OrmPlace } from '../suite/conformance.ts'
import { failure, storageErrorIn } from '../suite/kit.ts'
import { makeTables, type PrismaClient, prismaClient } from './clients.ts'

function extended(client: PrismaClient, { storage, registry }: OrmPlace) {
  const photo = imageField({ storage, uploadTo: 'people', width: 'photoWidth', height: 'photoHeight' })
  const fields = {
    Resume: { pdf: fileField({ storage, uploadTo: 'pdfs' }), photo: fileField({ storage, uploadTo: 'photos' }) },
    Page: { scan: fileField({ storage, uploadTo: 'scans', emptyValue: '' }) },
    Person: { photo },
    Badge: { print: fileField({ storage, uploadTo: 'prints' }) },
  }
  return client.$extends(prismaFiles(fields, { registry, keys: { Page: ['resumeId', 'number'], Badge: ['number'] } }))
}

let place: OrmPlace
let client: PrismaClient
let db: ReturnType<typeof extended>

beforeEach(async () => {
  place = new OrmPlace('underscore')
  client = prismaClient()
  await makeTables(client, 'sqlite')
  db = extended(client, place)
})
afterEach(async () => {
  db.$files.detach()
  expect([...place.registry.users]).toEqual([])
  await client.$disconnect()
})

const one = upload('one', 'one.txt')
const picture = await sharp({ create: { width: 3, height: 2, channels: 3, background: 'red' } })
  .png()
  .toBuffer()

it('content of every kind is stored, by every operation that has data', async () => {
  await db.resume.create({ data: { title: 'a', pdf: Buffer.from('1'), photo: new File(['2'], 'b.png') } })
  await db.resume.createMany({ data: [{ title: 'b', pdf: upload(Readable.from([Buffer.from('3')]), 'c.txt') }] })
  const [made] = await db.resume.createManyAndReturn({ data: [{ title: 'c', pdf: upload('4', 'd.txt') }] })
  expect(await made?.pdf.read()).toEqual(Buffer.from('4'))
  const both = { pdf: upload('5', 'e.txt') }
  const created = await db.resume.upsert({ where: { title: 'd' }, create: { title: 'd', ...both }, update: both })
  expect(created.pdf.name).toMatch(/^pdfs\/e/)
  await db.resume.upsert({ where: { title: 'd' }, create: { title: 'd', ...both }, update: { pdf: one } })
  const [changed] = await db.resume.updateManyAndReturn({ where: { title: 'c' }, data: { photo: one } })
  expect(changed?.photo.name).toBe('photos/one.txt')
  const rows = await db.resume.findMany({ orderBy: { title: 'asc' } })
  expect(await place.files()).toEqual(
    rows
      .flatMap(row => [row.pdf.name, row.photo.name])
      .filter(Boolean)
      .sort(),
  )
  expect(rows[3]!.pdf.name).toBe('pdfs/one.txt')
})

it('rows are plain objects with files: JSON, structuredClone, select, omit, include', async () => {
  const { id } = await db.resume.create({ data: { title: 'a', pdf: one } })
  const row = await db.resume.findUniqueOrThrow({ where: { id }, omit: { deletedAt: true }, include: { pages: true } })
  expect(JSON.stringify(row)).toBe(`{"id":${id},"title":"a","pdf":"pdfs/one.txt","photo":null,"pages":[]}`)
  expect(structuredClone(row)).toMatchObject({ title: 'a', pdf: { name: 'pdfs/one.txt' } })
  expect(row.photo.isEmpty).toBe(true)
  expect(await db.resume.findFirst({ select: { title: true } })).toEqual({ title: 'a' })
  expect(await db.resume.groupBy({ by: ['pdf'] })).toEqual([{ pdf: 'pdfs/one.txt' }])
  expect(await db.resume.count({ where: { pdf: row.pdf.name } })).toBe(1)
})

it('nested writes store their content, and nested rows have files', async () => {
  const person = await db.person.create({
    data: {
      name: 'Ada',
      badge: { create: { number: 7, print: one } },
      team: { create: [{ name: 'Bo', photo: picture }] },
    },
    include: { badge: true, team: { select: { photo: true, photoWidth: true, photoHeight: true } } },
  })
  expect(person.badge?.print.name).toBe('prints/one.txt')
  expect(person.team[0]).toMatchObject({ photoWidth: 3, photoHeight: 2 })
  expect(await person.team[0]?.photo.size()).toBe(picture.length)
  await db.resume.create({
    data: { title: 'a', pages: { createMany: { data: [{ number: 1, scan: one }, { number: 2 }] } } },
  })
  const { id } = await db.resume.update({
    where: { title: 'a' },
    data: {
      pages: {
        update: { where: { resumeId_number: { resumeId: 1, number: 2 } }, data: { scan: upload('2', 'two.txt') } },
        connectOrCreate: { where: { resumeId_number: { resumeId: 1, number: 3 } }, create: { number: 3, scan: one } },
      },
    },
  })
  const pages = await db.resume.findUniqueOrThrow({ where: { id } }).pages({ orderBy: { number: 'asc' } })
  expect(pages.map(({ scan }) => scan.name)).toEqual(['scans/one.txt', 'scans/two.txt', 'scans/one_.txt'])
  const refused = db.person.create({ data: { name: 'C', badge: { create: { number: 7, print: one } } } })
  await failure(refused as Promise<unknown>)
  expect((await place.files()).filter(name => name.startsWith('prints/'))).toEqual(['prints/one.txt'])
})

it('a file is saved by the key of its row, of one column or two; a picture fills its row', async () => {
  const { id } = await db.resume.create({ data: { title: 'a', pages: { create: { number: 1 } } } })
  const page = await db.page.findFirstOrThrow()
  expect(page.scan.isEmpty).toBe(true)
  await page.scan.save('s.txt', Buffer.from('s'))
  expect((await client.page.findFirstOrThrow()).scan).toBe('scans/s.txt')
  await page.scan.delete()
  expect((await client.page.findFirstOrThrow()).scan).toBe('')
  const person = await db.person.create({ data: { name: 'Ada' } })
  await person.photo.save('p.png', picture)
  expect(person).toMatchObject({ photoWidth: 3, photoHeight: 2 })
  const { pdf } = await db.resume.findUniqueOrThrow({ where: { id }, select: { pdf: true } })
  const error = await failure(pdf.save('x.txt', Buffer.from('x')))
  expect(storageErrorIn(error)?.message).toContain('select id')
  expect((await client.resume.findFirstOrThrow()).pdf).toBe(null)
  expect(await place.files()).toEqual([person.photo.name])
})

it('fld-14: what is no file is refused before anything is stored', async () => {
  const wrong = [Promise.resolve(one), 5, { set: one }, new Map()]
  for (const value of wrong) {
    const error = await failure(db.resume.create({ data: { title: 'a', photo: one, pdf: value as never } }))
    expect(storageErrorIn(error)?.code, String(value)).toBe('invalid_argument')
  }
  await failure(db.resume.create({ data: { title: Buffer.from('x') as never } }))
  expect([await client.resume.count(), await place.files()]).toEqual([0, []])
})

it('$transaction of a list: all or nothing, reads and raw queries included', async () => {
  const [made, count, [raw]] = await db.$transaction([
    db.resume.create({ data: { title: 'a', pdf: one } }),
    db.resume.count(),
    db.$queryRaw<{ pdf: string }[]>`SELECT pdf FROM resumes`,
  ])
  expect([made.pdf.name, count, raw?.pdf]).toEqual(['pdfs/one.txt', 1, 'pdfs/one.txt'])
  const list = [db.resume.delete({ where: { title: 'a' } }), db.resume.create({ data: { title: 'a', pdf: one } })]
  await db.$transaction(list)
  expect(await place.files()).toEqual(['pdfs/one_.txt'])
  const failing = [
    db.resume.delete({ where: { title: 'a' } }),
    db.resume.create({ data: { title: 'b', pdf: one } }),
    db.resume.delete({ where: { title: 'none' } }),
  ]
  await failure(db.$transaction(failing))
  expect(await place.files()).toEqual(['pdfs/one_.txt'])
  expect(() => db.$transaction([client.resume.count()])).toThrow('the extended client')
  expect(() => client.$transaction([db.resume.deleteMany()])).toThrow('Prisma Client promises')
  expect(await client.resume.count()).toBe(1)
})

it('promises begin when they are awaited, once', async () => {
  const promise = db.resume.create({ data: { title: 'a', pdf: one } })
  expect(await place.files()).toEqual([])
  expect(await promise).toBe(await promise)
  await promise.finally(() => undefined)
  expect(await client.resume.count()).toBe(1)
  await expect(db.resume.create({ data: { title: 'a' } }).catch(() => 'taken')).resolves.toBe('taken')
})

it('a transaction that ends by its timeout leaves rows and files as they were', async () => {
  await db.resume.create({ data: { title: 'a', pdf: one } })
  let wait = (): void => undefined
  const late = new Promise<void>(resolve => (wait = resolve))
  const work = db.$transaction(
    async tx => {
      await tx.resume.delete({ where: { title: 'a' } })
      await tx.resume.create({ data: { title: 'b', pdf: one } })
      while ((await client.$queryRaw<unknown[]>`SELECT 1 FROM resumes WHERE title = 'b'`).length > 0)
        await new Promise(setImmediate)
      wait()
      await tx.resume.count()
    },
    { timeout: 50 },
  )
  expect(String(await failure(work))).toContain('expired transaction')
  await late
  expect(await place.files()).toEqual(['pdfs/one.txt'])
  expect((await db.resume.findFirstOrThrow()).pdf.name).toBe('pdfs/one.txt')
})

it('fld-3: on one connection, calls of the client itself in a transaction take part in it', async () => {
  await db.resume.create({ data: { title: 'a', pdf: one } })
  const work = db.$transaction(async () => {
    await db.resume.delete({ where: { title: 'a' } })
    const made = await db.resume.create({ data: { title: 'b', pdf: upload('2', 'two.txt') } })
    await made.photo.save('p.txt', Buffer.from('p'))
    throw new Error('stop')
  })
  expect(String(await failure(work))).toContain('stop')
  expect(await place.files()).toEqual(['pdfs/one.txt'])
})

it('fld-1: a file is saved in the savepoint in which the code runs, wherever its row was read', async () => {
  const row = await db.resume.create({ data: { title: 'a', pdf: one } })
  await db.$transaction(async tx => {
    const inner = tx.$transaction(async () => {
      await row.pdf.save('two.txt', Buffer.from('2'))
      throw new Error('stop')
    })
    await failure(inner)
    expect((await tx.resume.findFirstOrThrow()).pdf.name).toBe('pdfs/one.txt')
    await row.photo.save('p.txt', Buffer.from('p'))
  })
  expect(await place.files()).toEqual(['pdfs/one.txt', 'photos/p.txt'])
})

it('fld-11: a tx that is used outside of its asynchronous context keeps its files together', async () => {
  await db.resume.create({ data: { title: 'a', pdf: one } })
  const outside = AsyncLocalStorage.snapshot()
  const work = db.$transaction(async tx => {
    await outside(async () => {
      await tx.resume.delete({ where: { title: 'a' } })
      await tx.resume.create({ data: { title: 'b', pdf: one } })
    })
    throw new Error('stop')
  })
  expect(String(await failure(work))).toContain('stop')
  expect(await place.files()).toEqual(['pdfs/one.txt'])
})

it('fld-6: extensions below that hide rows do not hide their files', async () => {
  db.$files.detach()
  const hiding = client.$extends({
    query: { resume: { findMany: ({ args, query }) => query({ ...args, where: { ...args.where, deletedAt: null } }) } },
  })
  const scoped = hiding.$extends(
    prismaFiles({ Resume: { pdf: fileField({ storage: place.storage, uploadTo: 'pdfs' }) } }, place),
  )
  const { pdf } = await scoped.resume.create({ data: { title: 'a', pdf: one, deletedAt: new Date() } })
  const copy = await scoped.resume.create({ data: { title: 'b', pdf } })
  expect(await scoped.resume.findMany()).toHaveLength(1)
  await scoped.resume.delete({ where: { id: copy.id } })
  expect(await place.files()).toEqual(['pdfs/one.txt'])
  scoped.$files.detach()
})

it('extensions above get names in place of content; their own methods see files', async () => {
  const seen: unknown[] = []
  const above = db.$extends({
    query: {
      resume: {
        create: ({ args, query }) => {
          seen.push(args.data.pdf)
          return query(args)
        },
      },
    },
    model: { resume: { hello: () => 'hello' } },
  })
  const row = await above.resume.create({ data: { title: 'a', pdf: one } })
  expect([seen, row.pdf instanceof FieldFile, above.resume.hello()]).toEqual([['pdfs/one.txt'], true, 'hello'])
  await above.$transaction(tx => tx.resume.deleteMany())
  expect(await place.files()).toEqual([])
  expect(above.resume.fields.pdf.typeName).toBe('String')
})

it('fields that the schema lacks are improperly configured', () => {
  const extend = (fields: Parameters<typeof prismaFiles>[0]) => () => client.$extends(prismaFiles(fields, place))
  expect(extend({ Resumee: { pdf: fileField() } })).toThrow("no 'Resumee.pdf'")
  expect(extend({ Resume: { pdff: fileField() } })).toThrow("no 'Resume.pdff'")
  expect(extend({ Resume: { id: fileField() } })).toThrow("no 'Resume.id' of type String")
})
