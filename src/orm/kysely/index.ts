import { AsyncLocalStorage } from 'node:async_hooks'
import type * as k from 'kysely'
import { StorageError } from '../../core/errors.ts'
import type { FieldFile, FileField, FileFields, FileTransaction, FileValue } from '../../fields/index.ts'
import { type FileRegistry, fileRegistry } from '../../fields/registry.ts'
import { ended } from '../one-connection.ts'
import { RowFiles, rowFilesOf, type Statements } from '../row-files.ts'
import { FilesPlugin } from './plugin.ts'

/** A file column in the interface of a database: read as a `FieldFile`, which is empty for NULL; written as content or a name. */
export type FileColumn<F extends FieldFile = FieldFile> = k.ColumnType<F, FileValue | undefined, FileValue>

/** The file fields of a database, by table and column. */
export type FilesOfTables<DB> = {
  readonly [T in keyof DB & string]?: { readonly [C in keyof DB[T] & string]?: FileField }
}

/** A condition for rows: the values of columns (without any: all rows), or an expression. */
export type Where<DB, T extends keyof DB> =
  | k.FilterObject<DB, T>
  | ((eb: k.ExpressionBuilder<DB, T>) => k.Expression<k.SqlBool>)

/** A row with files in its file columns. */
export type WithFiles<R, DB, T extends keyof DB> = {
  [C in keyof R]: C extends keyof DB[T] ? k.SelectType<DB[T][C]> : R[C]
}

interface Options<DB> {
  readonly registry?: FileRegistry | undefined
  /** The primary keys that are not `id`. */
  readonly keys?: { readonly [T in keyof DB & string]?: keyof DB[T] & string }
}

type Row = Record<string, unknown>
type Database = k.Kysely<Record<string, Row>>
type Expressions = k.ExpressionBuilder<Record<string, Row>, string>
type AnyWhere = Row | ((eb: Expressions) => k.Expression<k.SqlBool>)

/** Reads and writes rows with their files, in a database or in a transaction. */
export class KyselyFiles<DB> extends RowFiles<Database, string, AnyWhere> {
  /** The database, or the transaction: its queries return files, and accept them in conditions. It does not write content. */
  get db(): k.Kysely<DB> {
    return this.given.db as unknown as k.Kysely<DB>
  }

  /** Uploads content and inserts rows; returns them. If the database rejects them, the new files are removed. */
  async insert<T extends keyof DB & string>(
    table: T,
    values: k.Insertable<DB[T]> | readonly k.Insertable<DB[T]>[],
  ): Promise<k.Selectable<DB[T]>[]> {
    return (await this.insertRows(table, Array.isArray(values) ? values : [values])) as k.Selectable<DB[T]>[]
  }

  /** Uploads content and updates rows; returns their number. Their former files are removed after the commit. */
  update<T extends keyof DB & string>(table: T, values: k.Updateable<DB[T]>, where: Where<DB, T>): Promise<number> {
    return this.updateRows(table, values, where as AnyWhere)
  }

  /** Deletes rows; returns their number. Their files are removed after the commit. */
  delete<T extends keyof DB & string>(table: T, where: Where<DB, T>): Promise<number> {
    return this.deleteRows(table, where as AnyWhere)
  }

  /** Makes the files of a row savable, if it has its key, and converts names in a cached row to files; returns the row. */
  attach<T extends keyof DB & string, R extends object>(table: T, row: R): WithFiles<R, DB, T> {
    this.attachRow(table, row as Row)
    return row as WithFiles<R, DB, T>
  }
}

/**
 * Reads and writes rows with their files: content is uploaded before the statement, and files that rows no longer name are deleted after the
 * commit. A table without file fields is `improperly_configured`.
 * @example
 * const files = kyselyFiles(new Kysely<Database>({ dialect }), { resumes: { pdf: fileField({ uploadTo: 'pdfs' }) } })
 * const [resume] = await files.insert('resumes', { title: 'CV', pdf: upload(buffer, 'cv.pdf') })
 */
export function kyselyFiles<DB>(
  plain: k.Kysely<DB>,
  tables: FilesOfTables<DB>,
  options: Options<DB> = {},
): KyselyFiles<DB> {
  const { registry = fileRegistry, keys = {} } = options
  const fields = new Map(Object.entries(tables as Readonly<Record<string, FileFields>>))
  const db = plain.withPlugin(new FilesPlugin(fields)) as unknown as Database
  return new KyselyFiles(rowFilesOf(db, fields, statementsOf(db, keys), registry))
}

function statementsOf(
  root: Database,
  keys: Record<string, string | undefined>,
): Statements<Database, string, AnyWhere> {
  const { supportsMultipleConnections, supportsReturning, supportsTransactionalDdl } = root.getExecutor().adapter
  const isSingle = supportsMultipleConnections === false
  const keyOf = (table: string): string => keys[table] ?? 'id'
  const running = new AsyncLocalStorage<FileTransaction>()
  let savepoints = 0
  const meets = (where: AnyWhere) => {
    if (Object.values(where ?? { where }).includes(undefined))
      throw new StorageError('invalid_argument', "'where' has an undefined value: use {} for all rows.")
    return (eb: Expressions) => (typeof where === 'function' ? where(eb) : eb.and(where))
  }
  return {
    labelOf: table => table,
    async insert(db, table, rows) {
      const query = db.insertInto(table).values(rows)
      if (supportsReturning) return query.returningAll().execute()
      // MySQL returns the first of the keys that a statement has made; they are consecutive.
      const { insertId } = await query.executeTakeFirstOrThrow()
      const key = keyOf(table)
      const made = rows.map((row, at) => row[key] ?? Number(insertId) + at)
      return db.selectFrom(table).selectAll().where(key, 'in', made).orderBy(key).execute()
    },
    read(db, table, columns, where) {
      const rows = db.selectFrom(table).where(meets(where))
      const query = rows.select(columns as string[])
      // SQLite has no row locks.
      return (isSingle && !supportsTransactionalDdl ? query : query.forUpdate()).execute()
    },
    update: (db, table, values, where) => db.updateTable(table).set(values).where(meets(where)).execute(),
    delete: (db, table, where) => db.deleteFrom(table).where(meets(where)).execute(),
    async used(table, column, names) {
      // The only connection is in a transaction whose end is unknown. Waiting for it could be a deadlock.
      if (isSingle && running.getStore()?.isOpen) return names
      const rows = await root.selectFrom(table).select(`${column} as file`).where(column, 'in', names).execute()
      return rows.map(({ file }) => (file as FieldFile).name)
    },
    async transaction(db, files, work) {
      const outer = db as k.ControlledTransaction<Record<string, Row>, string[]>
      const name = db.isTransaction ? `holdall_${++savepoints}` : undefined
      const tx = name === undefined ? await db.startTransaction().execute() : await outer.savepoint(name).execute()
      return ended(
        () => running.run(files, () => work(tx)),
        () => (name === undefined ? tx.commit() : outer.releaseSavepoint(name)).execute(),
        () => (name === undefined ? tx.rollback() : outer.rollbackToSavepoint(name)).execute(),
      )
    },
    whereOf: (table, row) => (row[keyOf(table)] === undefined ? undefined : { [keyOf(table)]: row[keyOf(table)] }),
  }
}
