import { afterAll, beforeAll, describe } from 'vitest'
import { startSequelize } from '../orm/sequelize/ground.ts'
import { ormConformance } from '../orm/suite/conformance.ts'
import { type MariadbServer, startMariadb } from '../servers/mariadb.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'

const pool = { max: 10 }

describe('PostgreSQL', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  }, 300_000)
  afterAll(() => server?.close())
  ormConformance('Sequelize with PostgreSQL', async place => {
    const { hostname, port, username, pathname } = new URL(await server.createDatabase())
    const options = { host: hostname, port: Number(port), username, database: pathname.slice(1) }
    return startSequelize(place, 'postgres', { ...options, dialect: 'postgres', pool })
  })
})

for (const dialect of ['mariadb', 'mysql'] as const) {
  describe(`MariaDB by the package ${dialect === 'mysql' ? 'mysql2' : dialect}`, () => {
    let server: MariadbServer
    beforeAll(async () => {
      server = await startMariadb()
    }, 300_000)
    afterAll(() => server?.close())
    ormConformance(`Sequelize with ${dialect}`, async place => {
      const { hostname, port, pathname } = new URL(await server.createDatabase())
      const options = { host: hostname, port: Number(port), username: 'root', database: pathname.slice(1) }
      return startSequelize(place, 'mariadb', { ...options, dialect, pool })
    })
  })
}
