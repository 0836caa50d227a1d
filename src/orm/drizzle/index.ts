import { is, Table } from 'drizzle-orm'
import type { MySqlDatabase } from 'drizzle-orm/mysql-core'
import type { PgDatabase } from 'drizzle-orm/pg-core'
import type { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core'
import { ImproperlyConfigured } from '../../core/errors.ts'
import type { FieldFile } from '../../fields/field-file.ts'
import { type FileRegistry, fileRegistry } from '../../fields/registry.ts'
import { DrizzleContext } from './context.ts'
import type { Database } from './driver.ts'
import { RowOwner } from './row-owner.ts'
import type { DrizzleFiles } from './types.ts'
import { unwrap, wrap } from './wrap.ts'

export { type FileColumnType, fileColumn } from './column.ts'
export type { DrizzleFiles, FileInsert, FileUpdate, MySqlFiles, PgFiles, SQLiteFiles, WithFiles } from './types.ts'

/** How `drizzleFiles` works. */
export interface DrizzleFilesOptions {
  /** The registry whose columns are asked whether a file is still used. Default: the one of the process. */
  readonly registry?: FileRegistry | undefined
}

// biome-ignore lint/suspicious/noExplicitAny: of any schema
type AnySQLite = BaseSQLiteDatabase<any, any, any, any>
// biome-ignore lint/suspicious/noExplicitAny: of any schema
type AnyPg = PgDatabase<any, any, any>
// biome-ignore lint/suspicious/noExplicitAny: of any schema
type AnyMySql = MySqlDatabase<any, any, any, any>

/** A database of Drizzle: SQLite, PostgreSQL, MySQL or MariaDB. */
export type AnyDrizzle = AnySQLite | AnyPg | AnyMySql

/**
 * The same database, with `insert`, `update`, `delete` and `transaction` that take files along: content is uploaded before the statement, and
 * files that rows no longer name are deleted after the commit. Use it for all of the program's queries. Of the values of `tables`, a whole
 * schema for example, those count that are tables with file columns; none is `improperly_configured`.
 * @example
 * const db = drizzleFiles(drizzle({ client, schema }), schema)
 * await db.insert(resumes).values({ title: 'CV', pdf: upload(buffer, 'cv.pdf') })
 */
export function drizzleFiles<D extends AnyDrizzle>(
  db: D,
  tables: Readonly<Record<string, unknown>>,
  { registry = fileRegistry }: DrizzleFilesOptions = {},
): DrizzleFiles<D> {
  const given = Object.values(tables).filter(value => is(value, Table))
  const context = new DrizzleContext(db as unknown as Database, given, registry)
  return wrap(context, context.root) as unknown as DrizzleFiles<D>
}

/** Takes the columns of a `drizzleFiles` out of the registry, at the end of a test or of a tenant. */
export function detachFiles(db: object): void {
  unwrap(db).context.detach()
}

/**
 * Gives the files of a row, which Drizzle makes without knowing it, what they need to be saved: the row's key must be in it. Names, as a cache
 * returns them, become `FieldFile`s, as do nulls. Returns the row.
 * @example
 * const resume = attachFiles(db, resumes, await db.query.resumes.findFirst())
 * await resume.pdf.save('cv.pdf', bytes)
 */
export function attachFiles<T extends Table, R extends object>(db: object, table: T, row: R): AttachedRow<T, R> {
  const { context, scope } = unwrap(db)
  const found = context.tableOf(table)
  if (found === undefined) throw new ImproperlyConfigured('attachFiles: the table has no file column.')
  const values = row as Record<string, unknown>
  const hasKey = found.key.length > 0 && found.key.every(name => values[name] !== undefined)
  const owner = hasKey ? new RowOwner(context, scope, found, values) : undefined
  for (const attribute of found.model.attributes) {
    if (attribute in row) values[attribute] = found.model.attach(attribute, values[attribute], owner)
  }
  return row as unknown as AttachedRow<T, R>
}

/** A row with files in its file columns, and no nulls. */
export type AttachedRow<T extends Table, R> = {
  [K in keyof R]: K extends keyof T['$inferSelect']
    ? [Extract<T['$inferSelect'][K], FieldFile>] extends [never]
      ? R[K]
      : NonNullable<T['$inferSelect'][K]>
    : R[K]
}
