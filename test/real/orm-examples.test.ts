/** The programs of `docs/orm` that need a database: on PostgreSQL. */
import { afterAll, it } from 'vitest'
import { EXAMPLES, runExample } from '../docs/orm-examples.ts'
import { startPostgres } from '../servers/postgres.ts'

const server = await startPostgres()
afterAll(() => server.close())

it('each runs on a database of its own', async () => {
  // That of Mongoose runs with the other pages.
  for (const example of EXAMPLES.filter(({ needsUrl, name }) => needsUrl && name !== 'mongoose')) {
    await runExample(example, await server.createDatabase())
  }
})
