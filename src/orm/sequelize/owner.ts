import type { Model } from 'sequelize'
import type { CallOptions } from '../../core/call.ts'
import { StorageError } from '../../core/errors.ts'
import type { FileField, FileTransaction, Owner } from '../../fields/index.ts'
import { gone } from './column.ts'
import { transactionFiles, transactionOf } from './transactions.ts'

/** A row as the owner of its file: what `save` and `delete` of a `FieldFile` write. */
export class RowOwner implements Owner {
  readonly row: Model
  readonly #field: FileField

  constructor(row: Model, field: FileField) {
    this.row = row
    this.#field = field
  }

  transaction(): FileTransaction | undefined {
    const transaction = transactionOf(this.row)
    return transaction === undefined ? undefined : transactionFiles(transaction, this.#field.registry)
  }

  /** Saves these attributes alone, or all of a new row; after a failure the row is as it was. */
  async persist(values: Readonly<Record<string, unknown>>, { signal }: CallOptions): Promise<void> {
    signal?.throwIfAborted()
    const { row } = this
    const { attribute } = this.#field
    const names = Object.keys(values)
    const before = names.map(name => [name, row.getDataValue(name), row.changed(name as never)] as const)
    const transaction = transactionOf(row) ?? null
    try {
      row.set(values)
      gone.delete(row)
      await row.save(row.isNewRecord ? { transaction } : { transaction, fields: names })
      if (gone.has(row) && values[attribute]) {
        throw new StorageError('not_found', `The row of '${attribute}' is gone: its file was not saved.`)
      }
    } catch (error) {
      for (const [name, value, wasChanged] of before) {
        row.setDataValue(name, value)
        row.changed(name as never, wasChanged)
      }
      throw error
    }
  }
}
