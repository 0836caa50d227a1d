/** The common part of the adapters for query builders: rows are written with their files, by statements of the builder. */
import { ImproperlyConfigured, StorageError } from '../core/errors.ts'
import { kindOf } from '../core/kind.ts'
import type { FieldFile } from '../fields/field-file.ts'
import type { FileValue } from '../fields/file-field.ts'
import { type FileFields, type FileModel, fileModel, type StoredRow } from '../fields/model.ts'
import type { FileRegistry } from '../fields/registry.ts'
import { FileTransaction } from '../fields/transaction.ts'
import { type RowSource, rowOwner } from './plain-rows.ts'

/** A row whose file columns contain files, and no nulls. */
export type AttachedRow<R> = { [K in keyof R]: [Extract<R[K], FieldFile>] extends [never] ? R[K] : NonNullable<R[K]> }

/** The values of a row, where file columns also accept content and names. */
export type WithFiles<V> = {
  [K in keyof V]: [Extract<V[K], FieldFile>] extends [never] ? V[K] : V[K] | Exclude<FileValue, null>
}

/** The statements of a query builder. `Db` is a database or a transaction, `Where` a condition for rows. */
export interface Statements<Db, Table, Where> {
  /** The name of a table, for messages. */
  labelOf(table: Table): string
  insert(db: Db, table: Table, rows: StoredRow[]): Promise<unknown>
  /** Reads file columns of rows, and protects the rows from changes until the end of the transaction. */
  read(db: Db, table: Table, columns: readonly string[], where: Where): Promise<readonly object[]>
  update(db: Db, table: Table, values: StoredRow, where: Where): PromiseLike<unknown>
  delete(db: Db, table: Table, where: Where): PromiseLike<unknown>
  /** Returns those of the names that rows contain in a column, outside of every transaction. */
  used(table: Table, column: string, names: readonly string[]): Promise<readonly unknown[]>
  /** Runs code in a transaction, or in a savepoint where `db` is one. */
  transaction<T>(db: Db, files: FileTransaction, work: (tx: Db) => Promise<T>): Promise<T>
  /** The transaction that the calling code runs in, if statements find it themselves. */
  running?(): FileTransaction | undefined
  /** Returns the condition for a row by its key; undefined without a key. */
  whereOf(table: Table, row: StoredRow): Where | undefined
}

/** The data of a `RowFiles`. */
export interface RowFilesOf<Db, Table, Where> {
  readonly db: Db
  readonly statements: Statements<Db, Table, Where>
  readonly models: ReadonlyMap<Table, FileModel>
  readonly registry: FileRegistry
  readonly detach: () => void
  /** In a transaction: its files, and the object that began it. */
  readonly files?: FileTransaction
  readonly outer?: RowFiles<Db, Table, Where>
}

/** Registers the file columns of tables; an empty list is `improperly_configured`. */
export function rowFilesOf<Db, Table, Where>(
  db: Db,
  tables: ReadonlyMap<Table, FileFields>,
  statements: Statements<Db, Table, Where>,
  registry: FileRegistry,
): RowFilesOf<Db, Table, Where> {
  if (tables.size === 0) throw new ImproperlyConfigured('No table has a file column.')
  const models = new Map<Table, FileModel>()
  for (const [table, fields] of tables) models.set(table, fileModel(statements.labelOf(table), fields, registry))
  const removers = [...models].map(([table, model]) =>
    model.addUsers((column, names) => statements.used(table, column, names)),
  )
  const detach = (): void => {
    for (const remove of removers.splice(0)) remove()
  }
  return { db, statements, models, registry, detach }
}

/** Rows with their files, in a database or in a transaction. */
export class RowFiles<Db, Table, Where> {
  readonly #given: RowFilesOf<Db, Table, Where>

  constructor(given: RowFilesOf<Db, Table, Where>) {
    this.#given = given
  }

  protected get given(): RowFilesOf<Db, Table, Where> {
    return this.#given
  }

  /** Runs code in a transaction, or in a savepoint of this one; the files follow its commit or rollback before it ends. */
  async transaction<T>(work: (tx: this) => Promise<T>): Promise<T> {
    const { db, statements } = this.#given
    const Same = this.constructor as new (given: RowFilesOf<Db, Table, Where>) => this
    return this.#step(files => {
      // PostgreSQL answers a commit with a rollback where a statement has failed.
      files.doubt()
      return statements.transaction(db, files, tx => work(new Same({ ...this.#given, db: tx, files, outer: this })))
    })
  }

  /** Removes its columns from the registry, at the end of a test or of a tenant. */
  detach(): void {
    this.#given.detach()
  }

  protected async insertRows(table: Table, rows: readonly object[]): Promise<unknown> {
    const { db, statements } = this.#given
    const model = this.#model(table)
    return this.#step(async files => {
      const stored: StoredRow[] = []
      for (const row of rows) stored.push(await model.store(row, { files }))
      return statements.insert(db, table, stored)
    })
  }

  /** Uploads content and updates rows; returns their number. */
  protected async updateRows(table: Table, values: object, where: Where): Promise<number> {
    if (typeof values === 'object' && values !== null) return this.#change(table, values, where)
    const label = this.#given.statements.labelOf(table)
    throw new StorageError(
      'invalid_argument',
      `An update of '${label}' takes values of columns, not ${kindOf(values)}.`,
    )
  }

  /** Deletes rows; returns their number. */
  protected deleteRows(table: Table, where: Where): Promise<number> {
    return this.#change(table, undefined, where)
  }

  async #change(table: Table, values: object | undefined, where: Where): Promise<number> {
    const { db, statements } = this.#given
    const model = this.#model(table)
    const isOwn = this.#files === undefined
    return this.#step(async files => {
      const stored = values && (await model.store(values, { files }))
      const change = async (tx: Db): Promise<number> => {
        const before = await statements.read(tx, table, model.attributes, where)
        await (stored ? statements.update(tx, table, stored, where) : statements.delete(tx, table, where))
        for (const row of before) await model.release(row, stored, files)
        return before.length
      }
      const count = await (isOwn ? statements.transaction(db, files, change) : change(db))
      // Files that were uploaded for no row are removed.
      if (count === 0) await files.rollback()
      return count
    })
  }

  /** Converts names in a row to files; they can be saved if it has its key. */
  protected attachRow(table: Table, row: StoredRow): void {
    const { statements } = this.#given
    const model = this.#model(table)
    const source: RowSource = {
      model,
      files: () => this.#live.#files,
      update: (_, values) => this.#live.updateRows(table, values, statements.whereOf(table, row)!),
    }
    const owner = statements.whereOf(table, row) === undefined ? undefined : rowOwner(row, source)
    for (const name of model.attributes) if (name in row) row[name] = model.attach(name, row[name], owner)
  }

  /** This, or after its end the transaction or database around it. */
  get #live(): RowFiles<Db, Table, Where> {
    const { files, outer } = this.#given
    return files?.isOpen === false && outer !== undefined ? outer.#live : this
  }

  get #files(): FileTransaction | undefined {
    const { statements, files } = this.#given
    return statements.running === undefined ? files : statements.running()
  }

  #model(table: Table): FileModel {
    const model = this.#given.models.get(table)
    if (model !== undefined) return model
    const label = this.#given.statements.labelOf(table)
    throw new ImproperlyConfigured(`'${label}' was not registered as a table with file columns.`)
  }

  /** Runs a write or a transaction with its files: in a savepoint of the transaction, or with a new set of files. */
  #step<T>(work: (files: FileTransaction) => Promise<T>): Promise<T> {
    const files = this.#files?.savepoint() ?? new FileTransaction(this.#given.registry)
    return files.during(() => work(files))
  }
}
