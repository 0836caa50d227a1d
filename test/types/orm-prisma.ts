/** The types of an extended Prisma client, for the compiler alone. */
import { type FieldFile, fileField, type ImageFieldFile, imageField, upload } from '../../src/fields/index.ts'
import { prismaFiles } from '../../src/orm/prisma/index.ts'
import type { PrismaClient } from '../orm/prisma/fixtures/sqlite/client.ts'

declare const client: PrismaClient
declare const picture: File
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Equal<A, B>): void => undefined

const db = client.$extends(
  prismaFiles({ Resume: { pdf: fileField() }, Person: { photo: imageField() }, Page: { scan: fileField() } }),
)

export async function reading(): Promise<void> {
  const row = await db.resume.findUniqueOrThrow({ where: { id: 1 }, include: { pages: true } })
  same<typeof row.pdf, FieldFile>(true)
  same<typeof row.photo, string | null>(true)
  same<typeof row.title, string>(true)
  same<(typeof row.pages)[number]['scan'], FieldFile>(true)
  const some = await db.resume.findMany({ select: { pdf: true } })
  same<(typeof some)[number], { pdf: FieldFile }>(true)
  const person = await db.person.findFirst()
  same<NonNullable<typeof person>['photo'], ImageFieldFile>(true)
  const pages = await db.resume.findUniqueOrThrow({ where: { id: 1 } }).pages()
  same<(typeof pages)[number]['scan'], FieldFile>(true)
}

export async function writing(file: FieldFile): Promise<void> {
  const values = [Buffer.from(''), picture, upload('x', 'x.txt'), new URL('file:///x'), file, 'name', null, undefined]
  for (const pdf of values) await db.resume.create({ data: { title: 'a', pdf } })
  const row = await db.resume.update({ where: { id: 1 }, data: { pdf: picture }, select: { pdf: true } })
  same<typeof row, { pdf: FieldFile }>(true)
  await db.resume.createMany({ data: [{ title: 'a', pdf: picture }, { title: 'b' }] })
  const many = await db.resume.updateMany({ where: { pdf: { contains: 'x' } }, data: { pdf: picture } })
  same<typeof many.count, number>(true)
  await db.resume.upsert({ where: { id: 1 }, create: { title: 'a', pdf: picture }, update: { pdf: 'name' } })
  const data = { title: 'a', pdf: picture }
  await db.resume.create({ data })
  await db.person.create({ data: { name: 'a', team: { create: { name: 'b', photo: picture } } } })
  await db.resume.create({ data: { title: 'a', pages: { create: { number: 1, scan: picture } } } })
  // @ts-expect-error: the title is missing
  await db.resume.create({ data: { pdf: picture } })
  // @ts-expect-error: no such field
  await db.resume.create({ data: { title: 'a', pdff: picture } })
  // @ts-expect-error: a number is no file
  await db.resume.create({ data: { title: 'a', pdf: 5 } })
  // @ts-expect-error: a title is no file
  await db.resume.create({ data: { title: picture } })
  // @ts-expect-error: a condition takes names
  await db.resume.updateMany({ where: { pdf: picture }, data: {} })
}

export async function transactions(): Promise<void> {
  const result = await db.$transaction(async tx => {
    const made = await tx.resume.create({ data: { title: 'a', pdf: picture } })
    same<typeof made.pdf, FieldFile>(true)
    await tx.$transaction(inner => inner.resume.deleteMany())
    return 5
  })
  same<typeof result, number>(true)
  const [made, count] = await db.$transaction([
    db.resume.create({ data: { title: 'a', pdf: picture } }),
    db.resume.count(),
  ])
  same<typeof made.pdf, FieldFile>(true)
  same<typeof count, number>(true)
  const above = db.$extends({ model: { resume: { hello: () => 'hello' } } })
  const row = await above.resume.create({ data: { title: above.resume.hello(), pdf: picture } })
  same<typeof row.pdf, FieldFile>(true)
  db.$files.detach()
}
