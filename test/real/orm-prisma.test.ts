/** Prisma over the servers. */
import { afterAll, beforeAll, describe } from 'vitest'
import { startPrisma } from '../orm/prisma/ground.ts'
import { ormConformance } from '../orm/suite/conformance.ts'
import { type MariadbServer, startMariadb } from '../servers/mariadb.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'

describe('PostgreSQL', () => {
  let server: PostgresServer | undefined
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.close())
  ormConformance('Prisma with PostgreSQL', async place =>
    startPrisma('postgres', place, await server!.createDatabase()),
  )
})

describe('MariaDB', () => {
  let server: MariadbServer | undefined
  beforeAll(async () => {
    server = await startMariadb()
  })
  afterAll(() => server?.close())
  ormConformance('Prisma with MariaDB', async place => startPrisma('mariadb', place, await server!.createDatabase()))
})
