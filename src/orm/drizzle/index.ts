import {
  and,
  type Column,
  entityKind,
  eq,
  getTableColumns,
  getTableName,
  inArray,
  is,
  type SQL,
  sql,
  Table,
} from 'drizzle-orm'
import type { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core'
import { ImproperlyConfigured } from '../../core/errors.ts'
import type { FieldFile } from '../../fields/field-file.ts'
import { type FileRegistry, fileRegistry } from '../../fields/registry.ts'
import type { FileTransaction } from '../../fields/transaction.ts'
import { OneConnection } from '../one-connection.ts'
import { type AttachedRow, attachRow, changeRows, insertRows, TableModels, type WithFiles, withFiles } from '../rows.ts'
import { fieldsOf } from './column.ts'
import { type Database, databaseOn } from './database.ts'

export type { AttachedRow, WithFiles } from '../rows.ts'
export { type FileColumn, type FileColumnType, fileColumn } from './column.ts'

/** A database for reading: of SQLite an asynchronous one, whose statements wait for transactions on their connection. */
export type ReadDatabase<D> =
  D extends BaseSQLiteDatabase<'sync' | 'async', infer R, infer F, infer S> ? BaseSQLiteDatabase<'async', R, F, S> : D

/** The values of a new row. */
export type Values<T extends Table> = WithFiles<{ [K in keyof T['$inferInsert']]: T['$inferInsert'][K] | SQL }>

interface Given {
  readonly db: Database
  readonly models: TableModels<Table>
  /** In a transaction. */
  readonly files?: FileTransaction | undefined
  /** SQLite. */
  readonly connection?: OneConnection | undefined
}

/** Writes rows with their files, in a database or in a transaction. */
export class DrizzleFiles<D extends object> {
  readonly #given: Given

  constructor(given: Given) {
    this.#given = given
  }

  /** The database, or the transaction, for reading and for what has to do with no files. */
  get db(): ReadDatabase<D> {
    return this.#given.db as unknown as ReadDatabase<D>
  }

  /** Uploads content and inserts rows; returns them, on MySQL their keys. When the database refuses them, the new files are removed. */
  insert<T extends Table>(table: T, values: Values<T> | readonly Values<T>[]): Promise<T['$inferSelect'][]> {
    const rows = (Array.isArray(values) ? values : [values]) as object[]
    return insertRows(this.#model(table), this.#files, rows, async stored => {
      const query = this.#given.db.insert(table as never).values(stored as never)
      return 'returning' in query
        ? query.returning()
        : (query as { $returningId(): T['$inferSelect'][] }).$returningId()
    })
  }

  /** Uploads content and updates the rows of a condition (undefined: all); returns how many. The files they had go after the commit. */
  update<T extends Table>(table: T, values: Partial<Values<T>>, where: SQL | undefined): Promise<number> {
    return this.#change(table, values, where)
  }

  /** Deletes the rows of a condition (undefined: all); returns how many. Their files go after the commit. */
  delete(table: Table, where: SQL | undefined): Promise<number> {
    return this.#change(table, undefined, where)
  }

  /** Runs code in a transaction, or in a savepoint of this one; the files follow its commit or rollback. */
  transaction<T>(work: (tx: DrizzleFiles<D>) => Promise<T>): Promise<T> {
    return withFiles(this.#given.models.registry, this.#files, files => {
      // PostgreSQL answers a commit with a rollback where a statement has failed.
      files.doubt()
      return this.#native(files, db => work(new DrizzleFiles({ ...this.#given, db, files })))
    })
  }

  /** Makes the files of a row ones that can be saved, if it has its key, and files of the names of a cached one; returns the row. */
  attach<R extends object>(table: Table, row: R): AttachedRow<R> {
    const columns: Record<string, Column> = getTableColumns(table)
    const values = row as Record<string, unknown>
    const key = Object.keys(columns).filter(name => columns[name]!.primary)
    const hasKey = key.length > 0 && key.every(name => values[name] !== undefined)
    const where = (): SQL | undefined => and(...key.map(name => eq(columns[name]!, values[name])))
    const update = (stored: object): Promise<number> => this.#change(table, stored, where())
    attachRow(this.#model(table), values, () => this.#files, hasKey ? update : undefined)
    return row as AttachedRow<R>
  }

  /** Takes its columns out of the registry, at the end of a test or of a tenant. */
  detach(): void {
    this.#given.models.detach()
  }

  get #files(): FileTransaction | undefined {
    const { connection, files } = this.#given
    return connection === undefined ? files : connection.effective.files
  }

  #model(table: Table): ReturnType<TableModels<Table>['of']> {
    return this.#given.models.of(table, getTableName(table))
  }

  #native<T>(files: FileTransaction, work: (db: Database) => Promise<T>): Promise<T> {
    const { db, connection } = this.#given
    // Statements on the one connection find their transaction themselves.
    return connection === undefined ? db.transaction(work) : connection.transaction(files, () => work(db))
  }

  #change(table: Table, values: object | undefined, where: SQL | undefined): Promise<number> {
    const model = this.#model(table)
    const columns: Record<string, Column> = getTableColumns(table)
    const wanted = Object.fromEntries(model.attributes.map(name => [name, columns[name]!]))
    const within = this.#files
    return changeRows<Database>(model, within, values, {
      transaction: (files, work) => (within === undefined ? this.#native(files, work) : work(this.#given.db)),
      async before(db) {
        const query = db
          .select(wanted as never)
          .from(table as never)
          .where(where)
        return 'for' in query ? (query.for as (strength: string) => Promise<object[]>)('update') : query
      },
      write: async (db, stored) =>
        values === undefined
          ? db.delete(table as never).where(where)
          : db
              .update(table as never)
              .set(stored as never)
              .where(where),
    })
  }
}

/**
 * Writes rows with their files: content is uploaded before the statement, and files that rows no longer name are deleted after the commit. Of
 * the values of `tables`, a whole schema for example, those count that are tables with file columns; none is `improperly_configured`.
 * @example
 * const files = drizzleFiles(drizzle({ client, schema }), schema)
 * const [resume] = await files.insert(resumes, { title: 'CV', pdf: upload(buffer, 'cv.pdf') })
 */
export function drizzleFiles<D extends object>(
  database: D,
  tables: Readonly<Record<string, unknown>>,
  { registry = fileRegistry }: { readonly registry?: FileRegistry | undefined } = {},
): DrizzleFiles<D> {
  const plain = database as unknown as Database
  const kind = (plain.session.constructor as unknown as Readonly<Record<symbol, unknown>>)[entityKind]
  const isSingle = plain.resultKind === 'sync' || kind === 'SQLiteRemoteSession'
  const connection = isSingle ? new OneConnection(text => plain.session.run(sql.raw(text))) : undefined
  const db = connection === undefined ? plain : databaseOn(connection, plain)
  const models = new TableModels<Table>(registry)
  for (const table of Object.values(tables)) {
    if (!is(table, Table) || Object.keys(fieldsOf(table)).length === 0) continue
    models.add(table, getTableName(table), fieldsOf(table), async (name, names) => {
      // The only connection is in a transaction whose end is not known, and waiting for it would be waiting for oneself.
      if (connection !== undefined && connection.effective !== connection) return names
      const file = (getTableColumns(table) as Record<string, Column>)[name]!
      const rows: unknown[] = await db
        .select({ file } as never)
        .from(table as never)
        .where(inArray(file, [...names]))
      return rows.map(row => (row as { readonly file: FieldFile | null }).file?.name)
    })
  }
  if (models.size === 0) throw new ImproperlyConfigured('drizzleFiles: no table has a file column.')
  return new DrizzleFiles({ db, models, connection })
}
