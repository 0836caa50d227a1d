/** MikroORM over real databases: pools of connections, and savepoints that MariaDB reports only when they are rolled back. */
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openMikro } from '../orm/mikro-orm/ground.ts'
import { OrmPlace, ormConformance } from '../orm/suite/conformance.ts'
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

test.each([
  ['PostgreSQL', () => first.createDatabase()],
  ['MariaDB', () => second.createDatabase()],
] as const)('%s: one row that many entity managers change at once has the file of the last', async (_, database) => {
  const place = new OrmPlace()
  const ground = await openMikro(place, await database())
  const content = (name: string): File => new File([name], `${name}.txt`)
  const id = await ground.create({ title: 'a', pdf: content('first') })
  const changes = Array.from({ length: 24 }, (_, at) => ground.update(id, { pdf: content(`f${at}`) }))
  await Promise.all(changes)
  expect(await place.files()).toEqual(await ground.names())
  expect(place.kept).toEqual([])
  await ground.close()
})
