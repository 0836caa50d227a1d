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
import type { FieldFile } from '../../fields/field-file.ts'
import { type FileRegistry, fileRegistry } from '../../fields/registry.ts'
import { OneConnection } from '../one-connection.ts'
import { type AttachedRow, RowFiles, rowFilesOf, type Statements, type WithFiles } from '../row-files.ts'
import { fieldsOf } from './column.ts'
import { type Database, databaseOn } from './database.ts'

export type { AttachedRow, WithFiles } from '../row-files.ts'
export { type FileColumn, type FileColumnType, fileColumn } from './column.ts'

/** A database for reading: for SQLite an asynchronous one, whose statements wait for transactions on their connection. */
export type ReadDatabase<D> =
  D extends BaseSQLiteDatabase<'sync' | 'async', infer R, infer F, infer S> ? BaseSQLiteDatabase<'async', R, F, S> : D

type OrSql<V> = [Extract<V, FieldFile>] extends [never] ? V | SQL : V

/** The values of a new row. A file column takes no SQL expression, since its file must be known. */
export type Values<T extends Table> = WithFiles<{ [K in keyof T['$inferInsert']]: OrSql<T['$inferInsert'][K]> }>

/** Writes rows with their files, in a database or in a transaction. */
export class DrizzleFiles<D extends object> extends RowFiles<Database, Table, SQL | undefined> {
  /** The database, or the transaction, for reading and for statements without files. */
  get db(): ReadDatabase<D> {
    return this.given.db as unknown as ReadDatabase<D>
  }

  /** Uploads content and inserts rows; returns them, on MySQL their keys. If the database rejects them, the new files are removed. */
  async insert<T extends Table>(table: T, values: Values<T> | readonly Values<T>[]): Promise<T['$inferSelect'][]> {
    return (await this.insertRows(table, Array.isArray(values) ? values : [values])) as T['$inferSelect'][]
  }

  /**
   * Uploads content and updates the rows of a condition (undefined: all); returns their number. Their former files are removed after the
   * commit.
   */
  update<T extends Table>(table: T, values: Partial<Values<T>>, where: SQL | undefined): Promise<number> {
    return this.updateRows(table, values, where)
  }

  /** Deletes the rows of a condition (undefined: all); returns their number. Their files are removed after the commit. */
  delete(table: Table, where: SQL | undefined): Promise<number> {
    return this.deleteRows(table, where)
  }

  /** Makes the files of a row savable, if it has its key, and converts names in a cached row to files; returns the row. */
  attach<R extends object>(table: Table, row: R): AttachedRow<R> {
    this.attachRow(table, row as Record<string, unknown>)
    return row as AttachedRow<R>
  }
}

/**
 * Writes rows with their files: content is uploaded before the statement, and files that rows no longer name are deleted after the commit.
 * `tables` may be a whole schema: its tables with file columns are used; without any it is `improperly_configured`.
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
  const all = Object.values(tables).filter(table => is(table, Table))
  const given = new Map(all.map(table => [table, fieldsOf(table)]))
  for (const [table, fields] of given) if (Object.keys(fields).length === 0) given.delete(table)
  return new DrizzleFiles(rowFilesOf(db, given, statementsOf(db, connection), registry))
}

function statementsOf(
  root: Database,
  connection: OneConnection | undefined,
): Statements<Database, Table, SQL | undefined> {
  return {
    labelOf: table => getTableName(table),
    async insert(db, table, rows) {
      const query = db.insert(table as never).values(rows as never)
      return 'returning' in query ? query.returning() : (query as { $returningId(): Promise<unknown> }).$returningId()
    },
    async read(db, table, columns, where) {
      const wanted = Object.fromEntries(columns.map(name => [name, columnOf(table, name)]))
      const query = db
        .select(wanted as never)
        .from(table as never)
        .where(where)
      return 'for' in query ? (query.for as (strength: string) => Promise<object[]>)('update') : query
    },
    update: (db, table, values, where) =>
      db
        .update(table as never)
        .set(values as never)
        .where(where),
    delete: (db, table, where) => db.delete(table as never).where(where),
    async used(table, name, names) {
      // The only connection is in a transaction whose end is unknown. Waiting for it could be a deadlock.
      if (connection !== undefined && connection.effective !== connection) return names
      const file = columnOf(table, name)
      // A replica may not know yet which row has the file.
      const rows: unknown[] = await (root.$primary ?? root)
        .select({ file } as never)
        .from(table as never)
        .where(inArray(file, [...names]))
      return rows.map(row => (row as { readonly file: FieldFile | null }).file?.name)
    },
    transaction: (db, files, work) =>
      // Statements on the single connection find their transaction themselves.
      connection === undefined ? db.transaction(work) : connection.transaction(files, () => work(db)),
    ...(connection !== undefined && { running: () => connection.effective.files }),
    whereOf(table, row) {
      const key = Object.entries<Column>(getTableColumns(table)).filter(([, column]) => column.primary)
      return key.some(([name]) => row[name] === undefined)
        ? undefined
        : and(...key.map(([name, of]) => eq(of, row[name])))
    },
  }
}

function columnOf(table: Table, name: string): Column {
  return (getTableColumns(table) as Record<string, Column>)[name]!
}
