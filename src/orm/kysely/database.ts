import { AsyncLocalStorage } from 'node:async_hooks'
import {
  AliasNode,
  BinaryOperationNode,
  ColumnNode,
  type CompiledQuery,
  createQueryId,
  type DatabaseConnection,
  FromNode,
  IdentifierNode,
  OperatorNode,
  PrimitiveValueListNode,
  type QueryExecutor,
  type QueryResult,
  SelectionNode,
  SelectQueryNode,
  type TableNode,
  WhereNode,
} from 'kysely'
import type { FileRegistry } from '../../fields/registry.ts'
import type { StatementFiles } from '../statement.ts'
import { FileConnection } from './connection.ts'
import { FileExecutor } from './executor.ts'
import { fileColumns } from './results.ts'
import { RowOwner } from './row-owner.ts'
import { type FileTables, tableNode } from './tables.ts'
import { ConnectionTransaction } from './transactions.ts'
import type { StoredWrite } from './writes.ts'

/** A write whose content is uploaded, on its way to a connection. */
export interface PendingWrite extends Omit<StoredWrite, 'node' | 'old'> {
  readonly statement: StatementFiles
  readonly old: CompiledQuery | undefined
  running: Promise<unknown> | undefined
}

/** A database with its file tables: what the executors, connections and rows of one `kyselyFiles` share. */
export class FileDatabase {
  readonly tables: FileTables
  readonly writes: WeakMap<CompiledQuery, PendingWrite> = new WeakMap()
  /** Whether there is one connection for all, as on SQLite. */
  readonly isSingle: boolean
  /** What begins a transaction that will write. */
  readonly begin: string
  /** How rows are held until the end of a transaction: not at all, `FOR UPDATE`, or `FOR UPDATE OF` the table. */
  readonly locks: 'rows' | 'of' | undefined
  readonly executor: FileExecutor
  readonly #base: QueryExecutor
  readonly #registry: FileRegistry
  readonly #transactions = new WeakMap<DatabaseConnection, ConnectionTransaction>()
  /** The connection that the running code holds. */
  readonly #held = new AsyncLocalStorage<FileConnection>()
  readonly #removers: (() => void)[]

  constructor(base: QueryExecutor, tables: FileTables, registry: FileRegistry) {
    const { supportsMultipleConnections, supportsTransactionalDdl, supportsReturning } = base.adapter
    this.isSingle = supportsMultipleConnections === false
    const isSqlite = this.isSingle && !supportsTransactionalDdl
    // So that the lock is not taken between reading and writing, which fails where another process has written.
    this.begin = isSqlite ? 'begin immediate' : 'begin'
    this.locks = isSqlite ? undefined : supportsReturning ? 'of' : 'rows'
    this.tables = tables
    this.#base = base
    this.#registry = registry
    const inner = base.withConnectionProvider({
      provideConnection: (consumer, options) =>
        base.provideConnection(async raw => {
          const connection = this.#connection(raw)
          try {
            return await this.holding(connection, () => consumer(connection))
          } finally {
            connection.isOpen = false
          }
        }, options),
    })
    this.executor = new FileExecutor(this, inner, false)
    this.#removers = [...tables.values()].map(({ name, model }) =>
      model.addUsers((column, names, { signal }) => this.#used(name, column, names, signal)),
    )
  }

  /** Takes its columns out of the registry. */
  detach(): void {
    for (const remove of this.#removers.splice(0)) remove()
  }

  /** For statements on a connection; on any where that one has gone back to its pool. */
  executorOn(connection: FileConnection | undefined): FileExecutor {
    return connection?.isOpen ? this.executor.withConnectionProvider(connection.provider) : this.executor
  }

  /** Runs code that holds a connection. */
  holding<T>(connection: FileConnection, work: () => T): T {
    return this.#held.run(connection, work)
  }

  /** Makes files of the names in a result. */
  read<R>({ query }: CompiledQuery, result: QueryResult<R>, connection: FileConnection): QueryResult<R> {
    if (result.rows.length === 0) return result
    for (const { name, attribute, table, node, key } of fileColumns(query, this.tables)) {
      const field = table.model.fields[attribute]!
      const owned = key && { table, node, key, database: this, connection }
      for (const row of result.rows as Record<string, unknown>[]) {
        row[name] = field.attach(row[name] as string | null, owned && new RowOwner(row, owned))
      }
    }
    return result
  }

  #connection(raw: DatabaseConnection): FileConnection {
    let transaction = this.#transactions.get(raw)
    if (transaction === undefined) {
      this.#transactions.set(raw, (transaction = new ConnectionTransaction(this.#registry)))
    }
    return new FileConnection(raw, transaction, this)
  }

  /** The names that rows hold, outside of every transaction. */
  async #used(
    table: string,
    column: string,
    names: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<readonly unknown[]> {
    const query = this.#base.compileQuery(usedQuery(tableNode(table), column, names), createQueryId())
    const held = this.#held.getStore()
    let found: QueryResult<unknown>
    if (!held?.isOpen) found = await this.#base.withoutPlugins().executeQuery(query, { signal })
    else if (held.transaction.files === undefined) found = await held.raw.executeQuery(query, { signal })
    // The only connection is in a transaction whose end is not known, and waiting for it could be waiting for oneself.
    else if (this.isSingle) return names
    else found = await this.#base.withoutPlugins().executeQuery(query, { signal })
    return (found.rows as { readonly name: unknown }[]).map(({ name }) => name)
  }
}

function usedQuery(table: TableNode, column: string, names: readonly string[]): SelectQueryNode {
  const reference = ColumnNode.create(column)
  return {
    ...SelectQueryNode.create(),
    from: FromNode.create([table]),
    selections: [SelectionNode.create(AliasNode.create(reference, IdentifierNode.create('name')))],
    where: WhereNode.create(
      BinaryOperationNode.create(reference, OperatorNode.create('in'), PrimitiveValueListNode.create(names)),
    ),
  }
}
