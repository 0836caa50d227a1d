import * as k from 'kysely'
import { StorageError } from '../../core/errors.ts'
import { FieldFile, type FileField, type FileFields } from '../../fields/index.ts'
import { isFileSource, Upload } from '../../fields/upload.ts'

type Fields = ReadonlyMap<string, FileFields>

/** Converts the names in results to files, and the files in queries to names. Content in a query is `invalid_argument`. */
export class FilesPlugin extends k.OperationNodeTransformer implements k.KyselyPlugin {
  readonly #fields: Fields
  readonly #results = new WeakMap<k.QueryId, readonly (readonly [name: string, field: FileField])[]>()

  constructor(fields: Fields) {
    super()
    this.#fields = fields
  }

  transformQuery({ node, queryId }: k.PluginTransformQueryArgs): k.RootOperationNode {
    this.#results.set(queryId, columnsOf(node as Query, this.#fields))
    return this.transformNode(node)
  }

  async transformResult({ result, queryId }: k.PluginTransformResultArgs): Promise<k.QueryResult<k.UnknownRow>> {
    for (const [name, field] of this.#results.get(queryId) ?? []) {
      for (const row of result.rows) if (name in row) row[name] = field.attach(row[name] as string | null)
    }
    return result
  }

  protected override transformInsertQuery(node: k.InsertQueryNode): k.InsertQueryNode {
    const fields = this.#written()
    const rows = node.values !== undefined && k.ValuesNode.is(node.values) ? node.values.values : []
    for (const [at, { column }] of node.columns?.entries() ?? [])
      for (const row of rows) check(row.values[at], fields[column.name])
    return super.transformInsertQuery(node)
  }

  /** Part of an update, an upsert or a merge. */
  protected override transformColumnUpdate(node: k.ColumnUpdateNode): k.ColumnUpdateNode {
    check(node.value, this.#written()[nameOf(node.column) ?? ''])
    return super.transformColumnUpdate(node)
  }

  protected override transformValue(node: k.ValueNode): k.ValueNode {
    return { ...node, value: named(node.value) }
  }

  protected override transformPrimitiveValueList(node: k.PrimitiveValueListNode): k.PrimitiveValueListNode {
    return { ...node, values: node.values.map(named) }
  }

  /** Returns the file columns of the table that the innermost statement writes; statements within a merge name no table. */
  #written(): FileFields {
    const tables = this.nodeStack.map(node => (node as Query).into ?? (node as Query).table)
    return sourceOf(tables.findLast(Boolean), this.#fields)[1]
  }
}

/** The parts of queries that name tables and columns. */
type Query = Partial<
  Pick<k.SelectQueryNode, 'from' | 'joins' | 'selections'> & Pick<k.InsertQueryNode, 'into' | 'returning'>
> &
  Pick<k.UpdateQueryNode, 'table'>

/** Returns the result columns with files that a query selects from tables, by name or by `*`; others are unknown. */
function columnsOf({ from, joins, into, table, selections, returning }: Query, fields: Fields): [string, FileField][] {
  const nodes = [...(from?.froms ?? []), ...(joins?.map(join => join.table) ?? []), into, table]
  const sources = new Map(nodes.map(node => sourceOf(node, fields)))
  const found: Record<string, FileField | undefined> = {}
  for (const { selection } of selections ?? returning?.selections ?? []) {
    const selected = k.AliasNode.is(selection) ? selection.node : selection
    const prefix = k.ReferenceNode.is(selected) ? selected.table?.table.identifier.name : undefined
    const from = prefix === undefined ? [...sources.values()] : [sources.get(prefix) ?? {}]
    const column = nameOf(selected)
    if (column !== undefined) found[aliasOf(selection) ?? column] = from.find(source => source[column])?.[column]
    else if (!k.AliasNode.is(selection)) Object.assign(found, ...from)
  }
  return Object.entries(found).filter((entry): entry is [string, FileField] => entry[1] !== undefined)
}

/** Returns the name of a table in a query, and its file columns. */
function sourceOf(node: k.OperationNode | undefined, fields: Fields): [name: string, columns: FileFields] {
  const table = node !== undefined && k.AliasNode.is(node) ? node.node : node
  const name = table !== undefined && k.TableNode.is(table) ? table.table.identifier.name : ''
  return [aliasOf(node) ?? name, fields.get(name) ?? {}]
}

function aliasOf(node: k.OperationNode | undefined): string | undefined {
  return node !== undefined && k.AliasNode.is(node) && k.IdentifierNode.is(node.alias) ? node.alias.name : undefined
}

/** Returns the column that a node names; undefined for `*` and for expressions. */
function nameOf(node: k.OperationNode): string | undefined {
  const column = k.ReferenceNode.is(node) ? node.column : node
  return k.ColumnNode.is(column) ? column.column.name : undefined
}

/** Rejects a value for a file column that is not the name of a stored file; SQL expressions are accepted. */
function check(value: unknown, field: FileField | undefined): void {
  const node = Object(value) as k.OperationNode
  if (k.ValueNode.is(node)) field?.storedName(node.value)
  else if (!('kind' in node)) field?.storedName(value)
}

/** Returns the name of a stored file; other values unchanged. */
function named(value: unknown): unknown {
  if (value instanceof FieldFile) return value.toJSON()
  if (!(value instanceof Upload) && (!isFileSource(value) || ArrayBuffer.isView(value))) return value
  throw new StorageError('invalid_argument', 'A query accepts no file content: use insert or update of kyselyFiles.')
}
