/** Every adapter on SQLite, and Mongoose on a server of ours, killed at each step: processes take their time, also without a real server. */
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openMikro } from '../orm/mikro-orm/ground.ts'
import { openMongoose } from '../orm/mongoose/ground.ts'
import { openPrisma } from '../orm/prisma/ground.ts'
import { ormCrashes } from '../orm/suite/crashes.ts'
import { openTypeorm } from '../orm/typeorm/ground.ts'
import { startMongo } from '../servers/mongo.ts'

const child = (name: string): string => join(import.meta.dirname, `../orm/${name}/crash.child.ts`)

const server = await startMongo()
let count = 0
afterAll(() => server.close())

ormCrashes('MikroORM with SQLite', { child: child('mikro-orm'), open: openMikro })
ormCrashes('Prisma with SQLite', { child: child('prisma'), open: openPrisma })
ormCrashes('TypeORM with SQLite', { child: child('typeorm'), open: openTypeorm })
ormCrashes('Mongoose', {
  child: child('mongoose'),
  open: openMongoose,
  database: async () => server.url.replace('/test', `/crash${++count}`),
})
