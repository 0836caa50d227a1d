import { MongoRefusal, TRANSIENT } from './errors.ts'
import type { Store } from './store.ts'
import type { Transaction } from './transaction.ts'
import { type Command, type Document, keyOf } from './types.ts'

interface Session {
  txnNumber: number
  transaction: Transaction | undefined
  /** The answer to the write of this number, for a client that sends it again. */
  answer: Promise<Document> | undefined
}

/** The sessions of all clients. */
export class Sessions {
  readonly #store: Store
  readonly #sessions = new Map<string, Session>()

  constructor(store: Store) {
    this.#store = store
  }

  /** How many sessions have not been ended. */
  get size(): number {
    return this.#sessions.size
  }

  /** The transaction that a command belongs to, which its first command begins. */
  transactionOf(name: string, command: Command): Transaction | undefined {
    const { autocommit, startTransaction } = command
    if (autocommit === undefined) {
      if (startTransaction !== undefined)
        throw new MongoRefusal('InvalidOptions', "'startTransaction' field requires 'autocommit'")
      return undefined
    }
    if (autocommit !== false) throw new MongoRefusal('InvalidOptions', "'autocommit' must be false")
    const session = this.#session(command)
    const number = numberOf(command)
    if (number < session.txnNumber) throw new MongoRefusal('TransactionTooOld', `Transaction ${number} is too old`)
    if (startTransaction === true) {
      if (number === session.txnNumber) throw new MongoRefusal(50911, `Transaction ${number} has been started already`)
      this.#renew(session, number)
      session.transaction = this.#store.begin()
    }
    const { transaction } = session
    if (transaction === undefined || number !== session.txnNumber || transaction.state === 'aborted') {
      throw new MongoRefusal('NoSuchTransaction', `Transaction ${number} has been aborted.`, { labels: [TRANSIENT] })
    }
    if (transaction.state === 'committed' && name !== 'commitTransaction') {
      throw new MongoRefusal('TransactionCommitted', `Transaction ${number} has been committed.`)
    }
    return transaction
  }

  /** Runs a write once, also when its client sends it again because it has seen no answer. */
  once(command: Command, run: () => Promise<Document>): Promise<Document> {
    if (command['txnNumber'] === undefined || command['autocommit'] !== undefined) return run()
    const session = this.#session(command)
    const number = numberOf(command)
    if (number < session.txnNumber) throw new MongoRefusal('TransactionTooOld', `Retryable write ${number} is too old`)
    if (number === session.txnNumber && session.answer !== undefined) return session.answer
    this.#renew(session, number)
    const answer = run()
    session.answer = answer
    answer.catch(() => (session.answer = undefined))
    return answer
  }

  end(ids: readonly unknown[]): void {
    for (const id of ids) {
      const session = this.#sessions.get(keyOf(id))
      if (session?.transaction !== undefined) this.#store.abort(session.transaction)
      this.#sessions.delete(keyOf(id))
    }
  }

  /** A session has one transaction at a time: a new number ends the one before. */
  #renew(session: Session, number: number): void {
    if (session.transaction !== undefined) this.#store.abort(session.transaction)
    Object.assign(session, { txnNumber: number, transaction: undefined, answer: undefined })
  }

  #session({ lsid }: Command): Session {
    if (lsid === undefined)
      throw new MongoRefusal('InvalidOptions', 'Transaction number requires a session ID to also be specified')
    const key = keyOf(lsid)
    let session = this.#sessions.get(key)
    if (session === undefined)
      this.#sessions.set(key, (session = { txnNumber: -1, transaction: undefined, answer: undefined }))
    return session
  }
}

function numberOf({ txnNumber }: Command): number {
  if (typeof txnNumber === 'number' || typeof txnNumber === 'bigint') return Number(txnNumber)
  throw new MongoRefusal('InvalidOptions', "'txnNumber' is missing")
}
