/** The core over real databases, with statements written by hand: connections and transactions side by side. */
import { afterAll } from 'vitest'
import { mariadb, postgres } from '../orm/plain/databases.ts'
import { startPlain } from '../orm/plain/ground.ts'
import { ormConformance } from '../orm/suite/conformance.ts'
import { startMariadb } from '../servers/mariadb.ts'
import { startPostgres } from '../servers/postgres.ts'

const [first, second] = await Promise.all([startPostgres(), startMariadb()])
afterAll(() => Promise.all([first.close(), second.close()]))

ormConformance('the core with PostgreSQL', async place => startPlain(postgres(await first.createDatabase()), place))
ormConformance('the core with MariaDB', async place => startPlain(mariadb(await second.createDatabase()), place))
