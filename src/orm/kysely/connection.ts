import {
  type AbortableOperationOptions,
  CompiledQuery,
  type DatabaseConnection,
  type QueryResult,
  SingleConnectionProvider,
} from 'kysely'
import { type Command, commandOf } from '../command.ts'
import type { FileDatabase, PendingWrite } from './database.ts'
import type { ConnectionTransaction } from './transactions.ts'

/**
 * A connection whose results have files, and whose transactions take their files along. Kysely begins and ends transactions by plain SQL on
 * it, and so do programs.
 */
export class FileConnection implements DatabaseConnection {
  readonly raw: DatabaseConnection
  readonly transaction: ConnectionTransaction
  /** For statements on this connection. */
  readonly provider: SingleConnectionProvider
  /** Until it goes back to its pool. */
  isOpen = true
  readonly #database: FileDatabase
  declare readonly cancelQuery?: DatabaseConnection['cancelQuery'] & {}
  declare readonly collectSessionInfo?: DatabaseConnection['collectSessionInfo'] & {}
  declare readonly killSession?: DatabaseConnection['killSession'] & {}

  constructor(raw: DatabaseConnection, transaction: ConnectionTransaction, database: FileDatabase) {
    this.raw = raw
    this.transaction = transaction
    this.#database = database
    this.provider = new SingleConnectionProvider(this)
    if (raw.cancelQuery !== undefined) this.cancelQuery = raw.cancelQuery.bind(raw)
    if (raw.collectSessionInfo !== undefined) this.collectSessionInfo = raw.collectSessionInfo.bind(raw)
    if (raw.killSession !== undefined) this.killSession = raw.killSession.bind(raw)
  }

  async executeQuery<R>(query: CompiledQuery, options?: AbortableOperationOptions): Promise<QueryResult<R>> {
    const write = this.#database.writes.get(query)
    if (write !== undefined) {
      write.running = this.#write(query, write, options)
      return (await write.running) as QueryResult<R>
    }
    // Kysely's own are plain SQL, as those of programs are.
    const command = query.query.kind === 'RawNode' ? commandOf(query.sql) : undefined
    if (command !== undefined) return this.#command<R>(command, query, options)
    return this.#database.read(query, await this.#run<R>(query, options), this)
  }

  async *streamQuery<R>(
    query: CompiledQuery,
    chunkSize: number,
    options?: AbortableOperationOptions,
  ): AsyncIterableIterator<QueryResult<R>> {
    for await (const result of this.raw.streamQuery<R>(query, chunkSize, options)) {
      yield this.#database.read(query, result, this)
    }
  }

  async #run<R>(query: CompiledQuery, options?: AbortableOperationOptions): Promise<QueryResult<R>> {
    try {
      return await this.raw.executeQuery<R>(query, options)
    } catch (error) {
      this.transaction.files?.doubt()
      throw error
    }
  }

  async #command<R>(
    command: Command,
    query: CompiledQuery,
    options?: AbortableOperationOptions,
  ): Promise<QueryResult<R>> {
    const follow = (): Promise<void> => this.#database.holding(this, () => this.transaction.follow(command))
    let result: QueryResult<R>
    try {
      result = await this.raw.executeQuery<R>(query, options)
    } catch (error) {
      // What a rollback that fails leaves behind is no transaction that could still be committed.
      if (command.does === 'rollback') await follow()
      throw error
    }
    await follow()
    return result
  }

  /** Runs a write after it has read which files the rows have: in one transaction. */
  async #write(
    query: CompiledQuery,
    write: PendingWrite,
    options?: AbortableOperationOptions,
  ): Promise<QueryResult<unknown>> {
    if (write.old === undefined || this.transaction.files !== undefined)
      return this.#readAndWrite(query, write, options)
    await this.raw.executeQuery(CompiledQuery.raw(this.#database.begin))
    let result: QueryResult<unknown>
    try {
      result = await this.#readAndWrite(query, write, options)
      await this.raw.executeQuery(CompiledQuery.raw('commit'))
    } catch (error) {
      // The first error says more.
      await this.raw.executeQuery(CompiledQuery.raw('rollback')).catch(() => {})
      throw error
    }
    return result
  }

  async #readAndWrite(
    query: CompiledQuery,
    { old, after, mayMiss, statement }: PendingWrite,
    options?: AbortableOperationOptions,
  ): Promise<QueryResult<unknown>> {
    const before = old === undefined ? undefined : (await this.#run<object>(old, options)).rows
    const result = this.#database.read(query, await this.#run(query, options), this)
    if (before !== undefined) await statement.release(before, after)
    if (mayMiss && !(before !== undefined && before.length > 0 && after !== undefined)) await statement.doubtUploads()
    return result
  }
}
