import { type Column, entityKind, getTableColumns, getTableName, type Table } from 'drizzle-orm'
import { type FileModel, fileModel } from '../../fields/model.ts'
import type { FileRegistry } from '../../fields/registry.ts'
import { fieldsOf } from './column.ts'

/** A table with file columns. */
export interface FileTable {
  readonly table: Table
  readonly model: FileModel
  readonly columns: Readonly<Record<string, Column>>
  /** Names of the columns of the primary key. */
  readonly key: readonly string[]
  /** Names of the columns of each key by which an inserted row can meet another: the primary key, and the unique ones. */
  readonly keys: readonly (readonly string[])[]
}

/** A table with what is known of its file columns; undefined when it has none. */
export function fileTable(table: Table, registry: FileRegistry): FileTable | undefined {
  const fields = fieldsOf(table)
  if (Object.keys(fields).length === 0) return undefined
  const columns = getTableColumns(table)
  const primary = Object.keys(columns).filter(name => columns[name]!.primary)
  const unique = Object.keys(columns).filter(name => columns[name]!.isUnique)
  const others = constraints(table, columns)
  const composite = others.find(({ isPrimary }) => isPrimary)?.names
  const key = primary.length > 0 ? primary : (composite ?? [])
  const keys = [key, ...unique.map(name => [name]), ...others.map(({ names }) => names)].filter(
    names => names.length > 0,
  )
  return { table, model: fileModel(getTableName(table), fields, registry), columns, key, keys }
}

interface Constraint {
  readonly columns?: readonly { readonly name: string }[]
  readonly config?: { readonly unique?: boolean; readonly columns?: readonly { readonly name: string }[] }
}

const EXTRA = Symbol.for('drizzle:ExtraConfigBuilder')
const EXTRA_COLUMNS = Symbol.for('drizzle:ExtraConfigColumns')

/** Keys of several columns and unique indexes, which a table declares in its third argument. */
function constraints(
  table: Table,
  columns: Readonly<Record<string, Column>>,
): { readonly isPrimary: boolean; readonly names: readonly string[] }[] {
  const parts = table as unknown as Readonly<Record<symbol, unknown>>
  const extra = parts[EXTRA] as ((columns: unknown) => object) | undefined
  if (typeof extra !== 'function') return []
  const nameOf = new Map(Object.entries(columns).map(([name, column]) => [column.name, name]))
  const given = Object.values(extra(parts[EXTRA_COLUMNS] ?? columns)).flat() as Constraint[]
  return given.flatMap(one => {
    const used = Array.isArray(one.columns) ? one.columns : one.config?.unique ? (one.config.columns ?? []) : []
    const names = used.map(({ name }) => nameOf.get(name)).filter(name => name !== undefined)
    if (names.length === 0 || names.length !== used.length) return []
    const kind = String((one.constructor as unknown as Readonly<Record<symbol, unknown>>)[entityKind])
    return [{ isPrimary: kind.includes('PrimaryKey'), names }]
  })
}
