import { DataTypes, Op, ValidationError, type WhereOptions } from 'sequelize'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { FieldFile, FileField, upload } from '../../../src/fields/index.ts'
import { MemoryStorage } from '../../../src/index.ts'
import { fileAttribute } from '../../../src/orm/sequelize/index.ts'
import { World } from './world.ts'

let world: World
beforeEach(() => {
  world = new World()
})
afterEach(() => world.close())

it('a row has one object for its file, which is kept when the row is saved', async () => {
  const Resume = await world.resumes()
  const row = Resume.build({ title: 'a' })
  expect(row.pdf).toBeInstanceOf(FieldFile)
  expect([row.pdf.isEmpty, row.pdf === row.get('pdf')]).toEqual([true, true])
  row.pdf = upload('one', 'one.txt') as never
  const { pdf } = row
  expect([pdf.name, pdf.committed, pdf === row.pdf]).toEqual(['one.txt', false, true])
  expect(await pdf.size()).toBe(3)
  await row.save()
  expect([pdf.name, pdf.committed, pdf === row.pdf]).toEqual(['pdfs/one.txt', true, true])
  expect(row.changed()).toBe(false)
  const found = await Resume.findByPk(row.id, { rejectOnEmpty: true })
  expect(found.pdf.equals(pdf)).toBe(true)
  await found.update({ pdf: upload('two', 'two.txt') })
  await row.reload()
  expect([row.pdf.name, pdf.name]).toEqual(['pdfs/two.txt', 'pdfs/one.txt'])
})

it('JSON and plain values are names; a file that is not stored yet refuses', async () => {
  const Resume = await world.resumes()
  const row = await Resume.create({ title: 'a', pdf: upload('one', 'one.txt') })
  expect(JSON.parse(JSON.stringify(row))).toEqual({ id: row.id, title: 'a', pdf: 'pdfs/one.txt' })
  expect(row.get({ plain: true })).toMatchObject({ pdf: 'pdfs/one.txt' })
  expect(row.get('pdf')).toBe(row.pdf)
  expect(await Resume.findAll({ raw: true })).toMatchObject([{ pdf: 'pdfs/one.txt' }])
  row.pdf = Buffer.from('two') as never
  expect(() => JSON.stringify(row)).toThrow(/not stored yet/)
  const empty = await Resume.create({ title: 'b' })
  expect(JSON.parse(JSON.stringify(empty))).toEqual({ id: empty.id, title: 'b' })
  expect(JSON.parse(JSON.stringify(await empty.reload()))).toEqual({ id: empty.id, title: 'b', pdf: null })
})

it('an attribute that was not selected is undefined', async () => {
  const Resume = await world.resumes()
  await Resume.create({ title: 'a', pdf: upload('one', 'one.txt') })
  const row = await Resume.findOne({ attributes: ['id', 'title'], rejectOnEmpty: true })
  expect(row.pdf).toBeUndefined()
  await row.update({ title: 'b' })
  await row.update({ pdf: upload('two', 'two.txt') })
  expect(await world.files()).toEqual(['pdfs/two.txt'])
  expect(row.pdf.name).toBe('pdfs/two.txt')
})

it('an equal file is no change', async () => {
  const Resume = await world.resumes()
  const row = await Resume.create({ title: 'a', pdf: upload('one', 'one.txt') })
  const other = await Resume.findByPk(row.id, { rejectOnEmpty: true })
  world.clear()
  for (const same of [row.pdf, other.pdf, 'pdfs/one.txt']) {
    row.pdf = same as FieldFile
    expect(row.changed()).toBe(false)
    await row.save()
  }
  expect(world.log).toEqual([])
  row.pdf = upload('one', 'one.txt') as never
  expect([row.changed(), row.previous('pdf')]).toEqual([['pdf'], 'pdfs/one.txt'])
})

it('assigned twice before it is saved: the last content is stored', async () => {
  const Resume = await world.resumes()
  const row = Resume.build({ title: 'a', pdf: upload('one', 'cv.txt') })
  row.pdf = upload('two', 'cv.txt') as never
  row.set('pdf', row.pdf)
  await row.save()
  expect([await world.files(), `${await row.pdf.read()}`]).toEqual([['pdfs/cv.txt'], 'two'])
  row.pdf = Buffer.from('three') as never
  row.pdf = 'pdfs/cv.txt' as never
  await row.save()
  expect(await world.files()).toEqual(['pdfs/cv.txt'])
})

it('conditions take files, names and operators, and no content', async () => {
  const Resume = await world.resumes({ pdf: fileAttribute(world.place.pdf(), { field: 'pdf_name' }) })
  const [one, two] = await Resume.bulkCreate([
    { title: 'a', pdf: upload('1', 'one.txt') },
    { title: 'b', pdf: upload('2', 'two.txt') },
  ])
  const titles = async (where: WhereOptions): Promise<string[]> =>
    (await Resume.findAll({ where })).map(({ title }) => title)
  expect(await titles({ pdf: one!.pdf })).toEqual(['a'])
  expect(await titles({ pdf: [one!.pdf, 'pdfs/two.txt'] })).toEqual(['a', 'b'])
  expect(await titles({ pdf: { [Op.ne]: two!.pdf } })).toEqual(['a'])
  expect(await titles({ pdf: { [Op.like]: 'pdfs/t%' } })).toEqual(['b'])
  expect(await titles({ pdf: null })).toEqual([])
  await expect(titles({ pdf: Buffer.from('x') })).rejects.toThrow(/'pdf' takes the name of a stored file/)
})

it('validators see the name that was given; an invalid row uploads nothing', async () => {
  const validate = {
    len: [1, 20] as const,
    endsInTxt(value: unknown) {
      if (!String(value).endsWith('.txt')) throw new Error('only text')
    },
  }
  const Resume = await world.resumes({
    title: { type: DataTypes.STRING, validate: { notEmpty: true } },
    pdf: fileAttribute(world.place.pdf(), { allowNull: false, validate }),
  })
  const row = await Resume.create({ title: 'a', pdf: upload('one', 'one.txt') })
  world.clear()
  for (const values of [
    { title: 'b', pdf: upload('x', 'x.pdf') },
    { title: 'b', pdf: upload('x', `${'x'.repeat(30)}.txt`) },
    { title: '', pdf: upload('x', 'x.txt') },
    { title: 'b', pdf: null },
    { title: 'b' },
  ]) {
    await expect(Resume.create(values)).rejects.toThrow(ValidationError)
    await expect(Resume.bulkCreate([values], { validate: true })).rejects.toThrow()
  }
  await expect(row.update({ pdf: upload('x', 'x.pdf') })).rejects.toThrow('only text')
  await expect(Resume.update({ pdf: upload('x', 'x.pdf') }, { where: {} })).rejects.toThrow('only text')
  expect(world.place.calls).toEqual([])
  expect(row.pdf.committed).toBe(false)
  row.pdf = upload('two', 'two.txt') as never
  await row.save()
  await Resume.create({ title: '', pdf: upload('x', 'x.pdf') }, { validate: false })
  expect(await world.files()).toEqual(['pdfs/two.txt', 'pdfs/x.pdf'])
})

it('hooks of the program see pending files and may assign others', async () => {
  const Resume = await world.resumes()
  const seen: unknown[] = []
  Resume.beforeSave(row => {
    seen.push([row.pdf.name, row.pdf.committed])
    if (row.title === 'replaced') row.pdf = upload('hook', 'hook.txt') as never
  })
  Resume.afterSave(row => void seen.push([row.pdf.name, row.pdf.committed]))
  await Resume.create({ title: 'a', pdf: upload('one', 'one.txt') })
  const row = await Resume.create({ title: 'replaced', pdf: upload('two', 'two.txt') })
  await row.update({ title: 'b' }, { hooks: false })
  await row.update({ title: 'replaced' })
  // The hook's file has replaced the hook's file.
  expect(await world.files()).toEqual(['pdfs/one.txt', row.pdf.name].sort())
  expect(seen.slice(0, 4)).toEqual([
    ['one.txt', false],
    ['pdfs/one.txt', true],
    ['two.txt', false],
    ['pdfs/hook.txt', true],
  ])
})

it('a hook that fails after the row is written leaves the row and its file', async () => {
  const Resume = await world.resumes()
  Resume.afterCreate(() => {
    throw new Error('after')
  })
  await expect(Resume.create({ title: 'a', pdf: upload('one', 'one.txt') })).rejects.toThrow('after')
  expect(await world.files()).toEqual(['pdfs/one.txt'])
  expect(await Resume.count()).toBe(1)
})

it('save and delete of a file write its row, also a new one, and only its own attributes', async () => {
  const Resume = await world.resumes()
  const row = Resume.build({ title: 'a' })
  await row.pdf.save('one.txt', Buffer.from('one'))
  expect([row.isNewRecord, row.pdf.name, await Resume.count()]).toEqual([false, 'pdfs/one.txt', 1])
  row.title = 'unsaved'
  await row.pdf.save('two.txt', Buffer.from('two'))
  expect([(await Resume.findOne())?.title, row.changed()]).toEqual(['a', ['title']])
  await row.pdf.delete()
  expect([row.pdf.isEmpty, (await Resume.findOne())?.pdf.isEmpty, await world.files()]).toEqual([true, true, []])
  Resume.addHook('beforeUpdate', () => {
    throw new Error('refused')
  })
  await expect(row.pdf.save('three.txt', Buffer.from('three'))).rejects.toThrow('refused')
  expect([row.pdf.isEmpty, await world.files()]).toEqual([true, []])
  await row.save({ hooks: false })
  expect(await Resume.findAll({ raw: true })).toMatchObject([{ title: 'unsaved', pdf: null }])
})

it('a file of another storage is copied; of the same storage it is shared', async () => {
  const elsewhere = new FileField({ storage: new MemoryStorage(), uploadTo: 'there' })
  const Resume = await world.resumes({ photo: fileAttribute(world.place.photo()) })
  const other = elsewhere.attach(null)
  await other.save('far.txt', Buffer.from('far'), { save: false })
  const row = await Resume.create({ title: 'a', pdf: other })
  expect([row.pdf.name, `${await row.pdf.read()}`, other.name]).toEqual(['pdfs/far.txt', 'far', 'there/far.txt'])
  await row.update({ photo: row.pdf })
  expect([row.photo.name, await world.files()]).toEqual(['pdfs/far.txt', ['pdfs/far.txt']])
})

it("emptyValue '' is for a column that is NOT NULL", async () => {
  const field = new FileField({ storage: world.place.storage, uploadTo: 'pdfs', emptyValue: '' })
  const Resume = await world.resumes({ pdf: fileAttribute(field, { allowNull: false, defaultValue: '' }) })
  const row = await Resume.create({ title: 'a' })
  await row.update({ pdf: upload('one', 'one.txt') })
  await row.update({ pdf: null })
  await Resume.create({ title: 'b', pdf: null })
  expect([row.pdf.isEmpty, row.pdf.name]).toEqual([true, null])
  expect(await Resume.findAll({ raw: true })).toMatchObject([{ pdf: '' }, { pdf: '' }])
  expect(await world.files()).toEqual([])
})
