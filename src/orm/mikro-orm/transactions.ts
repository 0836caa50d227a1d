import { StorageError } from '../../core/errors.ts'
import { type FileRegistry, FileTransaction } from '../../fields/index.ts'

/** A statement of Kysely that begins or ends something. */
interface Command<T> {
  execute(): Promise<T>
}

/** What MikroORM runs a transaction or a savepoint with: Kysely's `ControlledTransaction`. */
interface DatabaseTransaction {
  commit(): Command<void>
  rollback(): Command<void>
  savepoint(name: string): Command<DatabaseTransaction>
  releaseSavepoint(name: string): Command<unknown>
  rollbackToSavepoint(name: string): Command<unknown>
}

/**
 * The files of each transaction of the database, by the object that MikroORM runs it with, whatever has begun it: a flush, `em.transactional`,
 * `em.begin` or the connection. Its own `commit` and `rollback` end the files, so that it does not matter which events are sent for savepoints, and
 * a rollback that fails ends them too.
 */
export class Transactions {
  readonly #registry: FileRegistry
  readonly #files = new WeakMap<object, FileTransaction>()

  constructor(registry: FileRegistry) {
    this.#registry = registry
  }

  /** The files of a running transaction; one that began without any event is found when it is used. */
  of(transaction: object): FileTransaction {
    const known = this.#files.get(transaction)
    if (known !== undefined) return known
    if ('savepointName' in transaction)
      throw new StorageError(
        'unsupported',
        'Files cannot be written in a savepoint of a transaction that was not seen: begin both by em.transactional or em.begin.',
      )
    return this.#watch(transaction as DatabaseTransaction, new FileTransaction(this.#registry))
  }

  /** A transaction has begun; without files it gets some of its own. */
  begun(transaction: object, files: FileTransaction | undefined): void {
    if (this.#files.has(transaction)) return
    this.#watch(transaction as DatabaseTransaction, files ?? new FileTransaction(this.#registry))
  }

  #watch(transaction: DatabaseTransaction, files: FileTransaction): FileTransaction {
    this.#files.set(transaction, files)
    const commit = async <T>(command: () => Command<T>): Promise<T> => {
      const result = await command().execute()
      await files.commit()
      return result
    }
    const rollback = async <T>(command: () => Command<T>): Promise<T> => {
      let result: T
      try {
        result = await command().execute()
      } catch (error) {
        // Not waited for: the connection may be stuck, and the question whether the files are used with it.
        void files.rollback()
        throw error
      }
      await files.rollback()
      return result
    }
    const begin = async (command: () => Command<DatabaseTransaction>): Promise<DatabaseTransaction> => {
      const inner = await command().execute()
      this.#watch(inner, files.savepoint())
      return inner
    }
    const around = { savepoint: begin, commit, releaseSavepoint: commit, rollback, rollbackToSavepoint: rollback }
    for (const [method, run] of Object.entries(around)) {
      const original = transaction[method as keyof DatabaseTransaction].bind(transaction) as (
        ...name: string[]
      ) => never
      Object.defineProperty(transaction, method, {
        configurable: true,
        value: (...name: string[]) => ({ execute: () => run(() => original(...name)) }),
      })
    }
    return files
  }
}
