import type { CallOptions } from '../core/call.ts'
import { StorageError } from '../core/errors.ts'
import { FieldFile, type FileModel, type FileTransaction, type Owner, type StoredRow } from '../fields/index.ts'
import { RowOwner, type RowWriter } from './row-owner.ts'

/** The common data of the rows in one result, for ORMs whose rows are plain objects. */
export interface RowSource {
  readonly model: FileModel
  /** The transaction in which a row is written now. */
  files(): FileTransaction | undefined
  /** Writes attributes of the row; returns the number of rows found. */
  update(row: StoredRow, values: StoredRow, options: CallOptions): Promise<number>
}

const writer: RowWriter<RowSource> = {
  async persist(given, values, source, options) {
    const row = given as StoredRow
    const count = await source.update(row, values, options)
    if (count === 0) throw new StorageError('not_found', `The row of '${source.model.label}' no longer exists.`)
    for (const name in values) if (name in row && !(row[name] instanceof FieldFile)) row[name] = values[name]
  },
  transactionOf: source => source.files(),
}

/** Returns the owner of the files of a row; a row that is missing when they are saved is `not_found`. */
export function rowOwner(row: StoredRow, source: RowSource): Owner {
  return new RowOwner(row, writer, source)
}

/** Converts the names in rows to files, in place; saving one updates its row, and a missing row is `not_found`. */
export function attachRows(rows: Iterable<StoredRow>, source: RowSource): void {
  const fields = Object.entries(source.model.fields)
  for (const row of rows) {
    const owner = rowOwner(row, source)
    for (const [name, field] of fields) {
      const value = row[name]
      if (value === null || typeof value === 'string') row[name] = field.attach(value, owner)
    }
  }
}
