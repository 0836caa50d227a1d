import { DataSource, type DataSourceOptions, type EntityManager, EntitySchema, type FindOptionsWhere } from 'typeorm'
import type { FieldFile, FileValue } from '../../../src/fields/index.ts'
import { fileColumn, typeormFiles } from '../../../src/orm/typeorm/index.ts'
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

export interface Resume extends ResumeRow {
  id: number
  title: string
  deletedAt: Date | null
  get pdf(): FieldFile
  set pdf(value: FileValue)
  get photo(): FieldFile
  set photo(value: FileValue)
}

export function resumeSchema(place: OrmPlace): EntitySchema<Resume> {
  return new EntitySchema<Resume>({
    name: 'Resume',
    tableName: 'resumes',
    columns: {
      id: { type: Number, primary: true, generated: true },
      title: { type: String, length: 190, unique: true },
      pdf: fileColumn(place.pdf()),
      photo: fileColumn(place.photo()),
      deletedAt: { name: 'deleted_at', type: String, nullable: true, deleteDate: true },
    },
  })
}

/** Connects, makes the tables, attaches. */
export async function startTypeorm(options: DataSourceOptions, place: OrmPlace): Promise<TypeormGround> {
  const resumes = resumeSchema(place)
  const dataSource = await new DataSource({ ...options, entities: [resumes] } as DataSourceOptions).initialize()
  const ground = new TypeormGround(dataSource, resumes, place)
  for (const statement of tablesOf(ground.dialect)) await dataSource.query(statement)
  return ground
}

/** The same by the URL of a database, or the name of a file for SQLite. */
export function openTypeorm(place: OrmPlace, database: string): Promise<TypeormGround> {
  const [type] = database.split('://', 1)
  if (type === 'postgres' || type === 'mariadb') return startTypeorm({ type, url: database }, place)
  return startTypeorm({ type: 'better-sqlite3', database }, place)
}

export class TypeormGround implements OrmGround<EntityManager> {
  readonly lacks: OrmGround['lacks'] & object
  readonly atOnce: number
  readonly dialect: Dialect
  readonly dataSource: DataSource
  breakCommit?: (tx: EntityManager) => Promise<unknown>
  readonly #resumes: EntitySchema<Resume>
  readonly #detach: () => void

  constructor(dataSource: DataSource, resumes: EntitySchema<Resume>, place: OrmPlace) {
    const { type } = dataSource.options
    this.dialect = type === 'postgres' || type === 'mariadb' ? type : 'sqlite'
    // TypeORM uses one connection for SQLite: concurrent transactions become savepoints of each other there.
    this.atOnce = this.dialect === 'sqlite' ? 1 : 8
    this.lacks = {
      ambient: 'TypeORM passes its entity manager on; it keeps no running transaction',
      updateWhere: 'TypeORM sends no event with the rows of an update by criteria',
      removeWhere: 'TypeORM sends no event with the rows of a deletion by criteria',
      ...(this.dialect === 'mariadb' ? { breakCommit: 'MariaDB checks nothing at the commit' } : {}),
    }
    if (this.dialect !== 'mariadb') this.breakCommit = tx => tx.query(BREAK_COMMIT)
    this.dataSource = dataSource
    this.#resumes = resumes
    this.#detach = typeormFiles(dataSource, { registry: place.registry })
  }

  async create(values: NewResume, tx?: EntityManager): Promise<Id> {
    const repository = this.#repository(tx)
    const { id } = await repository.save(repository.create(values))
    return id
  }

  async createMany(values: readonly NewResume[], tx?: EntityManager): Promise<void> {
    await this.#repository(tx).save([...values])
  }

  find(id: Id, tx?: EntityManager): Promise<Resume | null> {
    return this.#repository(tx).findOneBy(this.#key(id))
  }

  findWhere(attribute: 'pdf' | 'photo', file: FieldFile | string): Promise<Resume[]> {
    return this.#repository().findBy({ [attribute]: file } as FindOptionsWhere<Resume>)
  }

  async update(id: Id, values: ResumeValues, tx?: EntityManager): Promise<void> {
    const repository = this.#repository(tx)
    const resume = await repository.findOneByOrFail(this.#key(id))
    await repository.save(Object.assign(resume, values))
  }

  async remove(id: Id, tx?: EntityManager): Promise<void> {
    const repository = this.#repository(tx)
    await repository.remove(await repository.findOneOrFail({ where: this.#key(id), withDeleted: true }))
  }

  async unseenUpdate(titles: readonly string[], values: ResumeValues): Promise<void> {
    await this.#repository().update({ title: In(titles) }, values as object)
  }

  async unseenRemove(titles: readonly string[]): Promise<void> {
    await this.#repository().delete({ title: In(titles) })
  }

  async softRemove(id: Id): Promise<void> {
    await this.#repository().softRemove(await this.#repository().findOneByOrFail(this.#key(id)))
  }

  async fileOf(id: Id, attribute: 'pdf' | 'photo', tx?: EntityManager): Promise<FieldFile> {
    return (await this.#repository(tx).findOneByOrFail(this.#key(id)))[attribute]
  }

  transaction<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.dataSource.transaction(work)
  }

  savepoint<T>(tx: EntityManager, work: (inner: EntityManager) => Promise<T>): Promise<T> {
    return tx.transaction(work)
  }

  async begin(): Promise<OpenTransaction<EntityManager>> {
    const runner = this.dataSource.createQueryRunner()
    await runner.startTransaction()
    const end = (how: 'commit' | 'rollback') => async (): Promise<void> => {
      try {
        await runner[`${how}Transaction`]()
      } finally {
        await runner.release()
      }
    }
    return { tx: runner.manager, commit: end('commit'), rollback: end('rollback') }
  }

  pin(id: Id): Promise<unknown> {
    return this.dataSource.query(pinning(Number(id)))
  }

  async names(): Promise<string[]> {
    const rows: readonly { name: string }[] = await this.dataSource.query(NAMES)
    return rows.map(({ name }) => name)
  }

  async titles(): Promise<string[]> {
    const rows: readonly { title: string }[] = await this.dataSource.query(TITLES)
    return rows.map(({ title }) => title)
  }

  async clear(): Promise<void> {
    for (const statement of clearing(this.dialect)) await this.dataSource.query(statement)
  }

  async close(): Promise<void> {
    this.#detach()
    await this.dataSource.destroy()
  }

  #repository(tx: EntityManager = this.dataSource.manager) {
    return tx.getRepository(this.#resumes)
  }

  #key(id: Id): FindOptionsWhere<Resume> {
    return { id: Number(id) }
  }
}
