import type { CallOptions } from '../core/call.ts'
import type { FileModel, StoredRow } from '../fields/model.ts'
import { FileTransaction } from '../fields/transaction.ts'

/** The files of one SQL statement on a table with file columns. */
export class StatementFiles {
  readonly model: FileModel
  readonly files: FileTransaction
  /** Names of what was uploaded for it. */
  readonly #uploaded: StoredRow[] = []

  constructor(model: FileModel, files: FileTransaction) {
    this.model = model
    this.files = files
  }

  /** The values of a row with names in place of content, which is uploaded. Attributes without a value are left out. */
  async store(values: StoredRow, options: CallOptions): Promise<StoredRow> {
    const { model, files } = this
    const stored = await model.store(values, { files, signal: options.signal })
    const uploaded = model.attributes.filter(attribute => model.fields[attribute]!.isContent(values[attribute]))
    this.#uploaded.push(Object.fromEntries(uploaded.map(attribute => [attribute, stored[attribute]])))
    return stored
  }

  /** Notes the files that the rows named before the statement. */
  async release(rows: readonly object[], after?: object): Promise<void> {
    for (const row of rows) await this.model.release(row, after, this.files)
  }

  /** Notes that no row may have got what was uploaded: the database is asked after the commit. */
  async doubtUploads(): Promise<void> {
    for (const row of this.#uploaded) await this.model.release(row, undefined, this.files)
  }
}

/**
 * Runs a statement with its files: in the transaction that its connection is in, or in one of its own. When it fails, what it has stored is
 * removed; else what it has released goes after the outermost commit.
 */
export async function runStatement<T>(
  model: FileModel,
  within: FileTransaction | undefined,
  work: (statement: StatementFiles) => Promise<T>,
): Promise<T> {
  const files = within?.savepoint() ?? new FileTransaction(model.registry)
  let result: T
  try {
    result = await work(new StatementFiles(model, files))
  } catch (error) {
    within?.doubt()
    await files.rollback()
    throw error
  }
  await files.commit()
  return result
}
