import type { AsyncLocalStorage } from 'node:async_hooks'
import type { Document, mongo } from 'mongoose'
import { type FileRegistry, FileTransaction } from '../../fields/index.ts'

type Session = mongo.ClientSession

/** Files of a transaction; `restores` are called at a rollback: the files of documents wait to be stored again. */
interface SessionFiles {
  readonly files: FileTransaction
  readonly restores: (() => void)[]
}

/** The files of sessions that have had a transaction, by registry. */
const open = new WeakMap<Session, Map<FileRegistry, SessionFiles>>()

/** The files of the transaction in a session; undefined where none runs. */
export function filesOf(session: Session | null | undefined, registry: FileRegistry): SessionFiles | undefined {
  if (!session?.inTransaction()) return undefined
  const all = open.get(session) ?? watch(session)
  if (!all.has(registry)) all.set(registry, { files: new FileTransaction(registry), restores: [] })
  return all.get(registry)
}

/** The session of a document: its own, or that of the `connection.transaction` in which the code runs. */
export function sessionOf(document: Document): Session | null | undefined {
  const { base } = document.db as unknown as {
    readonly base: { readonly transactionAsyncLocalStorage?: AsyncLocalStorage<{ readonly session: Session }> }
  }
  return document.$session() ?? base.transactionAsyncLocalStorage?.getStore()?.session
}

/** Ends the files after the transaction: `withTransaction` and `connection.transaction` call these methods, and wait for them. */
function watch(session: Session): Map<FileRegistry, SessionFiles> {
  const all = new Map<FileRegistry, SessionFiles>()
  open.set(session, all)
  const end = async (how: 'commit' | 'rollback'): Promise<void> => {
    const ended = [...all.values()]
    all.clear()
    for (const { files, restores } of ended) {
      if (how === 'rollback') for (const restore of restores) restore()
      await files[how]()
    }
  }
  const { commitTransaction } = session
  session.commitTransaction = async options => {
    try {
      await commitTransaction.call(session, options)
    } catch (error) {
      const { errorLabels } = error as { readonly errorLabels?: readonly string[] }
      // What may have been committed can be committed again; at the end of the session its files stay.
      if (!errorLabels?.includes('UnknownTransactionCommitResult')) await end('rollback')
      throw error
    }
    await end('commit')
  }
  for (const [name, how] of [
    ['abortTransaction', 'rollback'],
    ['endSession', 'commit'],
  ] as const) {
    const method = session[name]
    session[name] = async (options?: object) => {
      await method.call(session, options)
      await end(how)
    }
  }
  return all
}
