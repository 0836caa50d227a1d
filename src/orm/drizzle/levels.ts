import { AsyncLocalStorage } from 'node:async_hooks'
import { StorageError } from '../../core/errors.ts'
import type { FileTransaction } from '../../fields/transaction.ts'

/**
 * The statements of one SQLite connection, of a transaction on it, or of a savepoint in that. One runs at a time, and while a transaction or a
 * savepoint runs, only its own do: others wait, so that they neither see it nor are taken back with it.
 */
export class Level {
  readonly parent: Level | undefined
  readonly files: FileTransaction | undefined
  #isOpen = true
  #tail: Promise<void> = Promise.resolve()

  constructor(parent?: Level, files?: FileTransaction) {
    this.parent = parent
    this.files = files
  }

  /** The innermost level that the calling code runs in, if that is within this one; else this one. */
  get effective(): Level {
    let innermost: Level | undefined
    for (let level = running.getStore(); level !== undefined; level = level.parent) {
      if (level.#isOpen) innermost ??= level
      if (level === this) return innermost ?? this
    }
    return this
  }

  /** How many levels are around it. */
  get depth(): number {
    return this.parent === undefined ? 0 : this.parent.depth + 1
  }

  /** Runs a statement, or a whole transaction, when all before it have ended. */
  async turn<T>(work: () => T | Promise<T>): Promise<T> {
    if (!this.#isOpen) throw new StorageError('unsupported', 'The transaction of this statement has ended.')
    const before = this.#tail
    let end = (): void => {}
    this.#tail = new Promise(resolve => (end = resolve))
    await before
    try {
      return await work()
    } finally {
      end()
    }
  }

  /** Runs the code of a transaction: its statements find this level by `effective`. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await running.run(this, work)
    } finally {
      await this.#tail
      this.#isOpen = false
    }
  }
}

const running = new AsyncLocalStorage<Level>()
