import { getTableColumns, type Table } from 'drizzle-orm'
import type * as mysql from 'drizzle-orm/mysql-core'
import type * as pg from 'drizzle-orm/pg-core'
import type * as sqlite from 'drizzle-orm/sqlite-core'
import type { FileField } from '../../fields/file-field.ts'

/** The types of a file column for the program and for the driver. */
export interface FileColumnType<F extends FileField = FileField> {
  data: ReturnType<F['attach']>
  driverData: string
}

type CustomType = typeof pg.customType | typeof mysql.customType | typeof sqlite.customType

/** The builder of a file column, by the `customType` that makes it. */
export type FileColumn<C extends CustomType, F extends FileField, N extends string> = C extends typeof pg.customType
  ? pg.PgCustomColumnBuilder<pg.ConvertCustomConfig<N, FileColumnType<F>>>
  : C extends typeof mysql.customType
    ? mysql.MySqlCustomColumnBuilder<mysql.ConvertCustomConfig<N, FileColumnType<F>>>
    : sqlite.SQLiteCustomColumnBuilder<sqlite.ConvertCustomConfig<N, FileColumnType<F>>>

/** The fields of columns, by the function that writes their values: a column keeps that function. */
const fields = new WeakMap<object, FileField>()

/**
 * Returns a column for files, made by the `customType` of the dialect: a `varchar` of the field's `maxLength`, read as a `FieldFile`, and
 * null without a file. It accepts names and stored files; content is uploaded by `drizzleFiles`, and `invalid_argument` elsewhere.
 * @example
 * const resumes = sqliteTable('resumes', { id: integer().primaryKey(), pdf: fileColumn(customType, fileField({ uploadTo: 'pdfs' })) })
 */
export function fileColumn<C extends CustomType, F extends FileField, N extends string = ''>(
  customType: C,
  field: F,
  name?: N,
): FileColumn<C, F, N> {
  const toDriver = (value: unknown): string => field.encode(value) as string
  fields.set(toDriver, field)
  const make = (customType as typeof sqlite.customType)<FileColumnType>({
    dataType: () => `varchar(${field.maxLength})`,
    toDriver,
    fromDriver: stored => field.attach(stored),
  })
  return (name === undefined ? make() : make(name)) as unknown as FileColumn<C, F, N>
}

/** Returns the file fields of a table, by the names of its columns in the program. */
export function fieldsOf(table: Table): Record<string, FileField> {
  const columns = Object.entries<object>(getTableColumns(table))
  const found = columns.map(([name, column]) => [name, fields.get((column as { mapTo?: object }).mapTo ?? column)])
  return Object.fromEntries(found.filter(([, field]) => field !== undefined))
}
