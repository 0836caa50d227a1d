import { StorageError } from '../core/errors.ts'
import { CALL_OPTIONS, checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import type { StoreOptions } from './field.ts'
import type { FieldSaveOptions, PersistOptions } from './persist.ts'

const DELETE_OPTIONS: KnownOptions<PersistOptions> = { ...CALL_OPTIONS, save: true }
const SAVE_OPTIONS: KnownOptions<FieldSaveOptions> = { ...DELETE_OPTIONS, onProgress: true }

const STORE_OPTIONS: KnownOptions<StoreOptions> = { ...CALL_OPTIONS, row: true, files: true, onProgress: true }

/** Rejects unknown options of `save`. */
export function checkSaveOptions(options: FieldSaveOptions): FieldSaveOptions {
  checkKnownOptions('save', options, SAVE_OPTIONS)
  return options
}

/** Rejects unknown options of `delete`. */
export function checkDeleteOptions(options: PersistOptions): PersistOptions {
  checkKnownOptions('delete', options, DELETE_OPTIONS)
  return options
}

/** Rejects unknown options of `store`. */
export function checkStoreOptions(options: StoreOptions): void {
  checkKnownOptions('store', options, STORE_OPTIONS)
}

/** Returns the error for a file that is serialised before it is stored. */
export function notSerialisable(attribute: string): StorageError {
  return new StorageError(
    'invalid_argument',
    `The file of '${attribute}' is not stored yet: save its row before it is serialised.`,
  )
}
