import type { CallOptions } from '../core/call.ts'
import type { Owner } from '../fields/persist.ts'
import type { FileTransaction } from '../fields/transaction.ts'

/** Writes rows of one model. `within` is the origin of a row: a query runner, a session, an entity manager. */
export interface RowWriter<Within> {
  persist(row: object, values: Readonly<Record<string, unknown>>, within: Within, options: CallOptions): Promise<void>
  /** Returns the files of the transaction in which `persist` would run. */
  transactionOf(within: Within): FileTransaction | undefined
}

/** The owner of a row's files: one small object for each row that is read. */
export class RowOwner<Within> implements Owner {
  readonly row: object
  readonly #writer: RowWriter<Within>
  readonly #within: Within

  constructor(row: object, writer: RowWriter<Within>, within: Within) {
    this.row = row
    this.#writer = writer
    this.#within = within
  }

  persist(values: Readonly<Record<string, unknown>>, options: CallOptions): Promise<void> {
    return this.#writer.persist(this.row, values, this.#within, options)
  }

  transaction(): FileTransaction | undefined {
    return this.#writer.transactionOf(this.#within)
  }
}
