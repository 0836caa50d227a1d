import type {
  AbortableOperationOptions,
  AbortableQueryOptions,
  CompiledQuery,
  ConnectionProvider,
  DatabaseConnection,
  DialectAdapter,
  KyselyPlugin,
  QueryExecutor,
  QueryId,
  QueryResult,
  RootOperationNode,
} from 'kysely'
import { StorageError } from '../../core/errors.ts'
import { FieldFile } from '../../fields/field-file.ts'
import type { FileTransaction } from '../../fields/transaction.ts'
import { Upload } from '../../fields/upload.ts'
import { runStatement } from '../statement.ts'
import { FileConnection } from './connection.ts'
import type { FileDatabase, PendingWrite } from './database.ts'
import { locking } from './old-names.ts'
import { writeOf } from './writes.ts'

/** Uploads the content in a query before a connection is taken for it, and runs it with its files. */
export class FileExecutor implements QueryExecutor {
  readonly #database: FileDatabase
  /** Its connections are `FileConnection`s. */
  readonly #inner: QueryExecutor
  /** Whether all queries go to one connection. */
  readonly #isBound: boolean

  constructor(database: FileDatabase, inner: QueryExecutor, isBound: boolean) {
    this.#database = database
    this.#inner = inner
    this.#isBound = isBound
  }

  get adapter(): DialectAdapter {
    return this.#inner.adapter
  }

  get plugins(): ReadonlyArray<KyselyPlugin> {
    return this.#inner.plugins
  }

  transformQuery<T extends RootOperationNode>(node: T, queryId: QueryId): T {
    return this.#inner.transformQuery(node, queryId)
  }

  compileQuery<R = unknown>(node: RootOperationNode, queryId: QueryId): CompiledQuery<R> {
    return this.#inner.compileQuery<R>(node, queryId)
  }

  provideConnection<T>(
    consumer: (connection: DatabaseConnection) => Promise<T>,
    options?: AbortableOperationOptions,
  ): Promise<T> {
    return this.#inner.provideConnection(consumer, options)
  }

  async executeQuery<R>(query: CompiledQuery<R>, options?: AbortableQueryOptions): Promise<QueryResult<R>> {
    const write = writeOf(query.query, this.#database.tables)
    if (write === undefined) return this.#inner.executeQuery(withNames(query), options)
    return runStatement(write.table.model, await this.#transaction(), async statement => {
      const { node, old, after, mayMiss } = await write.store(statement, { signal: options?.signal })
      const compiled = withNames(this.#inner.compileQuery<R>(node, query.queryId))
      const { locks } = this.#database
      const reading = old && (locks === undefined ? old : locking(old, locks === 'of'))
      const pending: PendingWrite = {
        statement,
        old: reading && withNames(this.#inner.compileQuery(reading, query.queryId)),
        after,
        mayMiss,
        running: undefined,
      }
      this.#database.writes.set(compiled, pending)
      try {
        return await this.#inner.executeQuery(compiled, options)
      } catch (error) {
        // An aborted query can still be running, and the files must wait for its end.
        await pending.running?.catch(() => {})
        throw error
      }
    })
  }

  async *stream<R>(
    query: CompiledQuery<R>,
    chunkSize: number,
    options?: AbortableOperationOptions,
  ): AsyncIterableIterator<QueryResult<R>> {
    const write = writeOf(query.query, this.#database.tables)
    if (write !== undefined) {
      const { name } = write.table
      throw new StorageError('unsupported', `A statement that writes files of '${name}' has no stream: use execute().`)
    }
    yield* this.#inner.stream(withNames(query), chunkSize, options)
  }

  withConnectionProvider(provider: ConnectionProvider): FileExecutor {
    return new FileExecutor(this.#database, this.#inner.withConnectionProvider(provider), true)
  }

  withPlugin(plugin: KyselyPlugin): FileExecutor {
    return this.#with(this.#inner.withPlugin(plugin))
  }

  withPlugins(plugins: ReadonlyArray<KyselyPlugin>): FileExecutor {
    return this.#with(this.#inner.withPlugins(plugins))
  }

  withPluginAtFront(plugin: KyselyPlugin): FileExecutor {
    return this.#with(this.#inner.withPluginAtFront(plugin))
  }

  withoutPlugins(): FileExecutor {
    return this.#with(this.#inner.withoutPlugins())
  }

  #with(inner: QueryExecutor): FileExecutor {
    return new FileExecutor(this.#database, inner, this.#isBound)
  }

  /** The transaction in which the next query will run; a connection of a pool is in none. */
  async #transaction(): Promise<FileTransaction | undefined> {
    if (!this.#isBound && !this.#database.isSingle) return undefined
    return this.#inner.provideConnection(async connection =>
      connection instanceof FileConnection ? connection.transaction.files : undefined,
    )
  }
}

/** The query with names in place of stored files among its parameters; what is not stored is refused with `invalid_argument`. */
function withNames<R>(query: CompiledQuery<R>): CompiledQuery<R> {
  if (!query.parameters.some(value => value instanceof FieldFile || value instanceof Upload)) return query
  const parameters = query.parameters.map(value => {
    if (value instanceof FieldFile) return value.toJSON()
    if (!(value instanceof Upload)) return value
    throw new StorageError('invalid_argument', 'An upload is no value for a column without a file field.')
  })
  return { ...query, parameters }
}
