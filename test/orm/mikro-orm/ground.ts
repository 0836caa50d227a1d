/** MikroORM under the suite: entities by the unit of work, many rows by native statements. */
import { EntitySchema, type MikroORM, type SqlEntityManager } from '@mikro-orm/sql'
import type { FieldFile } from '../../../src/fields/index.ts'
import { type FileProperty, fileType, mikroFiles } from '../../../src/orm/mikro-orm/index.ts'
import {
  BREAK_COMMIT,
  clearing,
  type Dialect,
  type Id,
  NAMES,
  type NewResume,
  type OpenTransaction,
  type OrmGround,
  type OrmPlace,
  pinning,
  type ResumeRow,
  type ResumeValues,
  TITLES,
  tablesOf,
} from '../suite/conformance.ts'

export class Resume {
  id!: number
  title!: string
  pdf!: FileProperty
  photo!: FileProperty
  deletedAt?: Date | null
}

/** The entity of a place; soft-deleted rows are hidden by a filter, as MikroORM's documentation shows. */
export function resumeSchema(place: OrmPlace): EntitySchema<Resume> {
  return new EntitySchema<Resume>({
    class: Resume,
    tableName: 'resumes',
    filters: { alive: { name: 'alive', cond: { deletedAt: null }, default: true } },
    properties: {
      id: { type: 'integer', primary: true },
      title: { type: 'string', unique: true },
      pdf: { type: fileType(place.pdf()), nullable: true },
      photo: { type: fileType(place.photo()), nullable: true },
      deletedAt: { type: 'datetime', fieldName: 'deleted_at', nullable: true },
    },
  })
}

type Em = SqlEntityManager

/** Opens the database at a URL, or in a file of SQLite; only the driver that it needs is loaded. */
export async function openMikro(place: OrmPlace, database: string): Promise<MikroGround> {
  const options = { entities: [resumeSchema(place)], debug: false }
  if (database.startsWith('postgres:')) {
    const { MikroORM } = await import('@mikro-orm/postgresql')
    return startMikro(await MikroORM.init({ ...options, clientUrl: database }), 'postgres', place)
  }
  if (database.startsWith('mariadb:')) {
    const { MikroORM } = await import('@mikro-orm/mariadb')
    return startMikro(await MikroORM.init({ ...options, clientUrl: database }), 'mariadb', place)
  }
  const { MikroORM } = await import('@mikro-orm/sqlite')
  return startMikro(await MikroORM.init({ ...options, dbName: database }), 'sqlite', place)
}

/** Makes the tables and attaches the adapter. */
async function startMikro(orm: MikroORM, dialect: Dialect, place: OrmPlace): Promise<MikroGround> {
  const ground = new MikroGround(orm, dialect, place)
  for (const statement of tablesOf(dialect)) await ground.query(statement)
  return ground
}

export class MikroGround implements OrmGround<Em> {
  readonly lacks: { readonly breakCommit?: string; readonly updateWhere: string; readonly removeWhere: string } = {
    updateWhere: 'nativeUpdate sends no event: content is refused there',
    removeWhere: 'nativeDelete sends no event: the files stay for orphans',
  }
  readonly orm: MikroORM
  readonly #detach: () => void
  readonly #dialect: Dialect
  breakCommit?: (tx: Em) => Promise<unknown>

  constructor(orm: MikroORM, dialect: Dialect, place: OrmPlace) {
    this.orm = orm
    this.#dialect = dialect
    this.#detach = mikroFiles(orm, { registry: place.registry })
    if (dialect === 'mariadb') this.lacks = { ...this.lacks, breakCommit: 'MariaDB checks nothing at the commit' }
    else this.breakCommit = tx => tx.execute(BREAK_COMMIT)
  }

  /** A statement outside of every transaction. */
  async query(text: string): Promise<{ readonly name?: string; readonly title?: string }[]> {
    return this.orm.em.getConnection().execute(text, [], /^select/i.test(text) ? 'all' : ('run' as 'all'))
  }

  async create(values: NewResume, tx?: Em): Promise<Id> {
    const em = this.#em(tx)
    const resume = em.create(Resume, given(values))
    await em.flush()
    return resume.id
  }

  async find(id: Id, tx?: Em): Promise<ResumeRow | null> {
    return this.#em(tx).findOne(Resume, { id: id as number })
  }

  async update(id: Id, values: ResumeValues, tx?: Em): Promise<void> {
    const em = this.#em(tx)
    const resume = await em.findOneOrFail(Resume, { id: id as number })
    em.assign(resume, given(values))
    await em.flush()
  }

  async remove(id: Id, tx?: Em): Promise<void> {
    const em = this.#em(tx)
    const resume = await em.findOne(Resume, { id: id as number }, { filters: false })
    if (resume !== null) await em.remove(resume).flush()
  }

  async names(): Promise<string[]> {
    return (await this.query(NAMES)).map(({ name }) => name!)
  }

  async titles(): Promise<string[]> {
    return (await this.query(TITLES)).map(({ title }) => title!)
  }

  async clear(): Promise<void> {
    for (const statement of clearing(this.#dialect)) await this.query(statement)
  }

  async close(): Promise<void> {
    this.#detach()
    await this.orm.close()
  }

  async transaction<T>(work: (tx: Em) => Promise<T>): Promise<T> {
    return this.#fork().transactional(em => work(em as Em))
  }

  async savepoint<T>(tx: Em, work: (inner: Em) => Promise<T>): Promise<T> {
    return tx.transactional(work)
  }

  async begin(): Promise<OpenTransaction<Em>> {
    const tx = this.#fork()
    await tx.begin()
    return { tx, commit: () => tx.commit(), rollback: () => tx.rollback() }
  }

  async ambient<T>(work: () => Promise<T>): Promise<T> {
    return this.orm.em.transactional(work)
  }

  async createMany(values: readonly NewResume[], tx?: Em): Promise<void> {
    const em = this.#em(tx)
    for (const one of values) em.create(Resume, given(one))
    await em.flush()
  }

  async softRemove(id: Id, tx?: Em): Promise<void> {
    const em = this.#em(tx)
    const resume = await em.findOneOrFail(Resume, { id: id as number })
    resume.deletedAt = new Date()
    await em.flush()
  }

  async findWhere(attribute: 'pdf' | 'photo', file: FieldFile | string): Promise<ResumeRow[]> {
    return this.#fork().find(Resume, attribute === 'pdf' ? { pdf: file } : { photo: file })
  }

  async fileOf(id: Id, attribute: 'pdf' | 'photo', tx?: Em): Promise<FieldFile> {
    return (await this.#em(tx).findOneOrFail(Resume, { id: id as number }))[attribute]
  }

  async pin(id: Id): Promise<void> {
    await this.query(pinning(Number(id)))
  }

  #fork(): Em {
    return this.orm.em.fork() as Em
  }

  /** That of the transaction which the code runs in, or a new one. */
  #em(tx: Em | undefined): Em {
    return tx ?? (this.orm.em.isInTransaction() ? (this.orm.em as Em) : this.#fork())
  }
}

/** Without values that are undefined: MikroORM writes NULL for these. */
function given<V extends ResumeValues>(values: V): { [K in keyof V]-?: Exclude<V[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}
