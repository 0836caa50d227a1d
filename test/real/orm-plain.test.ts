/** The core over real databases, with statements written by hand: connections and transactions side by side. */
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { mariadb, postgres } from '../orm/plain/databases.ts'
import { openPlain, startPlain } from '../orm/plain/ground.ts'
import { ormConformance } from '../orm/suite/conformance.ts'
import { ormCrashes } from '../orm/suite/crashes.ts'
import { startMariadb } from '../servers/mariadb.ts'
import { startPostgres } from '../servers/postgres.ts'

const [first, second] = await Promise.all([startPostgres(), startMariadb()])
afterAll(() => Promise.all([first.close(), second.close()]))

ormConformance('the core with PostgreSQL', async place => startPlain(postgres(await first.createDatabase()), place))
ormConformance('the core with MariaDB', async place => startPlain(mariadb(await second.createDatabase()), place))

const plan = { child: join(import.meta.dirname, '../orm/plain/crash.child.ts'), open: openPlain }
ormCrashes('the core with PostgreSQL', { ...plan, database: () => first.createDatabase() })
ormCrashes('the core with MariaDB', { ...plan, database: () => second.createDatabase() })
