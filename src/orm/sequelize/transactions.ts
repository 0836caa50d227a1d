import { AsyncLocalStorage } from 'node:async_hooks'
import type { Model, Options, Sequelize, Transaction } from 'sequelize'
import { type FileRegistry, FileTransaction } from '../../fields/index.ts'

/** What Sequelize's class has, and its types leave out. */
interface Ended {
  readonly sequelize: Sequelize
  finished?: 'commit' | 'rollback'
  readonly parent?: Transaction
  readonly savepoints: readonly Transaction[]
  cleanup(): unknown
}

const followed = new WeakMap<Transaction, TransactionFiles>()
const passed = new AsyncLocalStorage<Transaction>()

/**
 * The files of one transaction of Sequelize. There is no hook for a rollback, so its methods are replaced: both end when the files have ended
 * too. A savepoint that was left open ends with the transaction that it is in, as in the database.
 */
class TransactionFiles {
  readonly #transaction: Transaction & Ended
  readonly #parent: TransactionFiles | undefined
  readonly #files = new Map<FileRegistry, FileTransaction>()

  constructor(transaction: Transaction) {
    this.#transaction = transaction as Transaction & Ended
    const { parent } = this.#transaction
    this.#parent = parent === undefined ? undefined : follow(parent)
    this.#replaceMethods()
  }

  in(registry: FileRegistry): FileTransaction {
    let files = this.#files.get(registry)
    if (files === undefined) {
      files = this.#parent?.in(registry).savepoint() ?? new FileTransaction(registry)
      this.#files.set(registry, files)
    }
    return files
  }

  async #end(how: 'commit' | 'rollback'): Promise<void> {
    for (const inner of this.#transaction.savepoints) {
      const files = followed.get(inner)
      if (files !== undefined) await files.#end(how)
    }
    for (const files of this.#files.values()) await files[how]()
  }

  /** PostgreSQL answers the COMMIT of a transaction in which a statement has failed with a ROLLBACK, and reports no error. */
  async #isAborted(): Promise<boolean> {
    const transaction = this.#transaction
    return transaction.sequelize.query('SELECT 1', { transaction, logging: false }).then(
      () => false,
      () => true,
    )
  }

  #replaceMethods(): void {
    const transaction = this.#transaction
    const { commit, rollback, cleanup } = transaction
    const canBeAborted = transaction.sequelize.getDialect() === 'postgres' && this.#parent === undefined
    let asking: Promise<boolean> | undefined
    let isDone = false
    // Called when the statement has succeeded: a failing hook of the program comes after a commit that holds.
    transaction.cleanup = () => {
      isDone = true
      return cleanup.call(transaction)
    }
    transaction.commit = async () => {
      if (asking !== undefined) await asking
      if (transaction.finished !== undefined) return commit.call(transaction)
      const isAborted = canBeAborted && (await (asking = this.#isAborted()))
      try {
        await commit.call(transaction)
      } finally {
        await this.#end(isDone && !isAborted ? 'commit' : 'rollback')
      }
    }
    transaction.rollback = async () => {
      if (asking !== undefined) await asking
      if (transaction.finished !== undefined) return rollback.call(transaction)
      try {
        await rollback.call(transaction)
      } finally {
        await this.#end('rollback')
      }
    }
  }
}

function follow(transaction: Transaction): TransactionFiles {
  let files = followed.get(transaction)
  if (files === undefined) followed.set(transaction, (files = new TransactionFiles(transaction)))
  return files
}

/** The files of a transaction, which end with it. */
export function transactionFiles(transaction: Transaction, registry: FileRegistry): FileTransaction {
  return follow(transaction).in(registry)
}

/**
 * The transaction in which a row's file is written: that of `inTransaction`, of the namespace of `Sequelize.useCLS`, or the one in which the row
 * was read or written last, while it is open.
 */
export function transactionOf(row: Model): Transaction | undefined {
  const { _cls } = row.sequelize.constructor as { _cls?: { get(key: string): Transaction | null | undefined } }
  const running = passed.getStore() ?? _cls?.get('transaction')
  return running ?? openOne(rows.get(row)) ?? sharedTransaction(row.sequelize)
}

const rows = new WeakMap<object, Transaction>()
const shared = new WeakMap<Sequelize, Transaction>()

/** Notes in which transaction a row is read or written. */
export function noteTransaction(row: object, transaction: Transaction): void {
  rows.set(row, transaction)
}

/** The transaction in which every statement runs, whether it is given to it or not: there is one connection to a SQLite database in memory. */
export function sharedTransaction(sequelize: Sequelize): Transaction | undefined {
  return openOne(shared.get(sequelize))
}

/** The transaction, or the one around it that is still open. */
function openOne(transaction: Transaction | undefined): Transaction | undefined {
  let open = transaction as (Transaction & Ended) | undefined
  while (open?.finished !== undefined) open = open.parent as (Transaction & Ended) | undefined
  return open
}

/** Watches for transactions where there is one connection for all; the function that is returned ends it. */
export function watchSharedConnection(sequelize: Sequelize): () => void {
  const { storage = ':memory:' } = (sequelize as unknown as { options: Options }).options
  if (sequelize.getDialect() !== 'sqlite' || storage !== ':memory:') return () => undefined
  const hook = ({ transaction }: { transaction?: Transaction | null }): void => {
    if (transaction) shared.set(sequelize, transaction)
  }
  sequelize.addHook('beforeQuery', hook as never)
  return () => void sequelize.removeHook('beforeQuery', hook as never)
}

/**
 * Runs code in which `save` and `delete` of a row's file write in this transaction, since they cannot be given one. It is not needed for rows
 * that were read or written in the transaction, nor with `Sequelize.useCLS`.
 * @example
 * await inTransaction(t, () => resume.pdf.save('cv.pdf', bytes))
 */
export function inTransaction<T>(transaction: Transaction, work: () => T): T {
  return passed.run(transaction, work)
}
