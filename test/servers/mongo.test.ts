import mongoose from 'mongoose'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type MongoServer, startMongo } from './mongo.ts'

const { MongoClient } = mongoose.mongo
let server: MongoServer
let client: InstanceType<typeof MongoClient>

beforeAll(async () => {
  server = await startMongo()
  client = await new MongoClient(server.url).connect()
})
afterEach(async () => {
  server.heal()
  await client.db().dropDatabase()
})
afterAll(async () => {
  await client.close()
  await server.close()
})

function collection(name = 'rows') {
  // biome-ignore lint/suspicious/noExplicitAny: documents of any shape
  return client.db().collection<any>(name)
}

test('finds with filter, sort, skip, limit and projection', async () => {
  const rows = collection()
  await rows.insertMany([1, 2, 3, 4].map(n => ({ _id: n, n, even: n % 2 === 0 })))
  const found = await rows
    .find({ n: { $gt: 1 } }, { projection: { _id: 0, n: 1 } })
    .sort({ n: -1 })
    .skip(1)
    .limit(2)
    .toArray()
  expect(found).toEqual([{ n: 3 }, { n: 2 }])
  expect(await rows.countDocuments({ even: true })).toBe(2)
  expect(await rows.estimatedDocumentCount()).toBe(4)
  expect((await rows.distinct('even')).sort()).toEqual([false, true])
  expect(
    await rows.aggregate([{ $match: { even: true } }, { $group: { _id: null, sum: { $sum: '$n' } } }]).toArray(),
  ).toEqual([{ _id: null, sum: 6 }])
})

test('object ids, dates, binaries and nested values come back as they were', async () => {
  const { ObjectId, Binary } = mongoose.mongo
  const row = {
    _id: new ObjectId(),
    at: new Date(5),
    bytes: new Binary(Buffer.from('ab')),
    deep: { list: [{ a: null }] },
  }
  await collection().insertOne(row)
  expect(await collection().findOne({ _id: new ObjectId(row._id.toHexString()) })).toEqual(row)
  expect(await collection().findOne({ 'deep.list.a': null, at: { $lte: new Date(5) } })).toEqual(row)
})

test('a long answer comes in batches, and a cursor that is closed is gone', async () => {
  const rows = collection()
  await rows.insertMany(Array.from({ length: 250 }, (_, n) => ({ n })))
  server.log.length = 0
  expect(await rows.find().batchSize(100).toArray()).toHaveLength(250)
  expect(server.log).toEqual(['find', 'getMore', 'getMore'])
  const cursor = rows.find().batchSize(2)
  await cursor.next()
  await cursor.close()
  expect(server.log.at(-1)).toBe('killCursors')
  const gone = client.db().command({ getMore: 999n, collection: 'rows' })
  await expect(gone).rejects.toMatchObject({ code: 43, codeName: 'CursorNotFound' })
})

test('update: operators, upserts, array filters, positions, pipelines and replacements', async () => {
  const rows = collection()
  await rows.insertOne({ _id: 1, n: 1, list: [{ k: 1 }, { k: 2 }] })
  expect(
    await rows.updateOne({ _id: 1 }, { $inc: { n: 2 }, $set: { 'deep.x': 1 }, $push: { list: { k: 3 } as never } }),
  ).toMatchObject({
    matchedCount: 1,
    modifiedCount: 1,
  })
  await rows.updateOne({ _id: 1 }, { $set: { 'list.$[e].k': 9 } }, { arrayFilters: [{ 'e.k': 2 }] })
  await rows.updateOne({ 'list.k': 9 }, { $set: { 'list.$.hit': true } })
  await rows.updateOne({ _id: 1 }, { $pull: { list: { k: 3 } as never }, $unset: { deep: '' } })
  expect(await rows.findOne()).toEqual({ _id: 1, n: 3, list: [{ k: 1 }, { k: 9, hit: true }] })
  await rows.updateOne({ _id: 1 }, [{ $set: { twice: { $multiply: ['$n', 2] } } }])
  expect(await rows.findOne()).toMatchObject({ twice: 6 })
  expect(await rows.updateOne({ _id: 1 }, { $set: { n: 3 } })).toMatchObject({ matchedCount: 1, modifiedCount: 0 })
  const made = await rows.updateOne(
    { name: 'a', age: { $gt: 1 } },
    { $set: { x: 1 }, $setOnInsert: { y: 2 } },
    { upsert: true },
  )
  expect(await rows.findOne({ _id: made.upsertedId })).toEqual({ _id: made.upsertedId, name: 'a', x: 1, y: 2 })
  await rows.updateOne({ name: 'a' }, { $set: { x: 2 }, $setOnInsert: { y: 3 } }, { upsert: true })
  expect(await rows.findOne({ name: 'a' })).toMatchObject({ x: 2, y: 2 })
  expect(await rows.updateMany({}, { $set: { all: 1 } })).toMatchObject({ matchedCount: 2, modifiedCount: 2 })
  await rows.replaceOne({ _id: 1 }, { only: 1 })
  expect(await rows.findOne({ _id: 1 })).toEqual({ _id: 1, only: 1 })
})

test('find and modify: before, after, sort, projection, upsert, delete', async () => {
  const rows = collection()
  await rows.insertMany([
    { _id: 1, n: 1 },
    { _id: 2, n: 2 },
  ])
  const before = await rows.findOneAndUpdate({}, { $set: { n: 5 } }, { sort: { n: -1 }, returnDocument: 'before' })
  expect(before).toEqual({ _id: 2, n: 2 })
  const after = await rows.findOneAndReplace({ _id: 2 }, { n: 6 }, { returnDocument: 'after', projection: { _id: 0 } })
  expect(after).toEqual({ n: 6 })
  const made = await rows.findOneAndUpdate({ _id: 3 }, { $set: { n: 3 } }, { upsert: true, returnDocument: 'after' })
  expect(made).toEqual({ _id: 3, n: 3 })
  expect(await rows.findOneAndDelete({ _id: 3 })).toEqual({ _id: 3, n: 3 })
  expect(await rows.findOneAndDelete({ _id: 3 })).toBeNull()
  expect(await rows.deleteOne({})).toMatchObject({ deletedCount: 1 })
  expect(await rows.deleteMany({})).toMatchObject({ deletedCount: 1 })
})

test('unique indexes refuse with 11000, as the _id does', async () => {
  const rows = collection()
  await rows.createIndex({ email: 1 }, { unique: true, sparse: true })
  expect((await rows.indexes()).map(({ name }) => name)).toEqual(['_id_', 'email_1'])
  await rows.insertMany([{ _id: 1, email: 'a' }, { _id: 2 }, { _id: 3 }])
  const twice = await rows.insertOne({ email: 'a' }).catch(error => error)
  expect(twice).toMatchObject({ code: 11000, keyPattern: { email: 1 }, keyValue: { email: 'a' } })
  await expect(rows.insertOne({ _id: 1 })).rejects.toMatchObject({ code: 11000 })
  await expect(rows.updateOne({ _id: 2 }, { $set: { email: 'a' } })).rejects.toMatchObject({ code: 11000 })
  const partly = await rows.insertMany([{ _id: 4 }, { _id: 1 }, { _id: 5 }], { ordered: false }).catch(error => error)
  expect(partly).toMatchObject({ code: 11000, insertedCount: 2 })
  await rows.dropIndex('email_1')
  await rows.insertOne({ email: 'a' })
  await expect(rows.createIndex({ email: 1 }, { unique: true })).rejects.toMatchObject({ code: 11000 })
})

test('collections are made, listed and dropped', async () => {
  await client.db().createCollection('a')
  await expect(client.db().command({ create: 'a' })).rejects.toMatchObject({ codeName: 'NamespaceExists' })
  expect((await client.db().listCollections().toArray()).map(({ name }) => name)).toEqual(['a'])
  await client.db().dropCollection('a')
  await expect(client.db().command({ drop: 'a' })).rejects.toMatchObject({ codeName: 'NamespaceNotFound' })
})

test('what is not known is refused with the code of MongoDB', async () => {
  const rows = collection()
  const db = client.db()
  await rows.insertOne({ _id: 1, text: 'x' })
  await expect(db.command({ frobnicate: 1 })).rejects.toMatchObject({ code: 59 })
  await expect(db.command({ find: 'rows', foo: 1 })).rejects.toMatchObject({ code: 40415 })
  await expect(db.command({ update: 'rows', updates: [{ q: {}, u: {}, foo: 1 }] })).resolves.toMatchObject({
    writeErrors: [{ code: 40415 }],
  })
  await expect(rows.findOne({ n: { $foo: 1 } })).rejects.toMatchObject({ code: 2 })
  await expect(rows.aggregate([{ $foo: 1 }]).toArray()).rejects.toMatchObject({ code: 40324 })
  await expect(rows.updateOne({}, { $foo: { n: 1 } })).rejects.toMatchObject({ code: 9 })
  await expect(rows.updateOne({}, { $set: { _id: 2 } })).rejects.toMatchObject({ code: 66 })
  await expect(rows.updateOne({}, { $inc: { text: 1 } })).rejects.toMatchObject({ code: 14 })
})

test('a retryable write whose answer was lost is not done twice', async () => {
  server.fail({ command: 'insert', isDone: true })
  await collection().insertOne({ _id: 1 })
  server.fail({ command: 'update', isDone: true })
  await collection().updateOne({ _id: 1 }, { $inc: { n: 1 } })
  server.fail({ command: 'findAndModify' })
  expect(await collection().findOneAndUpdate({ _id: 1 }, { $inc: { n: 1 } }, { returnDocument: 'after' })).toEqual({
    _id: 1,
    n: 2,
  })
  expect(server.documents('rows')).toEqual([{ _id: 1, n: 2 }])
})

test('faults: an error instead of the command, one after it, and the wait for a promise', async () => {
  server.fail({ command: 'insert', code: 2, message: 'no' })
  await expect(collection().insertOne({ _id: 1 })).rejects.toMatchObject({ code: 2, message: 'no' })
  server.fail({ command: 'insert', code: 2, isDone: true })
  await expect(collection().insertOne({ _id: 1 })).rejects.toMatchObject({ code: 2 })
  expect(server.documents('rows')).toHaveLength(1)
  const { promise, resolve } = Promise.withResolvers<void>()
  server.fail({ command: 'insert', until: promise, skip: 1 })
  await collection().insertOne({ _id: 2 })
  const late = collection().insertOne({ _id: 3 })
  expect(await collection().countDocuments()).toBe(2)
  resolve()
  await late
  expect(server.documents('rows')).toHaveLength(3)
})

test('writes without an answer are done', async () => {
  await collection().insertOne({ _id: 1 }, { writeConcern: { w: 0 } })
  await client.db().command({ ping: 1 })
  await expect.poll(() => server.documents('rows')).toEqual([{ _id: 1 }])
})
