import {
  AndNode,
  BinaryOperationNode,
  ColumnNode,
  type DeleteQueryNode,
  FromNode,
  type JoinNode,
  type OperationNode,
  OperatorNode,
  OrNode,
  ParensNode,
  ReferenceNode,
  SelectionNode,
  SelectModifierNode,
  SelectQueryNode,
  type UpdateQueryNode,
  ValueNode,
  WhereNode,
  type WithNode,
} from 'kysely'
import { StorageError } from '../../core/errors.ts'
import { aliasOf, type FileTable, referenceTo } from './tables.ts'

/** Selects the file columns of the rows that an update will find. */
export function oldOfUpdate(node: UpdateQueryNode, table: FileTable): SelectQueryNode {
  return oldOf(node.table!, table, [node.table!, ...(node.from?.froms ?? [])], node)
}

/** Selects the file columns of the rows that a delete will find. */
export function oldOfDelete(node: DeleteQueryNode, table: FileTable): SelectQueryNode {
  const target = node.from.froms[0]!
  const using = node.using?.tables ?? []
  // MySQL names the table again among those that are used.
  const again = using.find(other => aliasOf(other) === aliasOf(target))
  return oldOf(again ?? target, table, again === undefined ? [target, ...using] : using, node)
}

/** Selects the file columns of the rows that inserted ones can meet, by the columns of a key; undefined when no row has all of these. */
export function oldOfInsert(
  into: OperationNode,
  table: FileTable,
  key: readonly string[],
  rows: readonly ReadonlyMap<string, OperationNode>[],
): SelectQueryNode | undefined {
  let found: OperationNode | undefined
  for (const row of rows) {
    const values = key.map(column => row.get(column))
    if (values.length === 0 || !values.every(value => value !== undefined && ValueNode.is(value))) continue
    const same = ParensNode.create(allEqual(key.map(column => [column, (row.get(column) as ValueNode).value])))
    found = found === undefined ? same : OrNode.create(found, same)
  }
  return found && oldOf(into, table, [into], { where: WhereNode.create(found) })
}

/** The condition that columns have these values. */
export function allEqual(values: readonly (readonly [string, unknown])[]): OperationNode {
  return values
    .map(([column, value]): OperationNode => {
      const reference = ReferenceNode.create(ColumnNode.create(column))
      return BinaryOperationNode.create(reference, OperatorNode.create('='), ValueNode.create(value))
    })
    .reduce((all, one) => AndNode.create(all, one))
}

interface Criteria {
  readonly joins?: readonly JoinNode[]
  readonly where?: WhereNode
  readonly with?: WithNode
  readonly orderBy?: SelectQueryNode['orderBy']
  readonly limit?: SelectQueryNode['limit']
}

function oldOf(
  target: OperationNode,
  { model, name }: FileTable,
  froms: readonly OperationNode[],
  { joins, where, with: ctes, orderBy, limit }: Criteria,
): SelectQueryNode {
  if (ctes?.expressions.some(({ expression }) => !SelectQueryNode.is(expression))) {
    throw new StorageError(
      'unsupported',
      `A statement on '${name}' has a WITH that is no SELECT: the files that its rows have before cannot be read.`,
    )
  }
  const prefix = referenceTo(target)
  return {
    ...SelectQueryNode.create(),
    from: FromNode.create(froms),
    selections: model.attributes.map(column =>
      SelectionNode.create(ReferenceNode.create(ColumnNode.create(column), prefix)),
    ),
    ...(joins && { joins }),
    ...(where && { where }),
    ...(ctes && { with: ctes }),
    ...(orderBy && { orderBy }),
    ...(limit && { limit }),
  }
}

/** The same query, holding the rows until the end of the transaction. */
export function locking(select: SelectQueryNode, ofTarget: boolean): SelectQueryNode {
  const alone = select.from!.froms.length === 1 && select.joins === undefined
  const target = referenceTo(select.from!.froms[0]!)
  const of = ofTarget && !alone && target !== undefined ? [target] : undefined
  return { ...select, endModifiers: [SelectModifierNode.create('ForUpdate', of)] }
}
