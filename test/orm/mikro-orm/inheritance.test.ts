/** Files of entities that inherit: in one table, in a table per class, from an abstract class; and what cannot have files. */
import { defineEntity, EntitySchema, MikroORM, p } from '@mikro-orm/sqlite'
import { expect, test } from 'vitest'
import { FieldFile, fileField, upload } from '../../../src/fields/index.ts'
import { type FileProperty, fileType, mikroFiles } from '../../../src/orm/mikro-orm/index.ts'
import { OrmPlace } from '../suite/conformance.ts'

class Base {
  id!: number
  title!: string
  pdf!: FileProperty
}
class Child extends Base {
  photo!: FileProperty
}
class Other extends Base {}

const ID = { id: { type: 'integer', primary: true }, title: { type: 'string' } } as const
const file = (text: string) => upload(Buffer.from(text), `${text}.txt`)

const KINDS: Record<string, { readonly base: object; readonly child: object }> = {
  'one table': {
    base: { discriminatorColumn: 'kind', discriminatorMap: { base: Base, child: Child, other: Other } },
    child: {},
  },
  'a table per class': { base: { inheritance: 'tpt' }, child: {} },
  'an abstract class': { base: { abstract: true }, child: {} },
}

test.each(Object.keys(KINDS))('%s: files are stored, found, replaced and removed', async kind => {
  const place = new OrmPlace()
  const { base } = KINDS[kind]!
  const property = { type: fileType(place.pdf()), nullable: true }
  const entities = [
    new EntitySchema({ class: Base, properties: { ...ID, pdf: property }, ...base } as never),
    new EntitySchema({
      class: Child,
      extends: Base,
      properties: { photo: { type: fileType(place.photo()), nullable: true } },
    } as never),
    new EntitySchema({ class: Other, extends: Base, properties: {} } as never),
  ]
  const orm = await MikroORM.init({ entities, dbName: ':memory:', debug: false })
  await orm.schema.create()
  const detach = mikroFiles(orm, { registry: place.registry })
  const em = orm.em.fork()
  const child = em.create(Child, { title: 'a', pdf: file('a'), photo: file('p') })
  em.create(Other, { title: 'b', pdf: file('b') })
  em.create(Child, { title: 'c' })
  await em.flush()
  expect(await place.files()).toEqual(['pdfs/a.txt', 'pdfs/b.txt', 'photos/p.txt'])
  const again = orm.em.fork()
  const found = await again.findOneOrFail(Child, { title: 'a' })
  expect(`${await found.pdf.read()}${await found.photo.read()}`).toBe('ap')
  expect((await again.findOneOrFail(Child, { title: 'c' })).pdf).toBeInstanceOf(FieldFile)
  // Used by an entity of another class.
  const shared = await again.findOneOrFail(Other, { title: 'b' })
  shared.pdf = found.pdf
  await again.flush()
  again.assign(found, { pdf: file('a2') })
  await again.flush()
  expect(await place.files()).toEqual(['pdfs/a.txt', 'pdfs/a2.txt', 'photos/p.txt'])
  await again.remove(shared).flush()
  expect(await place.files()).toEqual(['pdfs/a2.txt', 'photos/p.txt'])
  await em.remove(child).flush()
  expect(await place.files()).toEqual([])
  detach()
  expect([...place.registry.users]).toEqual([])
  await orm.close()
})

test('files in a unique column change one row at a time: more are refused, and leave nothing', async () => {
  const place = new OrmPlace()
  const Resume = defineEntity({
    name: 'Resume',
    properties: { id: p.integer().primary(), pdf: p.type(fileType(place.pdf())).unique().nullable() },
  })
  const orm = await MikroORM.init({ entities: [Resume], dbName: ':memory:', debug: false })
  await orm.schema.create()
  const detach = mikroFiles(orm, { registry: place.registry })
  const em = orm.em.fork()
  const [a, b] = ['a', 'b'].map(name => em.create(Resume, { pdf: file(name) }))
  await em.flush()
  em.assign(a!, { pdf: file('c') })
  em.assign(b!, { pdf: file('d') })
  await expect(em.flush()).rejects.toThrow("'pdf' takes the name of a stored file, not content that is not stored yet")
  expect(await place.files()).toEqual(['pdfs/a.txt', 'pdfs/b.txt'])
  const one = orm.em.fork()
  one.assign(await one.findOneOrFail(Resume, { pdf: 'pdfs/a.txt' }), { pdf: file('c') })
  await one.flush()
  expect(await place.files()).toEqual(['pdfs/b.txt', 'pdfs/c.txt'])
  detach()
  await orm.close()
})

test('a column that is NOT NULL holds an empty text for no file', async () => {
  const place = new OrmPlace()
  const field = fileField({ storage: place.storage, uploadTo: 'pdfs', emptyValue: '' })
  const Resume = defineEntity({
    name: 'Resume',
    properties: { id: p.integer().primary(), pdf: p.type(fileType(field)).default('') },
  })
  const orm = await MikroORM.init({ entities: [Resume], dbName: ':memory:', debug: false })
  await orm.schema.create()
  const detach = mikroFiles(orm, { registry: place.registry })
  const em = orm.em.fork()
  const [none, some] = [em.create(Resume, {}), em.create(Resume, { pdf: file('a') })]
  await em.flush()
  expect([none.pdf.isEmpty, some.pdf.name]).toEqual([true, 'pdfs/a.txt'])
  const again = orm.em.fork()
  const [first, second] = await again.find(Resume, {}, { orderBy: { id: 1 } })
  expect([first!.pdf.isEmpty, second!.pdf.isEmpty]).toEqual([true, false])
  await second!.pdf.delete()
  expect(await orm.em.execute('select pdf from resume')).toEqual([{ pdf: '' }, { pdf: '' }])
  expect(await place.files()).toEqual([])
  detach()
  await orm.close()
})

test.each(['an embeddable', 'a reference', "the schema '*'"])('a file in %s is refused', async where => {
  const place = new OrmPlace()
  const type = fileType(place.pdf())
  const Papers = defineEntity({ name: 'Papers', embeddable: true, properties: { pdf: p.type(type) } })
  const id = p.integer().primary()
  const Resume = defineEntity({
    name: 'Resume',
    ...(where.endsWith("'*'") && { schema: '*' }),
    properties:
      where === 'an embeddable'
        ? { id, papers: () => p.embedded(Papers) }
        : { id, pdf: where === 'a reference' ? p.type(type).ref() : p.type(type) },
  } as never)
  const entities = where === 'an embeddable' ? [Papers, Resume] : [Resume]
  const orm = await MikroORM.init({ entities: entities as never, dbName: ':memory:', debug: false })
  expect(() => mikroFiles(orm, { registry: place.registry })).toThrow('has files in an embeddable, a reference')
  await orm.close()
})

test('without mikroFiles content is refused, and names are read', async () => {
  const place = new OrmPlace()
  const Resume = defineEntity({
    name: 'Resume',
    properties: { id: p.integer().primary(), pdf: p.type(fileType(place.pdf())) },
  })
  const orm = await MikroORM.init({ entities: [Resume], dbName: ':memory:', debug: false })
  await orm.schema.create()
  const em = orm.em.fork()
  em.create(Resume, { pdf: Buffer.from('a') })
  await expect(em.flush()).rejects.toThrow('takes the name of a stored file, not content that is not stored yet')
  const other = orm.em.fork()
  other.create(Resume, { pdf: 'pdfs/a.txt' })
  await other.flush()
  const [found] = await orm.em.fork().find(Resume, {})
  expect(found!.pdf).toBeInstanceOf(FieldFile)
  await orm.close()
})
