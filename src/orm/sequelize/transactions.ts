import type { Model, Transaction } from 'sequelize'
import { type FileRegistry, FileTransaction } from '../../fields/index.ts'

type Full = Transaction & { readonly finished?: string; readonly parent?: Full; readonly savepoints: readonly Full[] }

const byRegistry = new WeakMap<FileRegistry, WeakMap<Transaction, FileTransaction>>()

/**
 * Returns the files of a transaction or a savepoint. Sequelize has no hook for a rollback, so its two methods are replaced: they end when
 * the files have ended. A savepoint that was left open ends with its transaction.
 */
export function filesOf(given: Transaction | null | undefined, registry: FileRegistry): FileTransaction | undefined {
  if (!given) return undefined
  const transaction = given as Full
  const all = byRegistry.get(registry) ?? new WeakMap<Transaction, FileTransaction>()
  byRegistry.set(registry, all)
  if (all.has(transaction)) return all.get(transaction)
  const files = filesOf(transaction.parent, registry)?.savepoint() ?? new FileTransaction(registry)
  // After a failed statement PostgreSQL answers a commit with a rollback, and after a deadlock MariaDB has ended the whole transaction.
  files.doubt()
  all.set(transaction, files)
  const end = async (how: 'commit' | 'rollback', ended: Full): Promise<void> => {
    for (const inner of ended.savepoints) await end(how, inner)
    await all.get(ended)?.[how]()
  }
  for (const how of ['commit', 'rollback'] as const) {
    const original = transaction[how]
    transaction[how] = async () => {
      const isOver = transaction.finished !== undefined
      const ended = original.call(transaction)
      const [{ status }] = await Promise.allSettled([ended])
      if (!isOver) await end(status === 'fulfilled' ? how : 'rollback', transaction)
      return ended
    }
  }
  return files
}

/** The transaction in which a row was last read or written. */
export const transactions: WeakMap<object, Transaction> = new WeakMap()

/** Returns the transaction in which a row's file is saved: that of `Sequelize.useCLS`, or that of the row while it is open. */
export function transactionOf(row: Model): Transaction | undefined {
  const { _cls } = row.sequelize.constructor as { _cls?: { get(key: string): Transaction | null | undefined } }
  let open = transactions.get(row) as Full | undefined
  while (open?.finished !== undefined) open = open.parent
  return _cls?.get('transaction') ?? open
}
