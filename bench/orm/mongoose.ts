import { Mongoose, Schema } from 'mongoose'
import { FileRegistry, fileField } from '../../src/fields/index.ts'
import { MemoryStorage } from '../../src/index.ts'
import { fileType, mongooseFiles } from '../../src/orm/mongoose/index.ts'
import { startMongo } from '../../test/servers/mongo.ts'
import { type Found, ROWS, rowOf } from './found.ts'

/** Documents of a server of ours, in the same process; a file is made when a document is asked for it. */
export async function start(): Promise<Found> {
  const server = await startMongo()
  const orm = await new Mongoose({ autoIndex: false, autoCreate: false }).connect(server.url)
  const pdf = fileField({ storage: new MemoryStorage(), uploadTo: 'pdfs' })
  const schema = new Schema({ id: Number, title: String, pdf: fileType(pdf) })
  schema.plugin(mongooseFiles({ registry: new FileRegistry() }))
  const Files = orm.model('Files', schema, 'resumes')
  const Texts = orm.model('Texts', new Schema({ id: Number, title: String, pdf: String }), 'resumes')
  await Texts.insertMany(Array.from({ length: ROWS }, (_, n) => rowOf(n + 1)))
  return {
    withFiles: () => Files.find().exec(),
    withText: () => Texts.find().exec(),
    async close() {
      await orm.disconnect()
      await server.close()
    },
  }
}
