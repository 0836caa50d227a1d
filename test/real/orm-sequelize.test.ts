/** Sequelize with PostgreSQL, and with MariaDB by both of its packages. */
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openSequelize, optionsOf } from '../orm/sequelize/ground.ts'
import { statementTests } from '../orm/sequelize/statements.ts'
import { World } from '../orm/sequelize/world.ts'
import { ormConformance } from '../orm/suite/conformance.ts'
import { ormCrashes } from '../orm/suite/crashes.ts'
import { startMariadb } from '../servers/mariadb.ts'
import { startPostgres } from '../servers/postgres.ts'

const [postgres, mariadb] = await Promise.all([startPostgres(), startMariadb()])
afterAll(() => Promise.all([postgres.close(), mariadb.close()]))

const child = join(import.meta.dirname, '../orm/sequelize/crash.child.ts')
const databases: Readonly<Record<string, () => Promise<string>>> = {
  PostgreSQL: () => postgres.createDatabase(),
  MariaDB: () => mariadb.createDatabase(),
  'MariaDB by mysql2': async () => (await mariadb.createDatabase()).replace(/^mariadb:/, 'mysql:'),
}

for (const [name, database] of Object.entries(databases)) {
  const title = `Sequelize with ${name}`
  ormConformance(title, async place => openSequelize(place, await database()))
  statementTests(title, async () => new World(optionsOf(await database())))
  if (name !== 'MariaDB by mysql2') ormCrashes(title, { child, open: openSequelize, database })
}
