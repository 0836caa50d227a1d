/** Drizzle for the suite of adapters; tables and conditions are the same in all dialects. */
import { type Column, eq, inArray, type Table } from 'drizzle-orm'
import { type DrizzleFiles, drizzleFiles } from '../../../src/orm/drizzle/index.ts'
import {
  BREAK_COMMIT,
  clearing,
  type Dialect,
  NAMES,
  type OrmGround,
  type OrmPlace,
  pinning,
  type ResumeRow,
  TITLES,
  tablesOf,
} from '../suite/conformance.ts'

/** Rows as objects. */
export type Rows = Record<string, string>[]

/** How a dialect runs SQL. */
export interface DrizzleDriver {
  readonly dialect: Dialect
  readonly db: object
  readonly resumes: Table & Record<'id' | 'title' | 'pdf' | 'photo', Column>
  /** Runs SQL, in a transaction where `db` is one. */
  run(text: string, db?: object): Promise<Rows>
  close(): Promise<void>
}

interface Reader {
  select(): { from(table: Table): { where(condition: unknown): Promise<ResumeRow[]> } }
}
export type Tx = DrizzleFiles<object>

/** Makes the tables and the ground. */
export async function drizzleGround(
  { dialect, db, resumes, run, close }: DrizzleDriver,
  place: OrmPlace,
): Promise<OrmGround<Tx>> {
  for (const text of tablesOf(dialect)) await run(text)
  const files = drizzleFiles(db, { resumes }, { registry: place.registry })
  const select = (condition: unknown, tx: Tx = files) => (tx.db as Reader).select().from(resumes).where(condition)
  return {
    lacks: {
      begin: 'drizzleFiles has transactions of functions only',
      softRemove: 'Drizzle has no soft deletion: it is an update of another column',
      ...(dialect === 'mariadb' && { breakCommit: 'MariaDB checks nothing at the commit' }),
      ...(dialect !== 'sqlite' && { ambient: 'Drizzle has no transactions that are not passed on' }),
    },
    async create(values, tx = files) {
      const [row] = await tx.insert(resumes, values)
      return (row as { readonly id: number }).id
    },
    find: async (id, tx) => (await select(eq(resumes.id, id), tx))[0],
    update: (id, values, tx = files) => tx.update(resumes, values, eq(resumes.id, id)),
    remove: (id, tx = files) => tx.delete(resumes, eq(resumes.id, id)),
    names: async () => (await run(NAMES)).map(({ name }) => name!),
    titles: async () => (await run(TITLES)).map(({ title }) => title!),
    async clear() {
      for (const text of clearing(dialect)) await run(text)
    },
    async close() {
      files.detach()
      await close()
    },
    transaction: work => files.transaction(work),
    savepoint: (tx, work) => tx.transaction(work),
    ...(dialect === 'sqlite' && { ambient: <T>(work: () => Promise<T>) => files.transaction(work) }),
    createMany: (values, tx = files) => tx.insert(resumes, values),
    updateWhere: (titles, values, tx = files) => tx.update(resumes, values, inArray(resumes.title, [...titles])),
    removeWhere: (titles, tx = files) => tx.delete(resumes, inArray(resumes.title, [...titles])),
    findWhere: (attribute, file) => select(eq(resumes[attribute], file)),
    async fileOf(id, attribute, tx = files) {
      const [row] = await select(eq(resumes.id, id), tx)
      return tx.attach(resumes, row!)[attribute] as NonNullable<ResumeRow['pdf']>
    },
    pin: id => run(pinning(id as number)),
    ...(dialect !== 'mariadb' && { breakCommit: (tx: Tx) => run(BREAK_COMMIT, tx.db) }),
  }
}
