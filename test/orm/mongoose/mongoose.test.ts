import { Mongoose, Schema, Types } from 'mongoose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { FileRegistry, fileField, imageField, upload } from '../../../src/fields/index.ts'
import { MemoryStorage } from '../../../src/index.ts'
import { detachFiles, fileType, mongooseFiles } from '../../../src/orm/mongoose/index.ts'
import { type MongoServer, startMongo } from '../../servers/mongo.ts'

const storage = new MemoryStorage()
const registry = new FileRegistry()
const kept: string[] = []
registry.onKept = ({ name, error }) => void kept.push(`${name}: ${error.message}`)
const orm = new Mongoose({ transactionAsyncLocalStorage: true, autoIndex: false, autoCreate: false })
let server: MongoServer

const schema = Schema.create({
  title: { type: String, required: true, unique: true },
  pdf: fileType(fileField({ storage, uploadTo: 'pdfs' })),
  photo: fileType(imageField({ storage, uploadTo: 'photos', width: 'photoWidth', height: 'photoHeight' })),
  photoWidth: { type: Number, default: null },
  photoHeight: Number,
})
schema.plugin(mongooseFiles({ registry }))
const Resume = orm.model('Resume', schema)

beforeAll(async () => {
  server = await startMongo()
  await orm.connect(server.url)
  await Resume.createIndexes()
})
afterEach(async () => {
  server.heal()
  await orm.connection.db!.collection('resumes').deleteMany({})
  for (const name of await files()) await storage.delete(name)
  expect(kept.splice(0)).toEqual([])
})
afterAll(async () => {
  detachFiles(Resume)
  expect(registry.users.size).toBe(0)
  await orm.disconnect()
  await server.close()
})

async function files(): Promise<string[]> {
  const found: string[] = []
  for await (const entry of storage.entries('', { recursive: true })) if (!entry.isDirectory) found.push(entry.name)
  return found.sort()
}

/** There are exactly the files that documents name. */
async function exact(): Promise<string[]> {
  const rows = server.documents('resumes')
  const names = rows.flatMap(row => [row['pdf'], row['photo']]).filter(name => typeof name === 'string')
  expect(await files()).toEqual([...new Set(names)].sort())
  return names
}

const pdf = (name: string, text = name) => upload(Buffer.from(text), `${name}.pdf`)
const TRANSIENT = ['TransientTransactionError']
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAYAAAC56t6BAAAAC0lEQVR42mNgwAsAABsAAY0sG8kAAAAASUVORK5CYII=',
  'base64',
)

describe('transactions', () => {
  test('fld-1, fld-10: withTransaction that runs again neither loses nor doubles files', async () => {
    const resume = await Resume.create({ title: 'a', pdf: pdf('one') })
    server.fail({ command: 'commitTransaction', code: 251, labels: TRANSIENT, times: 2 })
    let runs = 0
    await orm.connection.withSession(session =>
      session.withTransaction(async () => {
        runs += 1
        const found = await Resume.findById(resume._id, null, { session }).orFail()
        found.set({ pdf: pdf(`run${runs}`) })
        await found.save()
        await Resume.create([{ title: 'b', pdf: pdf('b') }], { session })
      }),
    )
    expect(runs).toBe(3)
    expect((await exact()).length).toBe(2)
    expect(await storage.readText('pdfs/run3.pdf')).toBe('run3')
  })

  test('a document of outside is stored again when connection.transaction runs again', async () => {
    const made = new Resume({ title: 'a', pdf: pdf('one', 'content') })
    const old = await Resume.create({ title: 'b', pdf: pdf('old') })
    old.set({ pdf: pdf('new', 'new content') })
    server.fail({ command: 'update', code: 112, labels: TRANSIENT })
    let runs = 0
    await orm.connection.transaction(async session => {
      runs += 1
      await made.save({ session })
      await old.save({ session })
    })
    expect(runs).toBe(2)
    expect((await exact()).sort()).toEqual([made.pdf.name, old.pdf.name].sort())
    expect(`${await made.pdf.read()} ${await old.pdf.read()}`).toBe('content new content')
  })

  test('a write conflict: the loser runs again, and its first file is gone', async () => {
    const { _id } = await Resume.create({ title: 'a', pdf: pdf('one') })
    const hasWritten = Promise.withResolvers<void>()
    const mayCommit = Promise.withResolvers<void>()
    const first = orm.connection.transaction(async () => {
      await Resume.updateOne({ _id }, { pdf: pdf('first') })
      hasWritten.resolve()
      await mayCommit.promise
    })
    await hasWritten.promise
    let runs = 0
    await orm.connection.transaction(async () => {
      runs += 1
      if (runs === 2) {
        mayCommit.resolve()
        await first
      }
      await Resume.updateOne({ _id }, { pdf: pdf('second') })
    })
    expect(runs).toBe(2)
    expect((await exact()).length).toBe(1)
    expect(await (await Resume.findById(_id).orFail()).pdf.read()).toEqual(Buffer.from('second'))
  })

  test('a commit without an answer, which was done: the new file stays, the old one goes with the session', async () => {
    const { _id } = await Resume.create({ title: 'a', pdf: pdf('one') })
    const labels = ['UnknownTransactionCommitResult']
    const session = await orm.startSession()
    session.startTransaction()
    await Resume.updateOne({ _id }, { pdf: pdf('two') }, { session })
    server.fail({ command: 'commitTransaction', code: 50, isDone: true, labels })
    await expect(session.commitTransaction()).rejects.toMatchObject({ code: 50 })
    expect(await files()).toEqual(['pdfs/one.pdf', 'pdfs/two.pdf'])
    await session.endSession()
    expect(await exact()).toEqual(['pdfs/two.pdf'])
  })

  test('a commit without an answer that is made again', async () => {
    const { _id } = await Resume.create({ title: 'a', pdf: pdf('one') })
    server.fail({ command: 'commitTransaction', code: 64, labels: ['UnknownTransactionCommitResult'] })
    server.fail({ command: 'commitTransaction', isDone: true })
    await orm.connection.transaction(() => Resume.updateOne({ _id }, { pdf: pdf('two') }))
    expect(await exact()).toEqual(['pdfs/two.pdf'])
  })

  test('fld-11: the files of documents find the transaction that is not passed on', async () => {
    const resume = await Resume.create({ title: 'a', pdf: pdf('one') })
    const stop = new Error('stop')
    const work = orm.connection.transaction(async () => {
      await resume.pdf.save('two.pdf', Buffer.from('two'))
      await resume.photo.save('a.png', PNG)
      expect(await files()).toEqual(['pdfs/one.pdf', 'pdfs/two.pdf', 'photos/a.png'])
      throw stop
    })
    await expect(work).rejects.toBe(stop)
    expect(await exact()).toEqual(['pdfs/one.pdf'])
    expect([resume.pdf.name, resume.photo.isEmpty, resume.photoWidth]).toEqual(['pdfs/one.pdf', true, null])
    await orm.connection.transaction(() => resume.pdf.delete())
    expect(await exact()).toEqual([])
  })
})

describe('writes', () => {
  test('many writes of one document at a time, outside of transactions, leave one file', async () => {
    const { _id } = await Resume.create({ title: 'a', pdf: pdf('first') })
    await Promise.all(
      Array.from({ length: 30 }, async (_, n) => {
        const values = { pdf: pdf(`n${n}`) }
        if (n % 3 === 0) await Resume.updateOne({ _id }, values)
        else if (n % 3 === 1) await Resume.findByIdAndUpdate(_id, values, { returnDocument: 'after' })
        else await (await Resume.findById(_id).orFail()).set(values).save()
      }),
    )
    expect((await exact()).length).toBe(1)
    await Promise.all([
      Resume.deleteOne({ _id }),
      Resume.findByIdAndDelete(_id),
      Resume.updateOne({ _id }, { pdf: pdf('x') }),
    ])
    expect(await exact()).toEqual([])
  })

  test('results are what MongoDB returns', async () => {
    const resume = await Resume.create({ title: 'a', pdf: pdf('one') })
    const updated = await Resume.updateOne({ title: 'a' }, { pdf: pdf('two') })
    expect(updated).toMatchObject({ acknowledged: true, matchedCount: 1, modifiedCount: 1, upsertedCount: 0 })
    expect(await Resume.updateOne({ title: 'z' }, { pdf: pdf('x') })).toMatchObject({ matchedCount: 0 })
    const upserted = await Resume.updateOne({ title: 'b' }, { pdf: pdf('b') }, { upsert: true })
    expect(upserted).toMatchObject({ upsertedCount: 1, upsertedId: expect.any(Types.ObjectId) })
    const before = await Resume.findOneAndUpdate({ title: 'a' }, { pdf: pdf('three') }).orFail()
    expect(before.pdf.name).toBe('pdfs/two.pdf')
    const after = await Resume.findOneAndUpdate(
      { title: 'a' },
      { $unset: { pdf: 1 } },
      { returnDocument: 'after' },
    ).orFail()
    expect(after.pdf.isEmpty).toBe(true)
    expect(await exact()).toEqual(['pdfs/b.pdf'])
    expect(await resume.deleteOne()).toMatchObject({ deletedCount: 1 })
    expect(await Resume.findOneAndDelete({ title: 'none' })).toBeNull()
    expect((await Resume.findOneAndDelete({ title: 'b' }).orFail()).pdf.name).toBe('pdfs/b.pdf')
    expect(await exact()).toEqual([])
  })

  test('an upsert whose document is deleted meanwhile inserts one of its own', async () => {
    const { _id } = await Resume.create({ title: 'a', pdf: pdf('one') })
    const late = Promise.withResolvers<void>()
    server.fail({ command: 'update', until: late.promise })
    const upserting = Resume.updateOne({ title: 'a' }, { pdf: pdf('two') }, { upsert: true }).exec()
    await expect.poll(() => server.log.at(-1)).toBe('update')
    await Resume.deleteOne({ _id })
    late.resolve()
    const { upsertedId, upsertedCount } = await upserting
    expect([upsertedCount, `${upsertedId}` === `${_id}`]).toEqual([1, false])
    expect(await exact()).toEqual(['pdfs/two.pdf'])
  })

  test('insertMany that fails half way keeps the files of what was inserted', async () => {
    await Resume.create({ title: 'b' })
    const rows = ['a', 'b', 'c'].map(title => ({ title, pdf: pdf(title) }))
    await expect(Resume.insertMany(rows)).rejects.toMatchObject({ code: 11000 })
    expect(await exact()).toEqual(['pdfs/a.pdf'])
  })

  test('fld-2: what validation refuses is not uploaded; a document that is gone keeps its content to save', async () => {
    await expect(Resume.create({ pdf: pdf('one') })).rejects.toThrow(/title/)
    const resume = await Resume.create({ title: 'a', pdf: pdf('one') })
    await Resume.deleteOne({ _id: resume._id })
    resume.set({ pdf: pdf('two', 'again') })
    await expect(resume.save()).rejects.toThrow(/No document found/)
    expect([resume.pdf.committed, await files()]).toEqual([false, []])
    resume.isNew = true
    await resume.save()
    expect(await exact()).toEqual(['pdfs/two.pdf'])
    expect(`${await resume.pdf.read()}`).toBe('again')
  })

  test.each<[string, (_id: Types.ObjectId) => Promise<unknown>]>([
    ['bulkWrite', _id => Resume.bulkWrite([{ updateOne: { filter: { _id }, update: { $set: { pdf: pdf('two') } } } }])],
    [
      'bulkWrite with a pipeline',
      _id => Resume.bulkWrite([{ updateOne: { filter: { _id }, update: [{ $set: { pdf: PNG } }] } } as never]),
    ],
    ['bulkWrite that inserts', () => Resume.bulkWrite([{ insertOne: { document: { title: 'b', pdf: PNG } } }])],
    ['bulkSave', async _id => Resume.bulkSave([(await Resume.findById(_id).orFail()).set({ pdf: pdf('two') })])],
    ['replaceOne', _id => Resume.replaceOne({ _id }, { title: 'a', pdf: pdf('two') } as object)],
    ['findOneAndReplace', _id => Resume.findOneAndReplace({ _id }, { title: 'a', pdf: pdf('two') } as object)],
    ['a pipeline', _id => Resume.updateOne({ _id }, [{ $set: { pdf: PNG } }], { updatePipeline: true }).exec()],
    [
      'a condition in a pipeline',
      _id =>
        Resume.updateMany({ _id }, [{ $addFields: { pdf: { $cond: [true, pdf('two'), null] } } }], {
          updatePipeline: true,
        }).exec(),
    ],
    ['$push', _id => Resume.updateOne({ _id }, { $push: { pdf: PNG } } as object).exec()],
    ['$setOnInsert', () => Resume.updateOne({ title: 'b' }, { $setOnInsert: { pdf: PNG } }, { upsert: true }).exec()],
    ['bulkWrite of the collection', () => Resume.collection.bulkWrite([{ insertOne: { document: { pdf: PNG } } }])],
    ['replaceOne of the collection', _id => Resume.collection.replaceOne({ _id } as object, { pdf: pdf('two') })],
  ])('fld-14: content is refused by %s', async (_, write) => {
    const { _id } = await Resume.create({ title: 'a', pdf: pdf('one') })
    await expect(write(_id)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(/'pdf' (takes the name of a stored file|is not stored yet)/),
    })
    expect(server.documents('resumes')).toMatchObject([{ pdf: 'pdfs/one.pdf' }])
    expect(await exact()).toEqual(['pdfs/one.pdf'])
  })

  test('writes that the plugin does not see: names and other paths are written, old files stay', async () => {
    const { _id } = await Resume.create({ title: 'a', pdf: pdf('one') })
    await Resume.updateOne({ _id }, [{ $set: { title: 'b', meta: { pdf: PNG } } }], { updatePipeline: true })
    await Resume.replaceOne({ _id }, { title: 'c' })
    expect(server.documents('resumes')).toMatchObject([{ title: 'c' }])
    expect(await files()).toEqual(['pdfs/one.pdf'])
    await expect(Resume.updateOne({ _id }, { pdf: 7 } as object)).rejects.toThrow(/'pdf' takes/)
  })

  test('a document whose path holds no name can be deleted', async () => {
    await Resume.create({ title: 'a', photo: PNG })
    await orm.connection.db!.collection('resumes').updateOne({}, { $set: { pdf: { old: true } } })
    await Resume.deleteMany({})
    expect(await exact()).toEqual([])
  })

  test('fld-8: columns of pictures are filled on create, update and save, and cleared', async () => {
    const resume = await Resume.create({ title: 'a', photo: upload(PNG, 'a.png') })
    expect([resume.photoWidth, resume.photoHeight, resume.isModified()]).toEqual([2, 3, false])
    await Resume.updateOne({ title: 'a' }, { photo: null })
    expect(server.documents('resumes')).toMatchObject([{ photo: null, photoWidth: null, photoHeight: null }])
    await resume.photo.save('b.png', PNG)
    expect(server.documents('resumes')).toMatchObject([{ photo: 'photos/b.png', photoWidth: 2, photoHeight: 3 }])
    await Resume.updateOne({ title: 'a' }, { photo: upload(Buffer.from('text'), 'c.png') })
    expect(await Resume.findOne().lean()).toMatchObject({ photoWidth: null })
  })
})

describe('documents', () => {
  test('a document has an empty file for null, for a missing one, and before it is saved', async () => {
    const resume = new Resume({ title: 'a' })
    const { pdf: empty } = resume
    expect(empty.isEmpty).toBe(true)
    expect(resume.pdf).toBe(empty)
    await resume.pdf.save('cv.pdf', Buffer.from('cv'))
    expect([resume.isNew, resume.pdf.name]).toEqual([false, 'pdfs/cv.pdf'])
    await resume.pdf.delete()
    expect(server.documents('resumes')).toMatchObject([{ pdf: null }])
    const found = await Resume.findOne().select('-pdf').orFail()
    expect(found.pdf).toBeUndefined()
  })

  test('assigning an equal file is no change; two files that wait are different', async () => {
    const { _id } = await Resume.create({ title: 'a', pdf: pdf('one') })
    const resume = await Resume.findById(_id).orFail()
    const file = resume.pdf
    for (const same of ['pdfs/one.pdf', file, (await Resume.findById(_id).orFail()).pdf]) {
      resume.set({ pdf: same })
      expect(resume.isModified('pdf')).toBe(false)
    }
    resume.set({ pdf: pdf('two', 'first') })
    resume.set({ pdf: resume.pdf })
    resume.set({ pdf: pdf('two', 'second') })
    expect(resume.isModified('pdf')).toBe(true)
    await resume.save()
    expect(`${await resume.pdf.read()}`).toBe('second')
    expect((await exact()).length).toBe(1)
    resume.set({ pdf: resume.pdf.name })
    expect(resume.isModified()).toBe(false)
  })

  test('JSON and plain objects have names, lean too; hydrate and conditions take them', async () => {
    const resume = await Resume.create({ title: 'a', pdf: pdf('one') })
    expect(JSON.parse(JSON.stringify(resume))).toMatchObject({ title: 'a', pdf: 'pdfs/one.pdf' })
    const lean = await Resume.findOne({ pdf: resume.pdf }).lean().orFail()
    expect(lean.pdf).toBe('pdfs/one.pdf')
    const cached = Resume.hydrate(JSON.parse(JSON.stringify(lean)))
    expect(`${await cached.pdf.read()}`).toBe('one')
    await cached.pdf.save('two.pdf', Buffer.from('two'))
    expect(await exact()).toEqual(['pdfs/two.pdf'])
    expect(await Resume.countDocuments({ pdf: { $in: ['pdfs/two.pdf', resume.pdf] } })).toBe(1)
    expect(await Resume.countDocuments({ pdf: /two/ })).toBe(1)
    resume.set({ pdf: pdf('three') })
    expect(() => JSON.stringify(resume)).toThrow(/not stored yet/)
  })

  test('the file of another document is shared, and belongs to its own', async () => {
    const a = await Resume.create({ title: 'a', pdf: pdf('one') })
    const b = await Resume.create({ title: 'b', pdf: a.pdf })
    expect(b.pdf.name).toBe(a.pdf.name)
    await b.pdf.save('two.pdf', Buffer.from('two'))
    expect((await exact()).sort()).toEqual(['pdfs/one.pdf', 'pdfs/two.pdf'])
    expect((await Resume.findById(a._id).orFail()).pdf.name).toBe('pdfs/one.pdf')
  })

  test('an open file is read on', async () => {
    const resume = await Resume.create({ title: 'a', pdf: pdf('one', 'content') })
    await resume.pdf.open('r')
    expect([await resume.pdf.read(3), await resume.pdf.read()].join(' ')).toBe('con tent')
  })
})

describe('schemas', () => {
  const field = () => fileType(fileField({ storage }))
  test.each<[string, () => Schema]>([
    ['a subdocument', () => new Schema({ inner: new Schema({ file: field() }) })],
    ['an array of subdocuments', () => new Schema({ list: [{ file: field() }] })],
    ['a nested object', () => new Schema({ nested: { file: field() } })],
    ['an array', () => new Schema({ list: [field()] })],
    ['a map', () => new Schema({ map: { type: Map, of: new Schema({ file: field() }) } })],
    ['a map of files', () => new Schema({ map: { type: Map, of: field() } })],
  ])('files in %s are refused', (_title, make) => {
    expect(() => make().plugin(mongooseFiles({ registry }))).toThrow(/files can only be at the first level/)
  })

  test('one field for two paths is refused, a schema that contains itself is not', () => {
    const file = fileField({ storage })
    const twice = new Schema({ a: fileType(file), b: fileType(file) })
    expect(() => twice.plugin(mongooseFiles({ registry }))).toThrow(/make a field for each/)
    const tree = new Schema({ title: String })
    tree.add({ children: [tree] })
    tree.plugin(mongooseFiles({ registry }))
  })

  test('discriminators have the files of the base schema; their own are refused, as files without the plugin', async () => {
    const base = Schema.create({ title: String, pdf: field() }, { discriminatorKey: 'kind' })
    base.plugin(mongooseFiles({ registry }))
    const Item = orm.model('Item', base)
    const Picture = Item.discriminator('Picture', new Schema({ picture: field() }).plugin(mongooseFiles({ registry })))
    const made = await new Picture({ title: 'a', pdf: pdf('one') } as object).save()
    expect((await Item.findById(made._id).orFail()).pdf.name).toBe('one.pdf')
    await expect(new Picture({ picture: 'two.pdf' } as object).save()).rejects.toThrow(
      /because of "ImproperlyConfigured"/,
    )
    await Item.deleteMany({})
    expect(await files()).toEqual([])
    detachFiles(Item)
  })

  test('required, select and index of a path', async () => {
    const options = { required: true, select: false, index: true } as const
    const strict = Schema.create({ title: String, pdf: fileType(fileField({ storage }), options) })
    strict.plugin(mongooseFiles({ registry }))
    const Strict = orm.model('Strict', strict)
    await expect(Strict.create({ title: 'a' })).rejects.toThrow(/Path `pdf` is required/)
    const { _id } = await Strict.create({ title: 'a', pdf: pdf('one') })
    expect((await Strict.findById(_id).orFail()).pdf).toBeUndefined()
    expect((await Strict.findById(_id).select('+pdf').orFail()).pdf.name).toBe('one.pdf')
    expect(strict.indexes()).toEqual([[{ pdf: 1 }, expect.anything()]])
    await Strict.deleteOne({ _id })
    expect(await files()).toEqual([])
    detachFiles(Strict)
  })

  test('writes before the connection is open wait for it', async () => {
    const late = new Mongoose({ autoIndex: false, autoCreate: false })
    const Late = late.model('Resume', schema.clone())
    const made = Late.create({ title: 'late', pdf: pdf('late') })
    await late.connect(server.url)
    const resume = await made
    expect(await exact()).toEqual(['pdfs/late.pdf'])
    await resume.deleteOne()
    expect(await exact()).toEqual([])
    detachFiles(Late)
    await late.disconnect()
  })
})
