import { and, eq } from 'drizzle-orm'
import { StorageError } from '../../core/errors.ts'
import type { Owner } from '../../fields/persist.ts'
import type { FileTransaction } from '../../fields/transaction.ts'
import type { DrizzleContext, Scope } from './context.ts'
import type { FileTable } from './table.ts'
import { wrap } from './wrap.ts'

/** A row of a table, by its key. */
export class RowOwner implements Owner {
  readonly row: Record<string, unknown>
  readonly #context: DrizzleContext
  readonly #given: Scope
  readonly #found: FileTable

  constructor(context: DrizzleContext, scope: Scope, found: FileTable, row: Record<string, unknown>) {
    this.row = row
    this.#context = context
    this.#given = scope
    this.#found = found
  }

  /** Where the row was attached; after the end of that transaction, the database. */
  get #scope(): Scope {
    return this.#given.files?.isOpen === false ? this.#context.root : this.#given
  }

  transaction(): FileTransaction | undefined {
    return this.#context.filesOf(this.#scope)
  }

  async persist(values: Readonly<Record<string, unknown>>): Promise<void> {
    const { table, key, columns, model } = this.#found
    const where = and(...key.map(name => eq(columns[name]!, this.row[name])))
    const write = async (scope: Scope): Promise<void> => {
      // Not all databases report how many rows an update has found.
      const query = scope.db
        .select({ [key[0]!]: columns[key[0]!]! })
        .from(table)
        .where(where)
      const rows = await (this.#context.dialect === 'sqlite' ? query : query.for!('update'))
      if (rows.length === 0) throw this.#gone()
      await wrap(this.#context, scope).update(table).set(values).where(where)
    }
    await (this.transaction() === undefined ? this.#context.transaction(this.#scope, write) : write(this.#scope))
    for (const [name, value] of Object.entries(values)) {
      if (!model.attributes.includes(name) && name in this.row) this.row[name] = value
    }
  }

  #gone(): StorageError {
    const { key, model } = this.#found
    const shown = key.map(name => `${name} ${String(this.row[name])}`).join(', ')
    return new StorageError('not_found', `'${model.label}' has no row any more with ${shown}.`)
  }
}
