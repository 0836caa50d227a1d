/** MikroORM over real databases: pools of connections, and savepoints that MariaDB reports only when they are rolled back. */
import { MikroORM as MariadbORM } from '@mikro-orm/mariadb'
import { MikroORM as PostgresORM } from '@mikro-orm/postgresql'
import { afterAll } from 'vitest'
import { resumeSchema, startMikro } from '../orm/mikro-orm/ground.ts'
import { ormConformance } from '../orm/suite/conformance.ts'
import { startMariadb } from '../servers/mariadb.ts'
import { startPostgres } from '../servers/postgres.ts'

const [first, second] = await Promise.all([startPostgres(), startMariadb()])
afterAll(() => Promise.all([first.close(), second.close()]))

ormConformance('MikroORM with PostgreSQL', async place => {
  const clientUrl = await first.createDatabase()
  const orm = await PostgresORM.init({ entities: [resumeSchema(place)], clientUrl, debug: false })
  return startMikro(orm, 'postgres', place)
})

ormConformance('MikroORM with MariaDB', async place => {
  const clientUrl = await second.createDatabase()
  const orm = await MariadbORM.init({ entities: [resumeSchema(place)], clientUrl, debug: false })
  return startMikro(orm, 'mariadb', place)
})
