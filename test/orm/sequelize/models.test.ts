import { DataTypes, Model, type ModelStatic } from 'sequelize'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { findOrphans, upload } from '../../../src/fields/index.ts'
import { fileAttribute, sequelizeFiles } from '../../../src/orm/sequelize/index.ts'
import { World } from './world.ts'

let world: World
beforeEach(() => {
  world = new World()
})
afterEach(() => world.close())

const file = (name: string) => upload(Buffer.from(name), `${name}.txt`)

it('all models of a Sequelize are attached, those that are defined later too, until it is detached', async () => {
  const { place, sequelize } = world
  const define = (name: string): ModelStatic<Model> => sequelize.define(name, { pdf: fileAttribute(place.pdf()) })
  const Early = define('Early')
  sequelize.define('Plain', { title: DataTypes.STRING })
  const detach = sequelizeFiles(sequelize, { registry: place.registry })
  const Late = define('Late')
  await sequelize.sync()
  expect([...place.registry.users].map(({ label }) => label)).toEqual(['Early.pdf', 'Late.pdf'])
  const [early, late] = [await Early.create({ pdf: file('one') }), await Late.create({ pdf: file('two') })]
  detach()
  expect([...place.registry.users]).toEqual([])
  await expect(early.update({ pdf: file('x') })).rejects.toThrow(/'pdf' takes the name of a stored file/)
  await late.update({ pdf: null })
  expect(await world.files()).toEqual(['pdfs/one.txt', 'pdfs/two.txt'])
  const again = sequelizeFiles(sequelize, { registry: place.registry })
  await early.update({ pdf: file('three') })
  expect(await world.files()).toEqual(['pdfs/three.txt', 'pdfs/two.txt'])
  again()
})

it('a class of the program keeps its own validate and statics', async () => {
  const { place, sequelize } = world
  const calls: string[] = []
  class Resume extends Model {
    declare pdf: unknown
    override async validate(...options: Parameters<Model['validate']>): Promise<void> {
      calls.push('validate')
      return super.validate(...options)
    }
  }
  const pdf = fileAttribute(place.pdf(), { validate: { is: /\.txt$/ } })
  Resume.init({ title: DataTypes.STRING, pdf }, { sequelize, timestamps: false })
  const detach = sequelizeFiles(sequelize, { registry: place.registry })
  await Resume.sync()
  await Resume.create({ pdf: file('one') })
  await expect(Resume.create({ pdf: upload('x', 'x.pdf') })).rejects.toThrow('Validation is on pdf failed')
  detach()
  await Resume.create({ title: 'b' })
  expect(calls).toHaveLength(3)
  expect(Object.hasOwn(Resume, 'queryInterface')).toBe(false)
})

it('scopes are attached with their model', async () => {
  const Resume = await world.resumes({}, { scopes: { titled: { where: { title: 'a' } } } })
  const Scoped = Resume.scope('titled')
  await Resume.bulkCreate(['a', 'b'].map(title => ({ title, pdf: file(title) })))
  await Scoped.update({ pdf: file('new') }, { where: {} })
  expect(await world.files()).toEqual(['pdfs/b.txt', 'pdfs/new.txt'])
  await Scoped.destroy({ where: {} })
  expect(await world.files()).toEqual(['pdfs/b.txt'])
})

it('orphans are what no row names', async () => {
  const Resume = await world.resumes()
  await Resume.create({ title: 'a', pdf: file('one') })
  await world.place.storage.save('pdfs/lost.txt', 'lost')
  const found: string[] = []
  const { registry } = world.place
  for await (const { name } of findOrphans({ registry, graceSecs: 0 })) found.push(name)
  expect(found).toEqual(['pdfs/lost.txt'])
})
