import type { AsyncLocalStorage } from 'node:async_hooks'
import type { Document, mongo } from 'mongoose'
import { type FileRegistry, FileTransaction } from '../../fields/index.ts'

type Session = mongo.ClientSession
const open = new WeakMap<Session, FileTransaction[]>()

/** Returns the files of the transaction of a session, if one is in progress. */
export function filesOf(session: Session | null | undefined, registry: FileRegistry): FileTransaction | undefined {
  if (!session?.inTransaction()) return undefined
  const all = open.get(session) ?? watch(session)
  if (!all.some(files => files.registry === registry)) all.push(new FileTransaction(registry))
  return all.find(files => files.registry === registry)
}

/** Returns the session of a document: its own, or that of the `connection.transaction` in which the code runs. */
export function sessionOf(document: Document): Session | null | undefined {
  const base = document.db.base as { transactionAsyncLocalStorage?: AsyncLocalStorage<{ session: Session }> }
  return document.$session() ?? base.transactionAsyncLocalStorage?.getStore()?.session
}

/** Ends the files after the transaction: `withTransaction` and `connection.transaction` call and await these methods. */
function watch(session: Session): FileTransaction[] {
  const all: FileTransaction[] = []
  open.set(session, all)
  const end = async (how: 'commit' | 'rollback'): Promise<void> =>
    void (await Promise.all(all.splice(0).map(files => files[how]())))
  const { commitTransaction, abortTransaction, endSession } = session
  session.commitTransaction = async options => {
    try {
      await commitTransaction.call(session, options)
    } catch (error) {
      const { errorLabels } = error as { readonly errorLabels?: readonly string[] }
      // A commit with an unknown result can be repeated; at the end of the session its files stay.
      if (!errorLabels?.includes('UnknownTransactionCommitResult')) await end('rollback')
      throw error
    }
    await end('commit')
  }
  session.abortTransaction = options => abortTransaction.call(session, options).then(() => end('rollback'))
  session.endSession = options => endSession.call(session, options).then(() => end('commit'))
  return all
}
