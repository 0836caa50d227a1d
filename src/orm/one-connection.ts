import { AsyncLocalStorage } from 'node:async_hooks'
import type { FileTransaction } from '../fields/transaction.ts'

const running = new AsyncLocalStorage<OneConnection>()

/**
 * The single connection of an SQLite database, a transaction on it, or a savepoint in that, for drivers whose own transactions are
 * synchronous or do not exclude other statements. One statement runs at a time. While a transaction or a savepoint runs, only its own
 * statements do: others wait, so that they neither see it nor are rolled back with it.
 */
export class OneConnection {
  readonly files: FileTransaction | undefined
  readonly #run: (sql: string) => unknown
  readonly #parent: OneConnection | undefined
  #isOpen = true
  #tail: Promise<unknown> = Promise.resolve()

  /** `run` runs a statement at once. */
  constructor(run: (sql: string) => unknown, parent?: OneConnection, files?: FileTransaction) {
    this.files = files
    this.#run = run
    this.#parent = parent
  }

  /** The innermost transaction that the calling code runs in, if it is within this one; else this one. */
  get effective(): OneConnection {
    let innermost: OneConnection | undefined
    for (let each = running.getStore(); each !== undefined; each = each.#parent) {
      if (each.#isOpen) innermost ??= each
      if (each === this) return innermost ?? this
    }
    return this
  }

  /** Runs a statement after those before it, in the transaction that the calling code runs in. */
  statement<T>(work: () => T | Promise<T>): Promise<T> {
    return this.effective.#turn(work)
  }

  /** Runs code in a transaction, or in a savepoint of the one that the calling code runs in. */
  transaction<T>(files: FileTransaction, work: () => Promise<T>): Promise<T> {
    const outer = this.effective
    const inner = new OneConnection(this.#run, outer, files)
    const isNested = outer.#parent !== undefined
    return outer.#turn(async () => {
      // The write lock is taken at once: after a first read it can be refused.
      await this.#run(isNested ? 'savepoint holdall' : 'begin immediate')
      return ended(
        () => running.run(inner, work).finally(() => inner.#end()),
        async () => this.#run(isNested ? 'release holdall' : 'commit'),
        async () => {
          await this.#run(isNested ? 'rollback to holdall' : 'rollback')
          if (isNested) await this.#run('release holdall')
        },
      )
    })
  }

  async #end(): Promise<void> {
    await this.#tail
    this.#isOpen = false
  }

  async #turn<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.#tail.then(work)
    this.#tail = result.catch(() => {})
    return result
  }
}

/** Runs the code of a transaction that has begun, and ends it. */
export async function ended<T>(
  work: () => Promise<T>,
  commit: () => Promise<unknown>,
  rollback: () => Promise<unknown>,
): Promise<T> {
  try {
    const result = await work()
    await commit()
    return result
  } catch (error) {
    // The first error is more informative than one of the rollback.
    await rollback().catch(() => {})
    throw error
  }
}
