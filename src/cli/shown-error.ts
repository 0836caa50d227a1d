import { type ErrorDetails, isStorageError, StorageError } from '../core/errors.ts'
import { printable } from './output.ts'

/**
 * Returns an error with the alias of the storage in its message. An error of the sources, and one that is not a storage error, does not
 * change.
 */
export function inStorage(alias: string, error: unknown): Error {
  if (!isStorageError(error)) return error instanceof Error ? error : new Error(String(error))
  const isNamed = error.message.includes(`storage '${alias}'`)
  return isNamed || error.code === 'source_failed' ? error : reworded(error, `storage '${alias}': ${error.message}`)
}

/** Returns an error of one file whose name is printable in its message, so that a line feed in it begins no line. */
export function withPrintableName(error: StorageError, name: string): StorageError {
  const shown = printable(name)
  if (shown === name) return error
  const fileName = error.fileName?.replaceAll(name, shown)
  return reworded(error, error.message.replaceAll(name, shown), { fileName })
}

function reworded(error: StorageError, message: string, details: ErrorDetails = {}): StorageError {
  return new StorageError(error.code, message, { ...error, ...details, cause: error })
}
