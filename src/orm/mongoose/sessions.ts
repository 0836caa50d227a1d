import type { AsyncLocalStorage } from 'node:async_hooks'
import type { Connection, Document, mongo } from 'mongoose'
import { type FileRegistry, FileTransaction } from '../../fields/index.ts'

/** A transaction of MongoDB. */
type Session = mongo.ClientSession

/** The files of a transaction of MongoDB. */
export interface SessionFiles {
  readonly files: FileTransaction
  /** Called after a rollback: documents whose files were stored have their content again. */
  readonly restores: (() => void)[]
}

const open = new WeakMap<Session, Map<FileRegistry, SessionFiles>>()
const watched = new WeakSet<Session>()

/** The files of the transaction that runs in the session; undefined where none runs. */
export function filesOf(session: Session | null | undefined, registry: FileRegistry): SessionFiles | undefined {
  if (!session?.inTransaction()) return undefined
  if (!watched.has(session)) watch(session)
  let all = open.get(session)
  if (all === undefined) open.set(session, (all = new Map()))
  let found = all.get(registry)
  if (found === undefined) all.set(registry, (found = { files: new FileTransaction(registry), restores: [] }))
  return found
}

/** The session of a document: its own, or that of the `connection.transaction` which the code runs in. */
export function sessionOf(document: Document): Session | null | undefined {
  const session = document.$session()
  if (session !== null && session !== undefined) return session
  const { db } = document.constructor as unknown as { readonly db?: Connection }
  return ambientSession(db)
}

function ambientSession(connection: Connection | undefined): Session | undefined {
  const { base } = (connection ?? {}) as {
    readonly base?: { readonly transactionAsyncLocalStorage?: AsyncLocalStorage<{ session?: Session }> }
  }
  return base?.transactionAsyncLocalStorage?.getStore()?.session
}

/**
 * Ends the files after the transaction. `withTransaction` and `connection.transaction` call the methods of the session, so that their promises
 * end only when the files are deleted.
 */
function watch(session: Session): void {
  watched.add(session)
  const { commitTransaction, abortTransaction, startTransaction, endSession, withTransaction } = session
  session.commitTransaction = async options => {
    try {
      await commitTransaction.call(session, options)
    } catch (error) {
      if (!isUncertain(error)) await end(session, 'rollback')
      throw error
    }
    await end(session, 'commit')
  }
  session.abortTransaction = async options => {
    const wasInTransaction = session.inTransaction()
    try {
      await abortTransaction.call(session, options)
    } finally {
      if (wasInTransaction) await end(session, 'rollback')
    }
  }
  session.startTransaction = options => {
    void end(session, 'commit')
    startTransaction.call(session, options)
  }
  session.endSession = async options => {
    await endSession.call(session, options)
    await end(session, 'commit')
  }
  session.withTransaction = async (work, options) => {
    try {
      return (await withTransaction.call(session, work as never, options)) as never
    } finally {
      if (!session.inTransaction()) await end(session, 'commit')
    }
  }
}

/**
 * A transaction whose commit has had no answer ends as a commit: the files that its rows name may be needed, and before a released one is
 * deleted, the database is asked.
 */
async function end(session: Session, how: 'commit' | 'rollback'): Promise<void> {
  const all = open.get(session)
  if (all === undefined) return
  open.delete(session)
  for (const { files, restores } of all.values()) {
    if (how === 'rollback') for (const restore of restores) restore()
    await files[how]()
  }
}

function isUncertain(error: unknown): boolean {
  const { hasErrorLabel } = error as { hasErrorLabel?(label: string): boolean }
  return hasErrorLabel?.call(error, 'UnknownTransactionCommitResult') ?? false
}
