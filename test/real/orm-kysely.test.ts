/** Kysely on PostgreSQL and MariaDB. */
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openKysely } from '../orm/kysely/open.ts'
import { ormConformance } from '../orm/suite/conformance.ts'
import { ormCrashes } from '../orm/suite/crashes.ts'
import { startMariadb } from '../servers/mariadb.ts'
import { startPostgres } from '../servers/postgres.ts'

const [first, second] = await Promise.all([startPostgres(), startMariadb()])
afterAll(() => Promise.all([first.close(), second.close()]))

ormConformance('kysely, PostgreSQL', async place => openKysely(place, await first.createDatabase()))
ormConformance('kysely, MariaDB', async place => openKysely(place, await second.createDatabase()))

const plan = { child: join(import.meta.dirname, '../orm/kysely/crash.child.ts'), open: openKysely }
ormCrashes('kysely, PostgreSQL', { ...plan, database: () => first.createDatabase() })
ormCrashes('kysely, MariaDB', { ...plan, database: () => second.createDatabase() })
