import {
  ColumnNode,
  type ColumnUpdateNode,
  DefaultInsertValueNode,
  DeleteQueryNode,
  InsertQueryNode,
  MergeQueryNode,
  type OperationNode,
  PrimitiveValueListNode,
  ReferenceNode,
  type RootOperationNode,
  type SelectQueryNode,
  UpdateQueryNode,
  ValueListNode,
  ValueNode,
  ValuesNode,
} from 'kysely'
import type { CallOptions } from '../../core/call.ts'
import { StorageError } from '../../core/errors.ts'
import type { StoredRow } from '../../fields/model.ts'
import type { StatementFiles } from '../statement.ts'
import { oldOfDelete, oldOfInsert, oldOfUpdate } from './old-names.ts'
import { type FileTable, type FileTables, tableOf } from './tables.ts'

/** A statement that writes file columns. */
export interface FileWrite {
  readonly table: FileTable
  /** Uploads the content in it. */
  store(statement: StatementFiles, options: CallOptions): Promise<StoredWrite>
}

/** A statement whose content is uploaded. */
export interface StoredWrite {
  readonly node: RootOperationNode
  /** Selects the names that the rows hold before it; undefined where it replaces and deletes nothing. */
  readonly old: SelectQueryNode | undefined
  /** The file columns as they are after it, of every row; undefined when that differs or the row is gone. */
  readonly after: StoredRow | undefined
  /** Whether it may leave out rows for which content was uploaded: one that meets a conflict, or an update that finds no row. */
  readonly mayMiss: boolean
}

/** What a statement writes to file columns; undefined for all others. A `MERGE` into a table with file columns is `unsupported`. */
export function writeOf(node: RootOperationNode, tables: FileTables): FileWrite | undefined {
  if (InsertQueryNode.is(node)) return insertOf(node, tables)
  if (UpdateQueryNode.is(node)) return updateOf(node, tables)
  if (DeleteQueryNode.is(node)) return deleteOf(node, tables)
  if (MergeQueryNode.is(node) && tableOf(node.into, tables) !== undefined) throw unsupported('MERGE', node.into, tables)
  return undefined
}

function insertOf(node: InsertQueryNode, tables: FileTables): FileWrite | undefined {
  const table = tableOf(node.into, tables)
  if (table === undefined) return undefined
  const { onConflict, onDuplicateKey } = node
  const replaces = node.replace === true || node.orAction?.action === 'replace'
  const mayMiss = replaces || node.orAction !== undefined || onConflict !== undefined || onDuplicateKey !== undefined
  return {
    table,
    async store(statement, options) {
      const rows = await storedRows(node, statement, options)
      const stored: InsertQueryNode = {
        ...node,
        ...(rows === undefined ? {} : valuesOf(rows)),
        ...(onConflict?.updates && {
          onConflict: {
            ...onConflict,
            updates: (await storedUpdates(onConflict.updates, table, statement, options)).updates,
          },
        }),
        ...(onDuplicateKey && {
          onDuplicateKey: {
            ...onDuplicateKey,
            updates: (await storedUpdates(onDuplicateKey.updates, table, statement, options)).updates,
          },
        }),
      }
      const updates = replaces || onDuplicateKey !== undefined || onConflict?.updates !== undefined
      const key = onConflict?.columns?.map(({ column }) => column.name) ?? table.key
      const old = updates ? oldOfInsert(node.into!, table, key, rows ?? []) : undefined
      return { node: stored, old, after: undefined, mayMiss }
    },
  }
}

function updateOf(node: UpdateQueryNode, tables: FileTables): FileWrite | undefined {
  const table = tableOf(node.table, tables)
  const updates = node.updates ?? []
  if (table === undefined) {
    const several = node.table?.kind === 'ListNode' ? (node.table as unknown as { items: OperationNode[] }).items : []
    const written = several.find(item =>
      tableOf(item, tables)?.model.attributes.some(name => updates.some(u => columnOf(u) === name)),
    )
    if (written !== undefined) throw unsupported('UPDATE of several tables', written, tables)
    return undefined
  }
  if (!updates.some(update => table.model.attributes.includes(columnOf(update) ?? ''))) return undefined
  return {
    table,
    async store(statement, options) {
      const { updates: stored, values } = await storedUpdates(updates, table, statement, options)
      const old = oldOfUpdate(node, table)
      return { node: { ...node, updates: stored }, old, after: afterOf(table, updates, values), mayMiss: true }
    },
  }
}

function deleteOf(node: DeleteQueryNode, tables: FileTables): FileWrite | undefined {
  const targets = node.from.froms
  const found = targets.find(target => tableOf(target, tables) !== undefined)
  if (found === undefined) return undefined
  if (targets.length > 1) throw unsupported('DELETE from several tables', found, tables)
  const table = tableOf(found, tables)!
  return {
    table,
    store: async () => ({ node, old: oldOfDelete(node, table), after: undefined, mayMiss: false }),
  }
}

/** What an update leaves in the file columns: unchanged ones are undefined, and those set by an expression are null, since that is not known. */
function afterOf(table: FileTable, updates: readonly ColumnUpdateNode[], values: StoredRow): StoredRow {
  const after: StoredRow = {}
  for (const name of table.model.attributes) {
    if (updates.some(update => columnOf(update) === name)) after[name] = values[name] ?? null
  }
  return after
}

/** One row of an insert: the node of each column. */
type RowNodes = Map<string, OperationNode>

/** The rows of an insert with their content uploaded; undefined when they come from a query. */
async function storedRows(
  node: InsertQueryNode,
  statement: StatementFiles,
  options: CallOptions,
): Promise<RowNodes[] | undefined> {
  if (node.values === undefined || !ValuesNode.is(node.values)) return undefined
  const columns = (node.columns ?? []).map(({ column }) => column.name)
  const rows: RowNodes[] = []
  for (const item of node.values.values) {
    const nodes = PrimitiveValueListNode.is(item) ? item.values.map(value => ValueNode.create(value)) : item.values
    rows.push(await stored(new Map(columns.map((column, at) => [column, nodes[at]!])), statement, options))
  }
  return rows
}

async function storedUpdates(
  updates: readonly ColumnUpdateNode[],
  table: FileTable,
  statement: StatementFiles,
  options: CallOptions,
): Promise<{ readonly updates: readonly ColumnUpdateNode[]; readonly values: StoredRow }> {
  const known = new Map(updates.map(update => [columnOf(update) ?? '', update]))
  const nodes = await stored(new Map(updates.map(update => [columnOf(update) ?? '', update.value])), statement, options)
  nodes.delete('')
  const written = [...nodes].map(([column, value]): ColumnUpdateNode => {
    const before = known.get(column)
    return { kind: 'ColumnUpdateNode', column: before?.column ?? ColumnNode.create(column), value }
  })
  const others = updates.filter(update => columnOf(update) === undefined)
  const values = table.model.attributes.map(name => [name, constant(nodes.get(name))])
  return { updates: [...written, ...others], values: Object.fromEntries(values) }
}

/** A row whose content is uploaded; what it has as expressions stays as it is. */
async function stored(row: RowNodes, statement: StatementFiles, options: CallOptions): Promise<RowNodes> {
  const values = Object.fromEntries([...row].map(([column, node]) => [column, constant(node)]))
  if (!statement.model.concerns(values)) return row
  const result = new Map(row)
  const named = await statement.store(values, options)
  for (const [column, value] of Object.entries(named)) {
    if (value !== values[column]) result.set(column, ValueNode.create(value))
  }
  return result
}

function valuesOf(rows: readonly RowNodes[]): Pick<InsertQueryNode, 'columns' | 'values'> {
  const columns = [...new Set(rows.flatMap(row => [...row.keys()]))]
  const absent = DefaultInsertValueNode.create()
  return {
    columns: columns.map(column => ColumnNode.create(column)),
    values: ValuesNode.create(rows.map(row => ValueListNode.create(columns.map(column => row.get(column) ?? absent)))),
  }
}

/** The value of a node; undefined for an expression and for a default. */
function constant(node: OperationNode | undefined): unknown {
  return node !== undefined && ValueNode.is(node) ? node.value : undefined
}

function columnOf({ column }: ColumnUpdateNode): string | undefined {
  if (ColumnNode.is(column)) return column.column.name
  return ReferenceNode.is(column) && ColumnNode.is(column.column) ? column.column.column.name : undefined
}

function unsupported(what: string, node: OperationNode, tables: FileTables): StorageError {
  const { name } = tableOf(node, tables)!
  return new StorageError(
    'unsupported',
    `${what} cannot take '${name}', which has file columns: write its rows by a statement of their own.`,
  )
}
