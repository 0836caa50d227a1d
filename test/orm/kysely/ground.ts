/** Kysely for the suite of adapters, on any of its databases. */
import { type Generated, type Kysely, sql } from 'kysely'
import { type FileColumn, type KyselyFiles, kyselyFiles } from '../../../src/orm/kysely/index.ts'
import {
  BREAK_COMMIT,
  clearing,
  type Dialect,
  NAMES,
  type OrmGround,
  type OrmPlace,
  pinning,
  TITLES,
  tablesOf,
} from '../suite/conformance.ts'

interface Tables {
  resumes: { id: Generated<number>; title: string; pdf: FileColumn; photo: FileColumn }
}

export type Tx = KyselyFiles<Tables>

/** Makes the tables and the ground; `close` destroys the database. */
export async function kyselyGround(plain: Kysely<unknown>, dialect: Dialect, place: OrmPlace): Promise<OrmGround<Tx>> {
  const run = async (text: string, on: Kysely<Tables> = db): Promise<{ name?: string; title?: string }[]> =>
    (await sql.raw<{ name?: string; title?: string }>(text).execute(on)).rows
  const db = plain as Kysely<Tables>
  for (const text of tablesOf(dialect)) await run(text)
  const files = kyselyFiles(db, { resumes: { pdf: place.pdf(), photo: place.photo() } }, { registry: place.registry })
  const find = (id: unknown, tx: Tx = files) =>
    tx.db
      .selectFrom('resumes')
      .selectAll()
      .where('id', '=', id as number)
      .executeTakeFirst()
  return {
    lacks: {
      begin: 'kyselyFiles has transactions of functions only',
      ambient: 'Kysely has no transactions that are not passed on',
      softRemove: 'Kysely has no soft deletion: it is an update of another column',
      ...(dialect === 'mariadb' && { breakCommit: 'MariaDB checks nothing at the commit' }),
    },
    async create(values, tx = files) {
      const [row] = await tx.insert('resumes', values)
      return row!.id
    },
    find,
    update: (id, values, tx = files) => tx.update('resumes', values, { id: id as number }),
    remove: (id, tx = files) => tx.delete('resumes', { id: id as number }),
    names: async () => (await run(NAMES)).map(({ name }) => name!),
    titles: async () => (await run(TITLES)).map(({ title }) => title!),
    async clear() {
      for (const text of clearing(dialect)) await run(text)
    },
    async close() {
      files.detach()
      await plain.destroy()
    },
    transaction: work => files.transaction(work),
    savepoint: (tx, work) => tx.transaction(work),
    createMany: (values, tx = files) => tx.insert('resumes', values),
    updateWhere: (titles, values, tx = files) => tx.update('resumes', values, eb => eb('title', 'in', [...titles])),
    removeWhere: (titles, tx = files) => tx.delete('resumes', eb => eb('title', 'in', [...titles])),
    findWhere: (attribute, file) =>
      files.db
        .selectFrom('resumes')
        .selectAll()
        .where(attribute, '=', file as never)
        .execute(),
    async fileOf(id, attribute, tx = files) {
      return tx.attach('resumes', (await find(id, tx))!)[attribute]
    },
    pin: id => run(pinning(id as number)),
    ...(dialect !== 'mariadb' && { breakCommit: (tx: Tx) => run(BREAK_COMMIT, tx.db) }),
  }
}
