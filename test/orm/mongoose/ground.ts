import mongoose, { type ClientSession, Schema, Types } from 'mongoose'
import { detachFiles, fileType, mongooseFiles } from '../../../src/orm/mongoose/index.ts'
import { startMongo } from '../../servers/mongo.ts'
import type { OrmGround, OrmPlace } from '../suite/conformance.ts'

const NO_SAVEPOINTS = 'MongoDB has no savepoints: an error in a transaction ends it.'
const NO_CONSTRAINTS = 'MongoDB has no constraints between collections that a delete or a commit could break.'

/** Starts a server, and Mongoose on it. */
export async function startMongooseGround(place: OrmPlace): Promise<OrmGround<ClientSession>> {
  const server = await startMongo()
  const ground = await openMongoose(place, server.url)
  return {
    ...ground,
    async close() {
      await ground.close()
      await server.close()
    },
  }
}

/** Mongoose with one model; `connection.transaction` passes its session on by AsyncLocalStorage. */
export async function openMongoose(place: OrmPlace, url: string): Promise<OrmGround<ClientSession>> {
  const { registry } = place
  const orm = new mongoose.Mongoose({ transactionAsyncLocalStorage: true, autoIndex: false, autoCreate: false })
  await orm.connect(url)
  const schema = Schema.create({
    title: { type: String, required: true },
    pdf: fileType(place.pdf()),
    photo: fileType(place.photo()),
    deletedAt: Date,
  })
  schema.index({ title: 1 }, { unique: true })
  schema.plugin(mongooseFiles({ registry }))
  schema.pre('find', function hideDeleted() {
    if (this.getFilter()['deletedAt'] === undefined) this.where({ deletedAt: null })
  })
  const Resume = orm.model('Resume', schema)
  await Resume.createIndexes()
  const of = (session?: ClientSession) => (session === undefined ? {} : { session })
  const found = async (id: unknown, tx?: ClientSession) => Resume.findById(id, null, of(tx))
  const rows = () => orm.connection.db!.collection('resumes').find().toArray()

  return {
    lacks: { savepoint: NO_SAVEPOINTS, pin: NO_CONSTRAINTS, breakCommit: NO_CONSTRAINTS },
    async create(values, tx) {
      const resume = await new Resume(values as object).save(of(tx)).catch(rethrown)
      return `${resume._id}`
    },
    find: found,
    async update(id, values, tx) {
      const resume = await found(id, tx)
      // Mongoose unsets what is undefined.
      const given = Object.entries(values).filter(([, value]) => value !== undefined)
      await resume!.set(Object.fromEntries(given)).save().catch(rethrown)
    },
    remove: async (id, tx) => (await found(id, tx))!.deleteOne(),
    names: async () =>
      (await rows()).flatMap(row => [row['pdf'], row['photo']]).filter(name => typeof name === 'string'),
    titles: async () => (await rows()).map(row => `${row['title']}`),
    clear: () => orm.connection.db!.collection('resumes').deleteMany({}),
    async close() {
      detachFiles(Resume)
      await orm.disconnect()
    },
    transaction: work => orm.connection.withSession(session => session.withTransaction(() => work(session))),
    async begin() {
      const session = await orm.startSession()
      session.startTransaction()
      return {
        tx: session,
        async commit() {
          await session.commitTransaction()
          await session.endSession()
        },
        async rollback() {
          await session.abortTransaction()
          await session.endSession()
        },
      }
    },
    ambient: work => orm.connection.transaction(() => work()),
    async createMany(values, tx) {
      if (tx !== undefined) return Resume.insertMany([...values], of(tx))
      // One call is all or nothing only in a transaction: MongoDB keeps what it has inserted before an error.
      return orm.connection.transaction(session => Resume.insertMany([...values], { session }))
    },
    updateWhere: (titles, values, tx) => Resume.updateMany({ title: { $in: titles } }, { $set: values }, of(tx)),
    removeWhere: (titles, tx) => Resume.deleteMany({ title: { $in: titles } }, of(tx)),
    softRemove: id => Resume.updateOne({ _id: new Types.ObjectId(`${id}`) }, { deletedAt: new Date() }),
    findWhere: (attribute, file) => Resume.find({ [attribute]: file }),
    fileOf: async (id, attribute, tx) => (await found(id, tx))![attribute],
  }
}

/** Mongoose puts errors of casting into a list by path. */
function rethrown(error: { readonly errors?: Readonly<Record<string, { readonly reason?: unknown }>> }): never {
  const [first] = Object.values(error.errors ?? {})
  throw first?.reason ?? error
}
