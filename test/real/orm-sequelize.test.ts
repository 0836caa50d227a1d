import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { openSequelize } from '../orm/sequelize/ground.ts'
import { ormConformance } from '../orm/suite/conformance.ts'
import { ormCrashes } from '../orm/suite/crashes.ts'
import { startMariadb } from '../servers/mariadb.ts'
import { startPostgres } from '../servers/postgres.ts'

interface Server {
  createDatabase(): Promise<string>
  close(): Promise<void>
}

const SERVERS: Readonly<Record<string, readonly [start: () => Promise<Server>, protocol: string]>> = {
  PostgreSQL: [startPostgres, 'postgres:'],
  MariaDB: [startMariadb, 'mariadb:'],
  'MariaDB by mysql2': [startMariadb, 'mysql:'],
}

for (const [name, [start, protocol]] of Object.entries(SERVERS)) {
  describe(name, () => {
    let server: Server
    beforeAll(async () => {
      server = await start()
    }, 300_000)
    afterAll(() => server?.close())
    const database = async (): Promise<string> => (await server.createDatabase()).replace(/^\w+:/, protocol)
    ormConformance(`Sequelize with ${name}`, async place => openSequelize(place, await database()))
    if (protocol === 'mysql:') return
    const child = join(import.meta.dirname, '../orm/sequelize/crash.child.ts')
    ormCrashes(`Sequelize with ${name}`, { child, open: openSequelize, database })
  })
}
