/** MikroORM over real databases: pools of connections, and savepoints that MariaDB reports only when they are rolled back. */
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openMikro } from '../orm/mikro-orm/ground.ts'
import { ormConformance } from '../orm/suite/conformance.ts'
import { ormCrashes } from '../orm/suite/crashes.ts'
import { startMariadb } from '../servers/mariadb.ts'
import { startPostgres } from '../servers/postgres.ts'

const [first, second] = await Promise.all([startPostgres(), startMariadb()])
afterAll(() => Promise.all([first.close(), second.close()]))

ormConformance('MikroORM with PostgreSQL', async place => openMikro(place, await first.createDatabase()))
ormConformance('MikroORM with MariaDB', async place => openMikro(place, await second.createDatabase()))

const plan = { child: join(import.meta.dirname, '../orm/mikro-orm/crash.child.ts'), open: openMikro }
ormCrashes('MikroORM with PostgreSQL', { ...plan, database: () => first.createDatabase() })
ormCrashes('MikroORM with MariaDB', { ...plan, database: () => second.createDatabase() })
