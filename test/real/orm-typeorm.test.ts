import { afterAll, beforeAll } from 'vitest'
import { ormConformance } from '../orm/suite/conformance.ts'
import { startTypeorm } from '../orm/typeorm/ground.ts'
import { type MariadbServer, startMariadb } from '../servers/mariadb.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'

let postgres: PostgresServer
let mariadb: MariadbServer
beforeAll(async () => {
  ;[postgres, mariadb] = await Promise.all([startPostgres(), startMariadb()])
}, 120_000)
afterAll(async () => {
  await postgres?.close()
  await mariadb?.close()
})

ormConformance('typeorm on PostgreSQL', async place =>
  startTypeorm({ type: 'postgres', url: await postgres.createDatabase() }, place),
)
ormConformance('typeorm on MariaDB by mysql2', async place =>
  startTypeorm({ type: 'mariadb', url: await mariadb.createDatabase() }, place),
)
