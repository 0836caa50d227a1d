/** Drizzle on PostgreSQL and MariaDB. */
import { join } from 'node:path'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { afterAll, expect, it } from 'vitest'
import { openDrizzle } from '../orm/drizzle/open.ts'
import { OrmPlace, ormConformance } from '../orm/suite/conformance.ts'
import { ormCrashes } from '../orm/suite/crashes.ts'
import { content } from '../orm/suite/kit.ts'
import { startMariadb } from '../servers/mariadb.ts'
import { startPostgres } from '../servers/postgres.ts'

const [first, second] = await Promise.all([startPostgres(), startMariadb()])
afterAll(() => Promise.all([first.close(), second.close()]))

ormConformance('drizzle, PostgreSQL', async place => openDrizzle(place, await first.createDatabase()))
ormConformance('drizzle, MariaDB', async place => openDrizzle(place, await second.createDatabase()))

const plan = { child: join(import.meta.dirname, '../orm/drizzle/crash.child.ts'), open: openDrizzle }
// Killed processes take their time, also without a server.
ormCrashes('drizzle, better-sqlite3', plan)
ormCrashes('drizzle, PostgreSQL', { ...plan, database: () => first.createDatabase() })
ormCrashes('drizzle, MariaDB', { ...plan, database: () => second.createDatabase() })

it('a commit that PostgreSQL answers with a rollback leaves no new file, and no row loses its file', async () => {
  const place = new OrmPlace()
  const ground = await openDrizzle(place, await first.createDatabase())
  try {
    const id = await ground.create({ title: 'a', pdf: content('one') })
    await ground.transaction!(async tx => {
      await ground.update(id, { pdf: content('two') }, tx)
      await ground.create({ title: 'b', pdf: content('three') }, tx)
      // It fails, and no one says so to the transaction.
      await (tx.db as NodePgDatabase).execute('SELECT nothing').catch(() => {})
    })
    expect(await ground.titles()).toEqual(['a'])
    expect(await place.files()).toEqual(['pdfs/one.txt'])
    expect(await ground.names()).toEqual(['pdfs/one.txt'])
  } finally {
    await ground.close()
  }
})

it.each([
  ['PostgreSQL', () => first.createDatabase()],
  ['MariaDB', () => second.createDatabase()],
])('one connection of %s is enough', async (_, database) => {
  const place = new OrmPlace()
  const ground = await openDrizzle(place, await database(), 1)
  try {
    const id = await ground.create({ title: 'a', pdf: content('one') })
    await ground.update(id, { pdf: content('two') })
    await (await ground.fileOf!(id, 'pdf')).save('three.txt', Buffer.from('three'))
    await ground.transaction!(async tx => {
      await (await ground.fileOf!(id, 'pdf', tx)).save('four.txt', Buffer.from('four'))
      await ground.savepoint!(tx, inner => ground.update(id, { pdf: content('five') }, inner))
    })
    expect(await place.files()).toEqual(['pdfs/five.txt'])
    await Promise.all([ground.update(id, { pdf: content('six') }), ground.update(id, { pdf: content('seven') })])
    expect(await place.files()).toEqual(await ground.names())
    await ground.remove(id)
    expect(await place.files()).toEqual([])
  } finally {
    await ground.close()
  }
})
