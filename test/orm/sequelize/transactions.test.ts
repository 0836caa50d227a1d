import { Sequelize, type Transaction } from 'sequelize'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { FileRegistry, upload } from '../../../src/fields/index.ts'
import { fileAttribute, sequelizeFiles } from '../../../src/orm/sequelize/index.ts'
import { databaseFolder, sqliteFile } from './ground.ts'
import { type AnyModel, type AnyRow, World } from './world.ts'

const file = (name: string) => upload(Buffer.from(name), `${name}.txt`)

/** On disk, where a transaction has a connection of its own; in memory there is one for all. */
async function onDisk(): Promise<World> {
  const { path, remove } = await databaseFolder()
  const world = new World(sqliteFile(path))
  after.push(remove)
  return world
}

const after: (() => unknown)[] = []
let world: World
let Resume: AnyModel
let row: AnyRow
beforeEach(async () => {
  world = await onDisk()
  Resume = await world.resumes()
  row = await Resume.create({ title: 'a', pdf: file('old') })
})
afterEach(async () => {
  await world.close()
  for (const end of after.splice(0)) await end()
})

const begin = (transaction?: Transaction): Promise<Transaction> =>
  transaction === undefined ? world.sequelize.transaction() : world.sequelize.transaction({ transaction })

it('fld-1: a savepoint that is never ended ends with its transaction', async () => {
  for (const [end, left] of [
    ['rollback', ['pdfs/old.txt']],
    ['commit', ['pdfs/new.txt', 'pdfs/second.txt']],
  ] as const) {
    const outer = await begin()
    const inner = await begin(outer)
    await row.reload({ transaction: outer })
    await row.update({ pdf: file('new') }, { transaction: inner })
    const innermost = await begin(inner)
    await Resume.create({ title: 'b', pdf: file('second') }, { transaction: innermost })
    await outer[end]()
    expect(await world.files()).toEqual(left)
  }
})

it('a transaction that is ended twice is not ended otherwise', async () => {
  const transaction = await begin()
  await row.update({ pdf: file('new') }, { transaction })
  const ends = await Promise.allSettled([transaction.commit(), transaction.commit(), transaction.rollback()])
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
  expect(await world.files()).toEqual(['pdfs/new.txt'])
})

it('fld-10: hooks after the commit find the old file, the await ends after its deletion', async () => {
  const seen: unknown[] = []
  await world.sequelize.transaction(async transaction => {
    transaction.afterCommit(async () => void seen.push(await world.files()))
    await row.destroy({ transaction })
  })
  expect(seen).toEqual([['pdfs/old.txt']])
  expect(await world.files()).toEqual([])
})

it('the file of a row that was read or made in a transaction is saved in it', async () => {
  const change = async (transaction: Transaction): Promise<void> => {
    const found = (await Resume.findByPk(row.id, { transaction }))!
    await found.pdf.save('new.txt', Buffer.from('new'))
    const made = Resume.build({ title: 'b' })
    await made.save({ transaction })
    await made.pdf.save('made.txt', Buffer.from('made'))
    expect(await Resume.findAll({ raw: true })).toMatchObject([{ pdf: 'pdfs/old.txt' }])
  }
  const fails = async (transaction: Transaction): Promise<void> => {
    await change(transaction)
    throw new Error('rolled back')
  }
  await expect(world.sequelize.transaction(fails)).rejects.toThrow('rolled back')
  expect([await world.files(), await Resume.count()]).toEqual([['pdfs/old.txt'], 1])
  await world.sequelize.transaction(change)
  expect([await world.files(), await Resume.count()]).toEqual([['pdfs/made.txt', 'pdfs/new.txt'], 2])
})

it('fld-11: with a namespace, a file is saved in the transaction that nobody passes, or in none', async () => {
  const { AsyncLocalStorage } = await import('node:async_hooks')
  const contexts = new AsyncLocalStorage<Map<string, unknown>>()
  Sequelize.useCLS({
    get: (key: string) => contexts.getStore()?.get(key),
    set: (key: string, value: unknown) => void contexts.getStore()?.set(key, value),
    run: (work: (context: object) => unknown) => {
      const context = new Map(contexts.getStore())
      contexts.run(context, () => work(context))
    },
    bind: (work: unknown) => work,
  })
  after.push(() => Reflect.deleteProperty(Sequelize, '_cls'))
  const fails = async (): Promise<void> => {
    await row.pdf.save('new.txt', Buffer.from('new'))
    await Resume.create({ title: 'b', pdf: file('second') })
    await Resume.update({ pdf: null }, { where: {} })
    await Resume.destroy({ where: {} })
    throw new Error('rolled back')
  }
  await expect(world.sequelize.transaction(fails)).rejects.toThrow('rolled back')
  expect([await world.files(), await Resume.count()]).toEqual([['pdfs/old.txt'], 1])
  await row.reload()
  await row.pdf.save('new.txt', Buffer.from('new'))
  expect(await world.files()).toEqual(['pdfs/new.txt'])
})

it('fld-11: in memory, what is written beside the open transaction deletes nothing', async () => {
  const memory = new World()
  after.push(() => memory.close())
  const Memory = await memory.resumes()
  const kept: string[] = []
  memory.place.registry.onKept = ({ name }) => void kept.push(name)
  const [a, b] = await Promise.all(['a', 'b'].map(name => Memory.create({ title: name, pdf: file(name) })))
  for (const end of ['rollback', 'commit'] as const) {
    const transaction = await memory.sequelize.transaction()
    const savepoint = await memory.sequelize.transaction({ transaction })
    await savepoint.commit()
    await a!.update({ pdf: file('new') })
    await b!.destroy()
    expect(await memory.files()).toEqual(expect.arrayContaining(['pdfs/a.txt', 'pdfs/b.txt']))
    await expect(memory.place.registry.check()).rejects.toMatchObject({ code: 'unavailable' })
    await transaction[end]()
    expect(kept.splice(0)).toEqual(['pdfs/a.txt', 'pdfs/b.txt'])
    await a!.reload()
  }
  // Afterwards files go again.
  await a!.update({ pdf: null })
  expect(kept).toEqual([])
  expect(await memory.files()).not.toContain(a!.previous('pdf'))
})

it('models of two registries in one transaction', async () => {
  const other = new Sequelize({ ...sqliteFile(':memory:'), logging: false })
  const registry = new FileRegistry()
  const Draft = other.define('Draft', { pdf: fileAttribute(world.place.pdf()) }, { timestamps: false })
  after.push(() => other.close(), sequelizeFiles(other, { registry }))
  await other.sync()
  const draft = await Draft.create({ pdf: file('draft') })
  await world.sequelize.transaction(async transaction => {
    await row.destroy({ transaction })
    // A write that belongs to no transaction, or to another, does not wait for this one.
    await draft.destroy()
    expect(await world.files()).toEqual(['pdfs/old.txt'])
  })
  expect(await world.files()).toEqual([])
})
