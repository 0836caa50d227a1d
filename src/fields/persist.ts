import type { CallOptions } from '../core/call.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { OnProgress } from '../storage/types.ts'
import type { Field, StoredValue } from './field.ts'
import { FileTransaction } from './transaction.ts'
import type { Upload } from './upload.ts'

/** The row of a `FieldFile`, for an adapter. */
export interface Owner {
  /** The argument of `uploadTo`; its attributes are updated after they are persisted. */
  readonly row: object
  /**
   * Writes these attributes of the row: the file's name, and for a picture its width and height. Another object may have saved a file of
   * the row meanwhile, so the files that the row still names are released in the same transaction: `model.release(before, values,
   * FileTransaction.current())`.
   */
  persist(values: Readonly<Record<string, unknown>>, options: CallOptions): Promise<void>
  /** The database transaction in which `persist` runs, if any. Default: that of the calling code. */
  transaction?(): FileTransaction | undefined
}

/** Options of `FieldFile.save` and `FieldFile.delete`. */
export interface PersistOptions extends CallOptions {
  /** Whether the row is written as well; default true. */
  readonly save?: boolean | undefined
}

/** Options of `FieldFile.save`. */
export interface FieldSaveOptions extends PersistOptions {
  readonly onProgress?: OnProgress | undefined
}

/** The part of a `FieldFile` that changes when it is saved or deleted. */
interface ChangingFile {
  readonly name: string | null
  readonly pending: Upload | undefined
  readonly field: Field
  readonly storage: AnyStorage
  settle(name: string | null): unknown
  assign(upload: Upload): unknown
}

/** Stores content for a file of a row and writes the row; see `FieldFile#save`. */
export async function saveFile(
  file: ChangingFile,
  upload: Upload,
  owner: Owner | undefined,
  { save, ...options }: FieldSaveOptions,
): Promise<void> {
  await change(file, owner, async files => {
    const value = await file.field.store(upload, { ...options, row: owner?.row, files })
    await persist(file, value, save ? owner : undefined, files, options)
  })
}

/** Removes the file from its row; see `FieldFile#delete`. */
export async function removeFile(file: ChangingFile, owner: Owner, { save, signal }: PersistOptions): Promise<void> {
  const value = { name: null, columns: file.field.columnsOf(undefined) }
  await change(file, owner, files => persist(file, value, save ? owner : undefined, files, { signal }))
}

/** Runs a change with its files, in the transaction of the row. A failure or a rollback restores the object. */
async function change(
  file: ChangingFile,
  owner: Owner | undefined,
  work: (files: FileTransaction) => Promise<void>,
): Promise<void> {
  const outer = owner?.transaction === undefined ? FileTransaction.current(file.field.registry) : owner.transaction()
  const files = outer?.savepoint() ?? new FileTransaction(file.field.registry)
  const { name, pending } = file
  const row = (owner?.row ?? {}) as Record<string, unknown>
  const columns = Object.keys(file.field.columnsOf(undefined)).map(column => [column, row[column]] as const)
  files.onRollback(() => {
    for (const [column, value] of columns) if (row[column] !== value) row[column] = value
    if (pending === undefined) file.settle(name)
    else file.assign(pending)
  })
  await files.during(() => files.run(() => work(files)))
}

async function persist(
  file: ChangingFile,
  { name, columns }: StoredValue,
  owner: Owner | undefined,
  files: FileTransaction,
  { signal }: CallOptions,
): Promise<void> {
  const before = file.pending === undefined ? file.name : null
  file.settle(name)
  if (owner === undefined) return
  const { field, storage } = file
  await owner.persist({ [field.attribute]: field.encode(name), ...columns }, { signal })
  if (before && before !== name) await files.release(storage, before)
}
