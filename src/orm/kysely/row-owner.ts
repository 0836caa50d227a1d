import {
  ColumnNode,
  ColumnUpdateNode,
  createQueryId,
  type RootOperationNode,
  type TableNode,
  UpdateQueryNode,
  ValueNode,
  WhereNode,
} from 'kysely'
import type { CallOptions } from '../../core/call.ts'
import { StorageError } from '../../core/errors.ts'
import type { Owner } from '../../fields/persist.ts'
import type { FileTransaction } from '../../fields/transaction.ts'
import type { FileConnection } from './connection.ts'
import type { FileDatabase } from './database.ts'
import { allEqual } from './old-names.ts'
import type { FileTable } from './tables.ts'

/** A table as a query names it, with the result columns that have its key. */
export interface KeyedTable {
  readonly table: FileTable
  readonly node: TableNode
  readonly key: readonly string[]
}

/** A row of a result, by its key. */
export class RowOwner implements Owner {
  readonly row: Record<string, unknown>
  readonly #database: FileDatabase
  readonly #from: KeyedTable
  /** The connection that it was read on, which a transaction keeps. */
  readonly #connection: FileConnection | undefined

  constructor(
    row: Record<string, unknown>,
    from: KeyedTable,
    database: FileDatabase,
    connection: FileConnection | undefined,
  ) {
    this.row = row
    this.#from = from
    this.#database = database
    this.#connection = connection
  }

  transaction(): FileTransaction | undefined {
    return this.#connection?.isOpen ? this.#connection.transaction.files : undefined
  }

  async persist(values: Readonly<Record<string, unknown>>, { signal }: CallOptions): Promise<void> {
    const { table, node, key } = this.#from
    const where = table.key.map((column, at): readonly [string, unknown] => [column, this.row[key[at]!]])
    const update: RootOperationNode = {
      ...UpdateQueryNode.create([node]),
      updates: Object.entries(values).map(([column, value]) =>
        ColumnUpdateNode.create(ColumnNode.create(column), ValueNode.create(value)),
      ),
      where: WhereNode.create(allEqual(where)),
    }
    const executor = this.#database.executorOn(this.#connection)
    const { numAffectedRows } = await executor.executeQuery(executor.compileQuery(update, createQueryId()), { signal })
    if (numAffectedRows === 0n) {
      const shown = where.map(([column, value]) => `${column} ${String(value)}`).join(', ')
      throw new StorageError('not_found', `'${table.name}' has no row any more with ${shown}.`)
    }
    for (const [column, value] of Object.entries(values)) {
      if (!table.model.attributes.includes(column) && column in this.row) this.row[column] = value
    }
  }
}
