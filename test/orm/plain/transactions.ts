/** Transactions of a database with those of its files, by statements alone. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { type FileRegistry, FileTransaction } from '../../../src/fields/index.ts'
import type { OpenTransaction } from '../suite/conformance.ts'
import type { SqlConnection, SqlDatabase, SqlRow } from './databases.ts'

export interface PlainTx {
  readonly connection: SqlConnection
  readonly files: FileTransaction
}

export class PlainTransactions {
  readonly #database: SqlDatabase
  readonly #registry: FileRegistry
  readonly #running = new AsyncLocalStorage<PlainTx>()
  #savepoints = 0

  constructor(database: SqlDatabase, registry: FileRegistry) {
    this.#database = database
    this.#registry = registry
  }

  /** The transaction that is not passed on. */
  get running(): PlainTx | undefined {
    return this.#running.getStore()
  }

  /** A statement outside of every transaction. */
  async query(text: string, values: readonly unknown[] = []): Promise<SqlRow[]> {
    const connection = await this.#database.connect()
    try {
      return await connection.query(text, values)
    } finally {
      connection.release()
    }
  }

  async transaction<T>(work: (tx: PlainTx) => Promise<T>): Promise<T> {
    const { tx, commit, rollback } = await this.begin()
    let result: T
    try {
      result = await work(tx)
    } catch (error) {
      await rollback()
      throw error
    }
    await commit()
    return result
  }

  async savepoint<T>({ connection, files }: PlainTx, work: (inner: PlainTx) => Promise<T>): Promise<T> {
    const name = `s${++this.#savepoints}`
    const inner = files.savepoint()
    await connection.query(`SAVEPOINT ${name}`)
    let result: T
    try {
      result = await work({ connection, files: inner })
    } catch (error) {
      await connection.query(`ROLLBACK TO SAVEPOINT ${name}`)
      await inner.rollback()
      throw error
    }
    await connection.query(`RELEASE SAVEPOINT ${name}`)
    await inner.commit()
    return result
  }

  async begin(): Promise<OpenTransaction<PlainTx>> {
    const connection = await this.#database.connect()
    const files = new FileTransaction(this.#registry)
    await connection.query('BEGIN')
    const rollback = async (): Promise<void> => {
      await connection.query('ROLLBACK').finally(() => connection.release())
      await files.rollback()
    }
    const commit = async (): Promise<void> => {
      try {
        await connection.query('COMMIT')
      } catch (error) {
        await rollback()
        throw error
      }
      connection.release()
      await files.commit()
    }
    return { tx: { connection, files }, commit, rollback }
  }

  async ambient<T>(work: () => Promise<T>): Promise<T> {
    return this.transaction(tx => this.#running.run(tx, work))
  }

  /** A transaction for one write, without files of its own. */
  async alone<R>(run: (connection: SqlConnection) => Promise<R>): Promise<R> {
    const connection = await this.#database.connect()
    try {
      await connection.query('BEGIN')
      const result = await run(connection)
      await connection.query('COMMIT')
      return result
    } catch (error) {
      await connection.query('ROLLBACK')
      throw error
    } finally {
      connection.release()
    }
  }
}
