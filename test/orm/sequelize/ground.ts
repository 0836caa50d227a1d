import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type Options,
  QueryTypes,
  Sequelize,
  type Transaction,
} from 'sequelize'
import type { FieldFile, FileValue } from '../../../src/fields/index.ts'
import { type FileAttributes, fileAttribute, sequelizeFiles } from '../../../src/orm/sequelize/index.ts'
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
  type ResumeValues,
  TITLES,
  tablesOf,
} from '../suite/conformance.ts'
import { sqlite3 } from './sqlite.ts'

interface Context {
  transaction?: unknown
}

const ambient = new AsyncLocalStorage<boolean>()
const contexts = new AsyncLocalStorage<Context>()

/** A namespace for `Sequelize.useCLS` over Node's own storage, which is empty outside of `ambient`. */
const namespace = {
  get: (key: 'transaction') => (ambient.getStore() ? contexts.getStore()?.[key] : undefined),
  set(key: 'transaction', value: unknown) {
    const context = contexts.getStore()
    if (context !== undefined) context[key] = value
  },
  run: (work: (context: Context) => unknown) => {
    const context = { ...contexts.getStore() }
    contexts.run(context, () => work(context))
  },
  bind: (work: unknown) => work,
}

export class Resume extends Model<
  FileAttributes<InferAttributes<Resume>>,
  FileAttributes<InferCreationAttributes<Resume>>
> {
  declare id: CreationOptional<number>
  declare title: string
  declare deletedAt: CreationOptional<Date | null>

  get pdf(): FieldFile {
    return this.get('pdf') as FieldFile
  }
  set pdf(value: FileValue) {
    this.set('pdf', value)
  }
  get photo(): FieldFile {
    return this.get('photo') as FieldFile
  }
  set photo(value: FileValue) {
    this.set('photo', value)
  }
}

/** Options for a SQLite database on disk, where each transaction has a connection of its own. */
export function sqliteFile(storage: string): Options {
  return {
    dialect: 'sqlite',
    dialectModule: sqlite3,
    storage,
    transactionType: 'IMMEDIATE' as Transaction.TYPES,
  }
}

/** A folder for a database, which `remove` takes away. */
export async function databaseFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdall-sequelize-'))
  return { path: join(folder, 'test.db'), remove: () => rm(folder, { recursive: true, force: true }) }
}

/** Options for the path of a SQLite file, or for a URL; MariaDB by the package `mysql2` for `mysql:`. */
export function optionsOf(database: string): Options {
  const dialect = /^(postgres|mariadb|mysql):/.exec(database)?.[1] as Dialect | undefined
  if (dialect === undefined) return sqliteFile(database)
  const { hostname, port, username, pathname } = new URL(database)
  return { dialect, host: hostname, port: Number(port), username, database: pathname.slice(1), pool: { max: 10 } }
}

/** Opens a database that may have its tables already. */
export async function openSequelize(
  place: OrmPlace,
  database: string,
  remove: () => Promise<unknown> = async () => {},
): Promise<SequelizeGround> {
  const sequelize = new Sequelize({ logging: false, ...optionsOf(database) })
  const dialect = sequelize.getDialect().replace('mysql', 'mariadb') as Dialect
  const ground = new SequelizeGround(place, dialect, sequelize, remove)
  for (const statement of tablesOf(dialect)) await ground.run(statement)
  return ground
}

export class SequelizeGround implements OrmGround<Transaction> {
  readonly lacks: NonNullable<OrmGround['lacks']> = {}
  readonly atOnce: number = 8
  breakCommit?: (tx: Transaction) => Promise<unknown>
  readonly #dialect: Dialect
  readonly #sequelize: Sequelize
  readonly #resumes: typeof Resume
  readonly #detach: () => void
  readonly #remove: () => Promise<unknown>

  constructor(place: OrmPlace, dialect: Dialect, sequelize: Sequelize, remove: () => Promise<unknown>) {
    this.#dialect = dialect
    this.#sequelize = sequelize
    this.#remove = remove
    if (dialect === 'mariadb') this.lacks = { breakCommit: 'MariaDB checks nothing at the commit' }
    else if (dialect === 'sqlite') {
      this.lacks = { breakCommit: 'Sequelize leaves the transaction of a failed commit open on SQLite' }
    } else this.breakCommit = tx => sequelize.query(BREAK_COMMIT, { transaction: tx })
    this.#resumes = class extends Resume {}
    this.#resumes.init(
      {
        id: { type: DataTypes.INTEGER, autoIncrement: true, primaryKey: true },
        title: { type: DataTypes.STRING, allowNull: false, unique: true },
        pdf: fileAttribute(place.pdf()),
        photo: fileAttribute(place.photo()),
        deletedAt: { type: DataTypes.DATE, field: 'deleted_at' },
      },
      { sequelize, modelName: 'Resume', tableName: 'resumes', createdAt: false, updatedAt: false, paranoid: true },
    )
    this.#detach = sequelizeFiles(sequelize, { registry: place.registry })
    Sequelize.useCLS(namespace)
  }

  /** Rows of a statement outside of every transaction. */
  #select(text: string): Promise<object[]> {
    return this.#sequelize.query(text, { type: QueryTypes.SELECT, transaction: null })
  }

  /** A statement without rows, outside of every transaction. */
  run(text: string): Promise<unknown> {
    return this.#sequelize.query(text, { transaction: null })
  }

  async create(values: NewResume, tx?: Transaction): Promise<Id> {
    return (await this.#resumes.create(values, within(tx))).id
  }

  find(id: Id, tx?: Transaction): Promise<Resume | null> {
    return this.#resumes.findByPk(id, within(tx))
  }

  async update(id: Id, values: ResumeValues, tx?: Transaction): Promise<void> {
    const row = await this.#resumes.findByPk(id, { ...within(tx), rejectOnEmpty: true })
    for (const [key, value] of Object.entries(values)) if (value !== undefined) row[key as 'title'] = value
    await row.save(within(tx))
  }

  async remove(id: Id, tx?: Transaction): Promise<void> {
    const row = await this.#resumes.findByPk(id, { ...within(tx), paranoid: false })
    await row?.destroy({ ...within(tx), force: true })
  }

  async names(): Promise<string[]> {
    return (await this.#select(NAMES)).map(row => String((row as { name: unknown }).name))
  }

  async titles(): Promise<string[]> {
    return (await this.#select(TITLES)).map(row => String((row as { title: unknown }).title))
  }

  async clear(): Promise<void> {
    for (const statement of clearing(this.#dialect)) await this.run(statement)
  }

  async close(): Promise<void> {
    this.#detach()
    Reflect.deleteProperty(Sequelize, '_cls')
    await this.#sequelize.close()
    await this.#remove()
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#sequelize.transaction(work)
  }

  savepoint<T>(tx: Transaction, work: (inner: Transaction) => Promise<T>): Promise<T> {
    return this.#sequelize.transaction({ transaction: tx }, work)
  }

  async begin(): Promise<OpenTransaction<Transaction>> {
    const tx = await this.#sequelize.transaction()
    return { tx, commit: () => tx.commit(), rollback: () => tx.rollback() }
  }

  ambient<T>(work: () => Promise<T>): Promise<T> {
    return ambient.run(true, () => this.#sequelize.transaction(work))
  }

  createMany(values: readonly NewResume[], tx?: Transaction): Promise<unknown> {
    return this.#resumes.bulkCreate([...values], within(tx))
  }

  updateWhere(titles: readonly string[], values: ResumeValues, tx?: Transaction): Promise<unknown> {
    return this.#resumes.update(values as object, { where: { title: [...titles] }, ...within(tx) })
  }

  removeWhere(titles: readonly string[], tx?: Transaction): Promise<unknown> {
    return this.#resumes.destroy({ where: { title: [...titles] }, force: true, ...within(tx) })
  }

  async softRemove(id: Id, tx?: Transaction): Promise<void> {
    const row = await this.#resumes.findByPk(id, { ...within(tx), rejectOnEmpty: true })
    await row.destroy(within(tx))
  }

  findWhere(attribute: 'pdf' | 'photo', file: FieldFile | string): Promise<Resume[]> {
    return this.#resumes.findAll({ where: { [attribute]: file } })
  }

  async fileOf(id: Id, attribute: 'pdf' | 'photo', tx?: Transaction): Promise<FieldFile> {
    return (await this.#resumes.findByPk(id, { ...within(tx), rejectOnEmpty: true }))[attribute]
  }

  pin(id: Id): Promise<unknown> {
    return this.run(pinning(Number(id)))
  }
}

function within(tx: Transaction | undefined): { transaction?: Transaction } {
  return tx === undefined ? {} : { transaction: tx }
}
