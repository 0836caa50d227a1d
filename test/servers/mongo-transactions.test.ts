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

test('a transaction sees what it wrote and what was there when it began, others see neither before the commit', async () => {
  await using session = client.startSession()
  const rows = collection()
  await rows.insertOne({ _id: 1 })
  session.startTransaction()
  await rows.insertOne({ _id: 2 }, { session })
  await rows.insertOne({ _id: 3 })
  expect(await rows.distinct('_id', {}, { session })).toEqual([1, 2])
  expect(await rows.distinct('_id')).toEqual([1, 3])
  await session.commitTransaction()
  expect((await rows.distinct('_id')).sort()).toEqual([1, 2, 3])
})

test('an aborted transaction leaves nothing, nor does one whose session ends', async () => {
  const rows = collection()
  await rows.insertOne({ _id: 1, n: 1 })
  const session = client.startSession()
  session.startTransaction()
  await rows.updateOne({ _id: 1 }, { $set: { n: 2 } }, { session })
  await rows.deleteOne({ _id: 1 }, { session })
  expect(await rows.findOne({ _id: 1 }, { session })).toBeNull()
  await session.abortTransaction()
  expect(server.documents('rows')).toEqual([{ _id: 1, n: 1 }])
  session.startTransaction()
  await rows.insertOne({ _id: 2 }, { session })
  await session.endSession()
  expect(server.documents('rows')).toHaveLength(1)
})

test('two transactions on one document: the second is a write conflict, and withTransaction runs it again', async () => {
  const rows = collection()
  await rows.insertOne({ _id: 1, n: 0 })
  await using first = client.startSession()
  first.startTransaction()
  await rows.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { session: first })
  let runs = 0
  await client.withSession(session =>
    session.withTransaction(async () => {
      runs += 1
      if (runs === 2) await first.commitTransaction()
      await rows.findOne({ _id: 1 }, { session })
      await rows.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { session })
    }),
  )
  expect(runs).toBe(2)
  expect(server.documents('rows')).toEqual([{ _id: 1, n: 2 }])
})

test('a document that was written after the transaction began is a conflict', async () => {
  const rows = collection()
  await rows.insertOne({ _id: 1, n: 0 })
  await using session = client.startSession()
  session.startTransaction()
  await rows.findOne({ _id: 1 }, { session })
  await rows.updateOne({ _id: 1 }, { $set: { n: 5 } })
  const late = await rows.updateOne({ _id: 1 }, { $set: { n: 6 } }, { session }).catch(error => error)
  expect(late).toMatchObject({ code: 112, codeName: 'WriteConflict' })
  expect(late.hasErrorLabel('TransientTransactionError')).toBe(true)
  await expect(rows.findOne({}, { session })).rejects.toMatchObject({ code: 251 })
  await session.abortTransaction()
})

test('a write outside waits for the transaction that has written the document', async () => {
  const rows = collection()
  await rows.insertOne({ _id: 1, n: 0 })
  await using session = client.startSession()
  session.startTransaction()
  await rows.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { session })
  let isDone = false
  const outside = rows.updateOne({ _id: 1 }, { $inc: { n: 10 } }).then(() => (isDone = true))
  await rows.countDocuments({}, { session })
  expect(isDone).toBe(false)
  await session.commitTransaction()
  await outside
  expect(server.documents('rows')).toEqual([{ _id: 1, n: 11 }])
})

test('an error in a transaction aborts it', async () => {
  const rows = collection()
  await rows.insertOne({ _id: 1 })
  await using session = client.startSession()
  session.startTransaction()
  await rows.insertOne({ _id: 2 }, { session })
  await expect(rows.insertOne({ _id: 1 }, { session })).rejects.toMatchObject({ code: 11000 })
  await expect(session.commitTransaction()).rejects.toMatchObject({ code: 251 })
  expect(server.documents('rows')).toHaveLength(1)
})

test('unique keys of transactions that have not ended stand against each other', async () => {
  const rows = collection()
  await rows.createIndex({ email: 1 }, { unique: true })
  await using first = client.startSession()
  await using second = client.startSession()
  first.startTransaction()
  second.startTransaction()
  await rows.insertOne({ email: 'a' }, { session: first })
  await expect(rows.insertOne({ email: 'a' }, { session: second })).rejects.toMatchObject({ code: 112 })
  const outside = rows.insertOne({ email: 'a' }).catch(error => error.code)
  await first.commitTransaction()
  expect(await outside).toBe(11000)
  await second.abortTransaction()
})

test('a commit whose answer was lost is a success when it is sent again', async () => {
  server.fail({ command: 'commitTransaction', isDone: true })
  await client.withSession(session => session.withTransaction(() => collection().insertOne({ _id: 1 }, { session })))
  expect(server.documents('rows')).toEqual([{ _id: 1 }])
})

test('a commit that fails for a moment makes withTransaction run again', async () => {
  server.fail({ command: 'commitTransaction', code: 251, labels: ['TransientTransactionError'] })
  let runs = 0
  await client.withSession(session =>
    session.withTransaction(async () => {
      runs += 1
      await collection().insertOne({ _id: runs }, { session })
    }),
  )
  expect(runs).toBe(2)
  expect(server.documents('rows')).toEqual([{ _id: 2 }])
})

test('indexes cannot be made in a transaction', async () => {
  await using session = client.startSession()
  session.startTransaction()
  await expect(collection().createIndex({ n: 1 }, { session })).rejects.toMatchObject({ code: 263 })
  await session.abortTransaction()
})
