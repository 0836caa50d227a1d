import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { type MongoServer, startMongo } from '../../servers/mongo.ts'
import { ormCrashes } from '../suite/crashes.ts'
import { openMongoose } from './ground.ts'

let server: MongoServer
let count = 0
beforeAll(async () => {
  server = await startMongo()
})
afterAll(() => server.close())

ormCrashes('Mongoose', {
  child: join(import.meta.dirname, 'crash.child.ts'),
  open: openMongoose,
  database: async () => server.url.replace('/test', `/crash${++count}`),
})
