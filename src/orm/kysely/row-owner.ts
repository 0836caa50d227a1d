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

/** The rows of one table in a result: what their owners share. */
export interface RowsOfTable {
  readonly table: FileTable
  /** The table as the query names it. */
  readonly node: TableNode
  /** The result columns that have its key. */
  readonly key: readonly string[]
  readonly database: FileDatabase
  /** The connection that they were read on, which a transaction keeps. */
  readonly connection: FileConnection | undefined
}

/** A row of a result, by its key. There is one for each row that is read, so it is small. */
export class RowOwner implements Owner {
  readonly row: Record<string, unknown>
  readonly #rows: RowsOfTable

  constructor(row: Record<string, unknown>, rows: RowsOfTable) {
    this.row = row
    this.#rows = rows
  }

  transaction(): FileTransaction | undefined {
    const { connection } = this.#rows
    return connection?.isOpen ? connection.transaction.files : undefined
  }

  async persist(values: Readonly<Record<string, unknown>>, { signal }: CallOptions): Promise<void> {
    const { table, node, key, database, connection } = this.#rows
    const where = table.key.map((column, at): readonly [string, unknown] => [column, this.row[key[at]!]])
    const update: RootOperationNode = {
      ...UpdateQueryNode.create([node]),
      updates: Object.entries(values).map(([column, value]) =>
        ColumnUpdateNode.create(ColumnNode.create(column), ValueNode.create(value)),
      ),
      where: WhereNode.create(allEqual(where)),
    }
    const executor = database.executorOn(connection)
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
