import { AliasNode, IdentifierNode, type OperationNode, TableNode } from 'kysely'
import type { FileModel } from '../../fields/model.ts'

/** A table with file columns. */
export interface FileTable {
  readonly model: FileModel
  /** As the program named it: `resumes`, `archive.resumes`. */
  readonly name: string
  /** The columns of its primary key. */
  readonly key: readonly string[]
}

/** The tables with file columns, by their names. */
export type FileTables = ReadonlyMap<string, FileTable>

/** The file table that a node of a query names, with or without an alias. */
export function tableOf(node: OperationNode | undefined, tables: FileTables): FileTable | undefined {
  if (node === undefined) return undefined
  if (AliasNode.is(node)) return tableOf(node.node, tables)
  if (!TableNode.is(node)) return undefined
  const { schema, identifier } = node.table
  const qualified = schema && tables.get(`${schema.name}.${identifier.name}`)
  return qualified ?? tables.get(identifier.name)
}

/** The name under which a query knows a table or a subquery. */
export function aliasOf(node: OperationNode): string | undefined {
  if (AliasNode.is(node)) return IdentifierNode.is(node.alias) ? node.alias.name : undefined
  return TableNode.is(node) ? node.table.identifier.name : undefined
}

/** What references to columns of a table in a query begin with. */
export function referenceTo(node: OperationNode): TableNode | undefined {
  if (TableNode.is(node)) return node
  const alias = aliasOf(node)
  return alias === undefined ? undefined : TableNode.create(alias)
}

/** The node of a table by its name: `resumes`, `archive.resumes`. */
export function tableNode(name: string): TableNode {
  const at = name.indexOf('.')
  return at === -1 ? TableNode.create(name) : TableNode.createWithSchema(name.slice(0, at), name.slice(at + 1))
}
