/** Drizzle on PostgreSQL and MariaDB. */
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openDrizzle } from '../orm/drizzle/open.ts'
import { ormConformance } from '../orm/suite/conformance.ts'
import { ormCrashes } from '../orm/suite/crashes.ts'
import { startMariadb } from '../servers/mariadb.ts'
import { startPostgres } from '../servers/postgres.ts'

const [first, second] = await Promise.all([startPostgres(), startMariadb()])
afterAll(() => Promise.all([first.close(), second.close()]))

ormConformance('drizzle, PostgreSQL', async place => openDrizzle(place, await first.createDatabase()))
ormConformance('drizzle, MariaDB', async place => openDrizzle(place, await second.createDatabase()))

const plan = { child: join(import.meta.dirname, '../orm/drizzle/crash.child.ts'), open: openDrizzle }
ormCrashes('drizzle, PostgreSQL', { ...plan, database: () => first.createDatabase() })
ormCrashes('drizzle, MariaDB', { ...plan, database: () => second.createDatabase() })
