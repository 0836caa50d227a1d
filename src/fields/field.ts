import type { CallOptions } from '../core/call.ts'
import type { OnProgress } from '../storage/types.ts'
import type { FileRegistry } from './registry.ts'
import type { FieldPlace } from './stored.ts'
import type { FileTransaction } from './transaction.ts'

/** How a file is stored for a row. */
export interface StoreOptions extends CallOptions {
  /** The row, for an `uploadTo` that is a function. */
  readonly row?: object | undefined
  /** Notes what is stored, so that it is removed if the row is not. */
  readonly files: FileTransaction
  readonly onProgress?: OnProgress | undefined
}

/** What is to be written into the columns of a row for one file. */
export interface StoredValue {
  /** The name of the stored file; null for none. */
  readonly name: string | null
  /** Further attributes that follow from the content: width and height of a picture. */
  readonly columns: Readonly<Record<string, unknown>>
}

/** What a `FieldFile` needs of its field. */
export interface Field extends FieldPlace {
  readonly registry: FileRegistry
  /** What the column gets for a value whose file is stored. */
  encode(value: unknown): string | null
  /** Stores content, or takes the name of a stored file. */
  store(value: unknown, options: StoreOptions): Promise<StoredValue>
  /** The further attributes of a row for what was found in the content; undefined when there is no file. */
  columnsOf(found: unknown): Readonly<Record<string, unknown>>
}
