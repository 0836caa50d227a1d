import type { CallOptions } from '../core/call.ts'
import type { OnProgress } from '../storage/types.ts'
import type { FileRegistry } from './registry.ts'
import type { FieldPlace } from './stored.ts'
import type { FileTransaction } from './transaction.ts'

/** Options for storing a file of a row. */
export interface StoreOptions extends CallOptions {
  /** The row, for an `uploadTo` that is a function. */
  readonly row?: object | undefined
  /** Records the stored files, so that they are removed if the row is not written. */
  readonly files: FileTransaction
  readonly onProgress?: OnProgress | undefined
}

/** The values for the columns of a row, for one file. */
export interface StoredValue {
  /** The name of the stored file; null for none. */
  readonly name: string | null
  /** Further attributes that are read from the content: width and height of a picture. */
  readonly columns: Readonly<Record<string, unknown>>
}

/** The part of a field that a `FieldFile` uses. */
export interface Field extends FieldPlace {
  readonly registry: FileRegistry
  /** Returns the column's value for a value whose file is stored. */
  encode(value: unknown): string | null
  /** Stores content, or returns the name of a stored file. */
  store(value: unknown, options: StoreOptions): Promise<StoredValue>
  /** Returns the further attributes of a row for the result of `observe`; undefined when there is no file. */
  columnsOf(found: unknown): Readonly<Record<string, unknown>>
}
