import type { FileRegistry } from '../../fields/registry.ts'
import { FileTransaction } from '../../fields/transaction.ts'
import type { Command } from '../command.ts'

interface Level {
  readonly name: string
  readonly files: FileTransaction
}

/** The transaction that a connection is in, with its savepoints. */
export class ConnectionTransaction {
  readonly #registry: FileRegistry
  #levels: Level[] = []

  constructor(registry: FileRegistry) {
    this.#registry = registry
  }

  /** The files of the innermost savepoint; undefined outside a transaction. */
  get files(): FileTransaction | undefined {
    return this.#levels.at(-1)?.files
  }

  /** Follows a command that the database has carried out. Ends when the deletions that it allows are done. */
  async follow(command: Command): Promise<void> {
    switch (command.does) {
      case 'begin':
        // A transaction in a transaction is the same one: PostgreSQL warns, MySQL commits the first.
        if (this.#levels.length === 0) this.#levels = [{ name: '', files: new FileTransaction(this.#registry) }]
        return
      case 'savepoint':
        if (this.files !== undefined) this.#levels.push({ name: command.name, files: this.files.savepoint() })
        return
      case 'commit':
        return this.#end(0, files => files.commit())
      case 'rollback':
        return this.#end(0, files => files.rollback())
      case 'release':
        return this.#end(this.#find(command.name), files => files.commit())
      case 'rollback to': {
        const at = this.#find(command.name)
        await this.#end(at, files => files.rollback())
        // The savepoint itself remains.
        if (this.files !== undefined) this.#levels.push({ name: command.name, files: this.files.savepoint() })
      }
    }
  }

  #find(name: string): number {
    const at = this.#levels.findLastIndex(level => level.name === name)
    return at === -1 ? this.#levels.length : at
  }

  async #end(from: number, end: (files: FileTransaction) => Promise<void>): Promise<void> {
    const ended = this.#levels.splice(from)
    for (const { files } of ended.reverse()) await end(files)
  }
}
