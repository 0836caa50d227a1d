/** What the adapters of query builders share: rows written with their files by statements of the builder. */
import { ImproperlyConfigured, StorageError } from '../core/errors.ts'
import type { FieldFile } from '../fields/field-file.ts'
import type { FileValue } from '../fields/file-field.ts'
import { type FileFields, type FileModel, fileModel, type StoredRow } from '../fields/model.ts'
import type { Owner } from '../fields/persist.ts'
import type { FileRegistry } from '../fields/registry.ts'
import { FileTransaction } from '../fields/transaction.ts'

/** A row whose file columns have files, and no nulls. */
export type AttachedRow<R> = { [K in keyof R]: [Extract<R[K], FieldFile>] extends [never] ? R[K] : NonNullable<R[K]> }

/** The values of a row, of which file columns also take content and names. */
export type WithFiles<V> = {
  [K in keyof V]: [Extract<V[K], FieldFile>] extends [never] ? V[K] : V[K] | Exclude<FileValue, null>
}

/** The models of tables, whose columns are registered as users of their files. */
export class TableModels<Table> {
  readonly registry: FileRegistry
  readonly #models = new Map<Table, FileModel>()
  readonly #removers: (() => void)[] = []

  constructor(registry: FileRegistry) {
    this.registry = registry
  }

  /** Adds a table; `used` returns those of the names that its rows have in a column. */
  add(
    table: Table,
    label: string,
    fields: FileFields,
    used: (column: string, names: readonly string[]) => Promise<readonly unknown[]>,
  ): void {
    const model = fileModel(label, fields, this.registry)
    this.#models.set(table, model)
    this.#removers.push(model.addUsers(used))
  }

  /** The model of a table; `improperly_configured` for one without file columns. */
  of(table: Table, label: string): FileModel {
    const model = this.#models.get(table)
    if (model === undefined)
      throw new ImproperlyConfigured(`'${label}' was not registered as a table with file columns.`)
    return model
  }

  get size(): number {
    return this.#models.size
  }

  /** Takes the columns out of the registry. */
  detach(): void {
    for (const remove of this.#removers.splice(0)) remove()
  }
}

/** Runs a write or a transaction with its files: a savepoint of `within`, or files of its own. Unlike `FileModel.step`, it looks for no other. */
export async function withFiles<T>(
  registry: FileRegistry,
  within: FileTransaction | undefined,
  work: (files: FileTransaction) => Promise<T>,
): Promise<T> {
  const files = within?.savepoint() ?? new FileTransaction(registry)
  let result: T
  try {
    result = await work(files)
  } catch (error) {
    within?.doubt()
    await files.rollback()
    throw error
  }
  await files.commit()
  return result
}

/** Inserts rows after their content was uploaded. */
export async function insertRows<T>(
  model: FileModel,
  within: FileTransaction | undefined,
  rows: readonly object[],
  insert: (stored: StoredRow[]) => Promise<T>,
): Promise<T> {
  return withFiles(model.registry, within, async files => {
    const stored: StoredRow[] = []
    for (const row of rows) stored.push(await model.store(row, { files }))
    return insert(stored)
  })
}

/** The statements of an update or a delete. */
export interface RowStatements<Tx> {
  /** Runs the others in the transaction that runs, or in one of their own. */
  transaction(files: FileTransaction, work: (tx: Tx) => Promise<number>): Promise<number>
  /** Reads the file columns of the rows, and keeps the rows as they are until the end of the transaction. */
  before(tx: Tx): Promise<readonly object[]>
  write(tx: Tx, stored: StoredRow): Promise<unknown>
}

/** Updates rows after content was uploaded, or deletes them when there are no values; returns how many there were. */
export async function changeRows<Tx>(
  model: FileModel,
  within: FileTransaction | undefined,
  values: object | undefined,
  { transaction, before, write }: RowStatements<Tx>,
): Promise<number> {
  return withFiles(model.registry, within, async files => {
    const stored = values && (await model.store(values, { files }))
    const count = await transaction(files, async tx => {
      const rows = await before(tx)
      await write(tx, stored ?? {})
      for (const row of rows) await model.release(row, stored, files)
      return rows.length
    })
    // What was uploaded for no row is in none.
    if (count === 0) files.doubt()
    return count
  })
}

/** Makes files of the names in a row; they can be saved where `update` is given, which returns how many rows it has found. */
export function attachRow(
  model: FileModel,
  row: Record<string, unknown>,
  transaction: () => FileTransaction | undefined,
  update: ((values: StoredRow) => Promise<number>) | undefined,
): void {
  const owner: Owner | undefined = update && {
    row,
    transaction,
    async persist(values) {
      if ((await update(values)) === 0) throw new StorageError('not_found', `The row of '${model.label}' is gone.`)
      for (const [name, value] of Object.entries(values)) {
        if (!model.attributes.includes(name) && name in row) row[name] = value
      }
    },
  }
  for (const name of model.attributes) if (name in row) row[name] = model.attach(name, row[name], owner)
}
