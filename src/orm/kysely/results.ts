import {
  AliasNode,
  ColumnNode,
  DeleteQueryNode,
  IdentifierNode,
  InsertQueryNode,
  MergeQueryNode,
  type OperationNode,
  ParensNode,
  ReferenceNode,
  SelectAllNode,
  type SelectionNode,
  SelectQueryNode,
  TableNode,
  UpdateQueryNode,
  type WithNode,
} from 'kysely'
import { aliasOf, type FileTable, type FileTables, tableOf } from './tables.ts'

/** A column of a result that is known: a file column, or one of the key of a table that has some. */
interface Origin {
  readonly table: FileTable
  /** The use of the table that it comes from: columns of one source are of one row. */
  readonly source: Source
  readonly column: string
}

interface Source {
  /** The table with the schema that the query names. */
  readonly node: TableNode
}

/** The columns of a source that are known by name. */
type Columns = Map<string, Origin | undefined>

/** A result column with files. */
export interface FileColumnOfResult {
  /** Its name in the result. */
  readonly name: string
  readonly table: FileTable
  readonly attribute: string
  /** The table with the schema that the query names. */
  readonly node: TableNode
  /** Where the result has the key of the same row: a column for each of `table.key`; undefined where it has not. */
  readonly key: readonly string[] | undefined
}

/** The result columns of a query that hold names of files, as far as the query names them: what a raw expression returns is not known. */
export function fileColumns(node: OperationNode, tables: FileTables): readonly FileColumnOfResult[] {
  if (tables.size === 0 || !hasRows(node)) return []
  const columns = outputOf(node, tables, new Map())
  const found: FileColumnOfResult[] = []
  for (const [name, origin] of columns) {
    if (origin === undefined || !origin.table.model.attributes.includes(origin.column)) continue
    const { table, source, column } = origin
    const key = table.key.map(part => [...columns].find(([, of]) => of?.source === source && of.column === part)?.[0])
    found.push({
      name,
      table,
      attribute: column,
      node: source.node,
      key: key.every(part => part !== undefined) ? key : undefined,
    })
  }
  return found
}

type QueryWithRows = SelectQueryNode | InsertQueryNode | UpdateQueryNode | DeleteQueryNode | MergeQueryNode

function hasRows(node: OperationNode): node is QueryWithRows {
  if (SelectQueryNode.is(node)) return true
  const writes =
    InsertQueryNode.is(node) || UpdateQueryNode.is(node) || DeleteQueryNode.is(node) || MergeQueryNode.is(node)
  return writes && node.returning !== undefined
}

/** Columns of subqueries named by WITH. */
type Named = ReadonlyMap<string, Columns>

function outputOf(node: QueryWithRows, tables: FileTables, outer: Named): Columns {
  const named = namedBy(node.with, tables, outer)
  const sources = new Map<string, Columns>()
  for (const from of fromsOf(node)) {
    const alias = aliasOf(from)
    if (alias !== undefined) sources.set(alias, columnsOf(from, tables, named))
  }
  const selections = SelectQueryNode.is(node) ? node.selections : node.returning?.selections
  const output: Columns = new Map()
  for (const selection of selections ?? []) select(selection, sources, output, tables, named)
  return output
}

function namedBy(ctes: WithNode | undefined, tables: FileTables, outer: Named): Named {
  if (ctes === undefined) return outer
  const named = new Map(outer)
  for (const { name, expression } of ctes.expressions) {
    if (!hasRows(expression) || name.columns !== undefined) named.set(name.table.table.identifier.name, new Map())
    else named.set(name.table.table.identifier.name, outputOf(expression, tables, named))
  }
  return named
}

function fromsOf(node: QueryWithRows): OperationNode[] {
  if (InsertQueryNode.is(node)) return node.into === undefined ? [] : [node.into]
  if (MergeQueryNode.is(node)) return [node.into]
  const joined = node.joins?.map(({ table }) => table) ?? []
  if (UpdateQueryNode.is(node)) return [...(node.table ? [node.table] : []), ...(node.from?.froms ?? []), ...joined]
  const used = DeleteQueryNode.is(node) ? (node.using?.tables ?? []) : []
  return [...(node.from?.froms ?? []), ...used, ...joined]
}

/** The known columns of what a query selects from. */
function columnsOf(from: OperationNode, tables: FileTables, named: Named): Columns {
  if (AliasNode.is(from)) return columnsOf(from.node, tables, named)
  if (ParensNode.is(from)) return columnsOf(from.node, tables, named)
  if (SelectQueryNode.is(from)) return outputOf(from, tables, named)
  if (!TableNode.is(from)) return new Map()
  const { schema, identifier } = from.table
  const query = schema === undefined ? named.get(identifier.name) : undefined
  // Two uses of one query are two rows.
  if (query !== undefined) return fresh(query)
  const table = tableOf(from, tables)
  if (table === undefined) return new Map()
  const source: Source = { node: from }
  const columns = [...table.key, ...table.model.attributes]
  return new Map(columns.map(column => [column, { table, source, column }]))
}

function fresh(columns: Columns): Columns {
  const sources = new Map<Source, Source>()
  const copy: Columns = new Map()
  for (const [name, origin] of columns) {
    if (origin !== undefined && !sources.has(origin.source)) sources.set(origin.source, { ...origin.source })
    copy.set(name, origin && { ...origin, source: sources.get(origin.source)! })
  }
  return copy
}

function select(
  { selection }: SelectionNode,
  sources: ReadonlyMap<string, Columns>,
  output: Columns,
  tables: FileTables,
  named: Named,
): void {
  if (AliasNode.is(selection)) {
    if (!IdentifierNode.is(selection.alias)) return
    output.set(selection.alias.name, originOf(selection.node, sources, tables, named))
  } else if (SelectAllNode.is(selection)) {
    addAll([...sources.values()], output)
  } else if (ReferenceNode.is(selection) && SelectAllNode.is(selection.column)) {
    addAll([sources.get(aliasOf(selection.table!) ?? '') ?? new Map()], output)
  } else {
    const column = ReferenceNode.is(selection) ? (selection.column as ColumnNode) : selection
    if (ColumnNode.is(column)) output.set(column.column.name, originOf(selection, sources, tables, named))
  }
}

/** Adds all columns of sources. Several have columns that are not known, and these can hide those of the same name: keys are not taken from them. */
function addAll(all: readonly Columns[], output: Columns): void {
  const isCertain = all.length === 1 && output.size === 0
  if (!isCertain) forgetKeys(output)
  for (const columns of all) {
    for (const [name, origin] of columns) {
      if (isCertain || origin?.table.model.attributes.includes(origin.column)) output.set(name, origin)
    }
  }
}

function forgetKeys(output: Columns): void {
  for (const [name, origin] of output) {
    if (origin !== undefined && !origin.table.model.attributes.includes(origin.column)) output.set(name, undefined)
  }
}

function originOf(
  node: OperationNode,
  sources: ReadonlyMap<string, Columns>,
  tables: FileTables,
  named: Named,
): Origin | undefined {
  if (SelectQueryNode.is(node)) {
    const columns = [...outputOf(node, tables, named).values()]
    return columns.length === 1 ? columns[0] : undefined
  }
  if (ColumnNode.is(node)) return originIn(node.column.name, [...sources.values()])
  if (!ReferenceNode.is(node) || !ColumnNode.is(node.column)) return undefined
  const { name } = node.column.column
  if (node.table === undefined) return originIn(name, [...sources.values()])
  return sources.get(aliasOf(node.table) ?? '')?.get(name)
}

function originIn(name: string, sources: readonly Columns[]): Origin | undefined {
  for (const columns of sources) {
    const origin = columns.get(name)
    if (origin !== undefined) return origin
  }
  return undefined
}
