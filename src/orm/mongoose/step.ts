import { type FileRegistry, FileTransaction } from '../../fields/index.ts'
import type { FilePlace } from './places.ts'
import { type Doc, FileWriter, releaseFiles } from './values.ts'

/** What `findOneAnd...` returns with `includeResultMetadata`. */
export interface Metadata {
  readonly value: Doc | null
  readonly lastErrorObject?: { readonly updatedExisting?: boolean; readonly upserted?: unknown }
}

/** One write: the files that it stores, and those that documents have no longer. */
export class Step {
  readonly writer: FileWriter
  readonly #stored: FileTransaction
  /** Ends as a commit even if the write fails, which may have been carried out in part: before a deletion the database is asked. */
  readonly #released: FileTransaction
  /** Whether any document was written: what was stored for none is removed. */
  hasWritten = true

  constructor(places: readonly FilePlace[], registry: FileRegistry, outer: FileTransaction | undefined) {
    this.#stored = outer?.savepoint() ?? new FileTransaction(registry)
    this.#released = outer?.savepoint() ?? new FileTransaction(registry)
    this.writer = new FileWriter(places, this.#stored)
  }

  release(document: Doc, places: readonly FilePlace[]): Promise<void> {
    return releaseFiles(document, places, this.writer.names, this.#released)
  }

  /** Takes a result that says whether any document was written. */
  checked(result: unknown): unknown {
    const { matchedCount = 0, upsertedCount = 0, acknowledged } = result as Record<string, number | boolean>
    this.hasWritten = acknowledged === false || Number(matchedCount) + Number(upsertedCount) > 0
    return result
  }

  /** What `updateOne` returns, of what `findOneAndUpdate` does. */
  async updated({ value, lastErrorObject = {} }: Metadata, places: readonly FilePlace[]): Promise<unknown> {
    if (value !== null) await this.release(value, places)
    const upsertedId = lastErrorObject.upserted ?? null
    const matchedCount = value === null ? 0 : 1
    const upsertedCount = upsertedId === null ? 0 : 1
    return this.checked({ acknowledged: true, matchedCount, modifiedCount: matchedCount, upsertedCount, upsertedId })
  }

  async done(): Promise<(() => void) | undefined> {
    if (!this.hasWritten) {
      await this.undo()
      return undefined
    }
    const restore = this.writer.settle()
    await this.#stored.commit()
    await this.#released.commit()
    return restore
  }

  async undo(): Promise<void> {
    await this.#stored.rollback()
    await this.#released.commit()
  }
}
