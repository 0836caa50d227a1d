import type { CallOptions } from '../core/call.ts'
import { StorageError } from '../core/errors.ts'
import { FieldFile, type FileModel, type FileTransaction, type Owner, type StoredRow } from '../fields/index.ts'

/** What the rows of one result have in common. */
export interface RowSource {
  readonly model: FileModel
  /** The transaction in which a row is written now. */
  files(): FileTransaction | undefined
  /** Writes attributes of the row; returns how many rows were found. */
  update(row: StoredRow, values: StoredRow, options: CallOptions): Promise<number>
}

/** The row of a `FieldFile`, for ORMs whose rows are plain objects. */
class RowOwner implements Owner {
  readonly row: StoredRow
  readonly #source: RowSource

  constructor(row: StoredRow, source: RowSource) {
    this.row = row
    this.#source = source
  }

  transaction(): FileTransaction | undefined {
    return this.#source.files()
  }

  async persist(values: StoredRow, options: CallOptions): Promise<void> {
    const { row } = this
    const count = await this.#source.update(row, values, options)
    if (count === 0) throw new StorageError('not_found', `The row of '${this.#source.model.label}' is gone.`)
    for (const name in values) if (name in row && !(row[name] instanceof FieldFile)) row[name] = values[name]
  }
}

/** Makes files of the names in rows, in place; saving one updates its row, and a row that is gone is `not_found`. */
export function attachRows(rows: Iterable<StoredRow>, source: RowSource): void {
  const fields = Object.entries(source.model.fields)
  for (const row of rows) {
    const owner = new RowOwner(row, source)
    for (const [name, field] of fields) {
      const value = row[name]
      if (value === null || typeof value === 'string') row[name] = field.attach(value, owner)
    }
  }
}
