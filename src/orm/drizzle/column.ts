import { type Column, getTableColumns, type Table } from 'drizzle-orm'
import type {
  ConvertCustomConfig as MySqlConfig,
  MySqlCustomColumnBuilder,
  customType as mysqlType,
} from 'drizzle-orm/mysql-core'
import type { ConvertCustomConfig as PgConfig, PgCustomColumnBuilder, customType as pgType } from 'drizzle-orm/pg-core'
import type {
  ConvertCustomConfig as SQLiteConfig,
  SQLiteCustomColumnBuilder,
  customType as sqliteType,
} from 'drizzle-orm/sqlite-core'
import type { FileField } from '../../fields/file-field.ts'

/** What a file column is read as, and what the driver gets. */
export interface FileColumnType<F extends FileField = FileField> {
  data: ReturnType<F['attach']>
  driverData: string
}

/** The fields of columns, by the function that writes their values: a column keeps that. */
const fields = new WeakMap<object, FileField>()

/**
 * A column for files, made by the `customType` of the dialect. It is a `varchar` of the field's `maxLength`, read as a `FieldFile`, and null
 * where there is none. It never takes content: `drizzleFiles` uploads that first, elsewhere it is refused with `invalid_argument`.
 * @example
 * import { customType, integer, sqliteTable } from 'drizzle-orm/sqlite-core'
 * const resumes = sqliteTable('resumes', { id: integer().primaryKey(), pdf: fileColumn(customType, fileField({ uploadTo: 'pdfs' })) })
 */
export function fileColumn<F extends FileField, N extends string = ''>(
  customType: typeof pgType,
  field: F,
  name?: N,
): PgCustomColumnBuilder<PgConfig<N, FileColumnType<F>>>
export function fileColumn<F extends FileField, N extends string = ''>(
  customType: typeof mysqlType,
  field: F,
  name?: N,
): MySqlCustomColumnBuilder<MySqlConfig<N, FileColumnType<F>>>
export function fileColumn<F extends FileField, N extends string = ''>(
  customType: typeof sqliteType,
  field: F,
  name?: N,
): SQLiteCustomColumnBuilder<SQLiteConfig<N, FileColumnType<F>>>
export function fileColumn(
  customType: typeof pgType | typeof mysqlType | typeof sqliteType,
  field: FileField,
  name?: string,
): unknown {
  const toDriver = (value: unknown): string => field.encode(value) as string
  fields.set(toDriver, field)
  const make = (customType as typeof sqliteType)<FileColumnType>({
    dataType: () => `varchar(${field.maxLength})`,
    toDriver,
    fromDriver: stored => field.attach(stored),
  })
  return name === undefined ? make() : make(name)
}

/** The file fields of a table, by the names of its columns in the program. */
export function fieldsOf(table: Table): Record<string, FileField> {
  const found: Record<string, FileField> = {}
  for (const [name, column] of Object.entries(getTableColumns(table))) {
    const field = fields.get((column as Column & { readonly mapTo?: object }).mapTo ?? column)
    if (field !== undefined) found[name] = field
  }
  return found
}
