import { MikroORM } from '@mikro-orm/sqlite'
import { ormConformance } from '../suite/conformance.ts'
import { resumeSchema, startMikro } from './ground.ts'

ormConformance('MikroORM on SQLite', async place => {
  const orm = await MikroORM.init({ entities: [resumeSchema(place)], dbName: ':memory:', debug: false })
  return startMikro(orm, 'sqlite', place)
})
