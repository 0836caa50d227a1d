import { DataTypes, OptimisticLockError } from 'sequelize'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { imageField, upload } from '../../../src/fields/index.ts'
import { fileAttribute } from '../../../src/orm/sequelize/index.ts'
import type { AnyModel, AnyRow, World } from './world.ts'

const file = (name: string) => upload(Buffer.from(name), `${name}.txt`)
/** The header of a PNG, which is all that its size needs. */
function png(width: number, height: number): Buffer {
  const bytes = Buffer.alloc(45)
  bytes.write('\x89PNG\r\n\x1a\n', 'latin1')
  bytes.writeUInt32BE(13, 8)
  bytes.write('IHDR', 12)
  bytes.writeUInt32BE(width, 16)
  bytes.writeUInt32BE(height, 20)
  return bytes
}

const unique = { title: { type: DataTypes.STRING, unique: true } }

async function rows(Resume: AnyModel): Promise<[string, string | null][]> {
  const found = await Resume.findAll({ order: ['id'], paranoid: false })
  return found.map(({ title, pdf }) => [title, pdf.name])
}

/** Statements that databases treat differently; each test has a world of its own. */
export function statementTests(name: string, open: () => Promise<World>): void {
  describe(name, () => {
    let world: World
    beforeEach(async () => {
      world = await open()
    })
    afterEach(() => world.close())

    it('upsert refuses content; it takes names, and leaves old files to the search for orphans', async () => {
      const Resume = await world.resumes(unique)
      const row = await Resume.create({ title: 'a', pdf: file('one') })
      await expect(Resume.upsert({ title: 'a', pdf: file('two') })).rejects.toThrow(/content that is not stored yet/)
      expect(await world.files()).toEqual(['pdfs/one.txt'])
      await Resume.upsert({ title: 'a', pdf: row.pdf })
      await Resume.upsert({ title: 'a', pdf: null })
      expect([await rows(Resume), await world.files()]).toEqual([[['a', null]], ['pdfs/one.txt']])
    })

    it('bulkCreate with individual hooks; with updateOnDuplicate, old files stay', async () => {
      const Resume = await world.resumes(unique)
      const made = await Resume.bulkCreate(['a', 'b'].map(title => ({ title, pdf: file(title) })))
      expect(made.map(({ pdf }) => [pdf.name, pdf.committed])).toEqual([
        ['pdfs/a.txt', true],
        ['pdfs/b.txt', true],
      ])
      await Resume.bulkCreate([{ title: 'c', pdf: file('c') }], { individualHooks: true })
      await Resume.bulkCreate([{ title: 'a', pdf: file('a2') }], { updateOnDuplicate: ['pdf'] })
      await Resume.bulkCreate([{ title: 'b', pdf: file('b2') }], { ignoreDuplicates: true })
      expect(await world.files()).toEqual(['pdfs/a.txt', 'pdfs/a2.txt', 'pdfs/b.txt', 'pdfs/c.txt'])
      expect((await rows(Resume)).map(([, name]) => name)).toEqual(['pdfs/a2.txt', 'pdfs/b.txt', 'pdfs/c.txt'])
    })

    it('findOrCreate stores what it creates, and nothing where it finds', async () => {
      const Resume = await world.resumes(unique)
      const options = { where: { title: 'a' }, defaults: { pdf: file('one') } }
      const [row, made] = await Resume.findOrCreate(options)
      expect([row.pdf.name, made]).toEqual(['pdfs/one.txt', true])
      const [found, again] = await Resume.findOrCreate({ where: { title: 'a' }, defaults: { pdf: file('two') } })
      expect([found.pdf.name, again]).toEqual(['pdfs/one.txt', false])
      await expect(
        Resume.findOrCreate({ where: { id: 9 }, defaults: { title: 'a', pdf: file('three') } }),
      ).rejects.toThrow()
      expect(await world.files()).toEqual(['pdfs/one.txt'])
    })

    it('update by criteria: one upload for all its rows, with and without individual hooks', async () => {
      const Resume = await world.resumes()
      await Resume.bulkCreate(['a', 'b', 'c'].map(title => ({ title, pdf: file(title) })))
      const [count] = await Resume.update({ pdf: file('both') }, { where: { title: ['a', 'b'] } })
      expect(count).toBe(2)
      expect(await world.files()).toEqual(['pdfs/both.txt', 'pdfs/c.txt'])
      const where = { title: ['b', 'c'] }
      const result = await Resume.update({ pdf: file('hooked') }, { where, individualHooks: true })
      const [, changed] = result as unknown as [number, AnyRow[]]
      expect(changed.map(({ pdf }) => [pdf.name, pdf.committed])).toEqual(Array(2).fill(['pdfs/hooked.txt', true]))
      await changed[0]!.pdf.save('own.txt', 'own')
      const named = new Map(await rows(Resume))
      expect([named.size, named.get(changed[0]!.title)]).toEqual([3, 'pdfs/own.txt'])
      // Hooks that make the rows differ: they are saved one by one.
      Resume.beforeUpdate(row => void (row.title += '!'))
      await Resume.update({ pdf: file('each') }, { where, individualHooks: true })
      const used = new Set((await rows(Resume)).map(([, name]) => name))
      expect(await world.files()).toEqual([...used].sort())
      await Resume.update({ pdf: null }, { where: {}, validate: false })
      expect(await world.files()).toEqual([])
    })

    it('destroy, truncate, increment and restore', async () => {
      const Resume = await world.resumes(
        { count: DataTypes.INTEGER, deletedAt: DataTypes.DATE },
        { timestamps: true, paranoid: true },
      )
      await Resume.bulkCreate(['a', 'b', 'c', 'd'].map(title => ({ title, count: 1, pdf: file(title) })))
      await Resume.increment('count', { where: {} })
      await Resume.destroy({ where: { title: ['a', 'b'] } })
      await Resume.restore({ where: { title: 'a' } })
      expect(await world.files()).toHaveLength(4)
      await Resume.destroy({ where: { title: 'b' }, force: true })
      await Resume.destroy({ where: {}, limit: 1, force: true, individualHooks: true })
      const left = (await rows(Resume)).map(([, name]) => name)
      expect([left.length, await world.files()]).toEqual([2, left.sort()])
      await Resume.truncate({ force: true })
      expect(await world.files()).toEqual([])
    })

    it('fld-6: a soft delete keeps the file; scopes and hooks hide no user of it', async () => {
      const Resume = await world.resumes(
        { hidden: DataTypes.BOOLEAN },
        { timestamps: true, paranoid: true, defaultScope: { where: { hidden: false } } },
      )
      Resume.addHook('beforeFind', (options: { where?: object }) => {
        options.where = { ...options.where, title: 'visible' }
      })
      const first = await Resume.create({ title: 'visible', hidden: false, pdf: file('one') })
      const second = await Resume.create({ title: 'other', hidden: true, pdf: first.pdf })
      await second.destroy()
      await first.destroy({ force: true })
      expect(await world.files()).toEqual(['pdfs/one.txt'])
      await second.restore()
      await second.update({ title: 'again' })
      expect(await world.files()).toEqual(['pdfs/one.txt'])
      await second.destroy()
      await second.destroy({ force: true })
      expect(await world.files()).toEqual([])
    })

    it('a stale row: OptimisticLockError, no file left, and its content can be saved again', async () => {
      const Resume = await world.resumes({}, { version: true })
      const row = await Resume.create({ title: 'a', pdf: file('one') })
      const stale = (await Resume.findByPk(row.id))!
      await row.update({ title: 'b' })
      stale.pdf = file('two') as never
      await expect(stale.save()).rejects.toThrow(OptimisticLockError)
      expect(await world.files()).toEqual(['pdfs/one.txt'])
      const fresh = (await Resume.findByPk(row.id))!
      await fresh.update({ pdf: stale.pdf })
      expect(await world.files()).toEqual(['pdfs/two.txt'])
    })

    it('rows that are created with others, and rows that go with others by hooks', async () => {
      const Resume = await world.resumes()
      const Person = world.sequelize.define('Person', { name: DataTypes.STRING }, { timestamps: false })
      Person.hasMany(Resume, { onDelete: 'cascade', hooks: true })
      Resume.belongsTo(Person)
      await world.sequelize.sync({ force: true })
      const resumes = ['a', 'b'].map(title => ({ title, pdf: file(title) }))
      const person = await Person.create({ name: 'p', Resumes: resumes } as never, { include: [Resume] })
      const found = (await Person.findOne({ include: [Resume] })) as unknown as { Resumes: { pdf: { name: string } }[] }
      expect(found.Resumes.map(({ pdf }) => pdf.name).sort()).toEqual(['pdfs/a.txt', 'pdfs/b.txt'])
      await Person.bulkCreate([{ name: 'q', Resumes: [{ title: 'c', pdf: file('c') }] } as never], {
        include: [Resume],
      })
      expect(await world.files()).toHaveLength(3)
      await person.destroy()
      expect(await world.files()).toEqual(['pdfs/c.txt'])
    })

    it('a statement that fails and is caught: what the commit then leaves is what counts', async () => {
      const Resume = await world.resumes(unique)
      await Resume.create({ title: 'a', pdf: file('one') })
      await world.sequelize.transaction(async transaction => {
        await Resume.update({ pdf: file('two') }, { where: {}, transaction })
        await Resume.create({ title: 'b', pdf: file('three') }, { transaction })
        await expect(Resume.create({ title: 'a', pdf: file('four') }, { transaction })).rejects.toThrow()
      })
      const names = (await rows(Resume)).map(([, name]) => name)
      // PostgreSQL has rolled it back, the others have not; what it released is found by `orphans`.
      const isRolledBack = world.sequelize.getDialect() === 'postgres'
      expect(names).toEqual(isRolledBack ? ['pdfs/one.txt'] : ['pdfs/two.txt', 'pdfs/three.txt'])
      expect(await world.files()).toEqual(names.sort())
    })

    it('an image fills its columns, by every way of writing', async () => {
      const field = imageField({
        storage: world.place.storage,
        uploadTo: 'photos',
        width: 'photoWidth',
        height: 'photoHeight',
      })
      const sizes = { photoWidth: { type: DataTypes.INTEGER, field: 'photo_width' }, photoHeight: DataTypes.INTEGER }
      const Resume = await world.resumes({ ...unique, photo: fileAttribute(field), ...sizes })
      const size = async (): Promise<unknown> => {
        const { photoWidth, photoHeight } = (await Resume.findOne())!
        return [photoWidth, photoHeight]
      }
      const picture = (width: number, height: number) => upload(png(width, height), 'p.png')
      const row = await Resume.create({ title: 'a', photo: picture(3, 4) })
      expect([row['photoWidth'], row['photoHeight'], await size(), row.changed()]).toEqual([3, 4, [3, 4], false])
      await row.update({ photo: picture(5, 6) })
      expect([row['photoWidth'], await size(), row.changed()]).toEqual([5, [5, 6], false])
      await row.photo.save('q.png', png(7, 8))
      expect([row['photoWidth'], await size()]).toEqual([7, [7, 8]])
      await Resume.update({ photo: picture(9, 10) }, { where: {} })
      expect(await size()).toEqual([9, 10])
      await Resume.update({ photo: null }, { where: {} })
      expect(await size()).toEqual([null, null])
    })
  })
}
