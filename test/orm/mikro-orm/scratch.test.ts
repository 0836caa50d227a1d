import { EntitySchema, MikroORM } from '@mikro-orm/sqlite'
import { expect, test } from 'vitest'
import { FileRegistry, fileField, FieldFile, upload } from '../../../src/fields/index.ts'
import { MemoryStorage } from '../../../src/index.ts'
import { fileType, mikroFiles, type FileProperty } from '../../../src/orm/mikro-orm/index.ts'

class Resume { id!: number; title!: string; pdf!: FileProperty }

async function names(s: MemoryStorage) { const l = []; for await (const e of s.entries('', { recursive: true })) l.push(e.name); return l }
test('scratch', async () => {
  const storage = new MemoryStorage()
  const registry = new FileRegistry()
  const schema = new EntitySchema<Resume>({ class: Resume, properties: { id: { type: 'integer', primary: true }, title: { type: 'string', unique: true }, pdf: { type: fileType(fileField({ storage, uploadTo: 'pdfs' })), nullable: true } } } as never)
  const orm = await MikroORM.init({ entities: [schema], dbName: ':memory:', debug: false })
  await orm.schema.create()
  const files = mikroFiles(orm, { registry })
  const em = orm.em.fork()
  const r = em.create(Resume, { title: 'a', pdf: upload(Buffer.from('one'), 'cv.pdf') })
  console.log(r.pdf)
  await em.flush()
  console.log(r, JSON.stringify(r), r.pdf.committed)
  r.pdf = Buffer.from('two') as never
  await em.flush()
  console.log(r, await names(storage))
  const em2 = orm.em.fork()
  const s = await em2.findOneOrFail(Resume, { title: 'a' })
  console.log(s, await s.pdf.read())
  console.log((await em2.find(Resume, {pdf: s.pdf as never})).length, (await em2.find(Resume, {pdf: {$in: [s.pdf, 'b']} as never})).length)
  await s.pdf.save('x.pdf', Buffer.from('x'))
  console.log(s, await names(storage))
  await em2.flush()
  em2.remove(s)
  await em2.flush()
  console.log(await names(storage))
  await expect(em2.transactional(async em => {
    em.create(Resume, { title: 'b', pdf: Buffer.from('b') as never})
    await em.flush()
    await expect(em.transactional(async em => { em.create(Resume, { title: 'a', pdf: Buffer.from('c') as never}); await em.flush(); throw new Error('inner') })).rejects.toThrow('inner')
    throw new Error('outer')
  })).rejects.toThrow('outer')
  console.log(await names(storage))
  await orm.close()
})
