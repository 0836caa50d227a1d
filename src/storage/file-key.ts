import { SuspiciousFileOperation } from '../core/errors.ts'
import type { AnyStorage } from './types.ts'

/** The key of a name that must be a file's: the root, and a folder's name with its slash, are a `suspicious_name`. */
export function fileKeyOf(storage: AnyStorage, name: string): string {
  const key = storage.keyOf(name)
  if (!isRoot(storage, key) && !key.endsWith('/')) return key
  throw new SuspiciousFileOperation(`Could not derive file name from '${name}'`, { fileName: name })
}

/** Whether a key is that of the storage's own folder. */
export function isRoot(storage: AnyStorage, key: string): boolean {
  return key === '' || key === storage.prefix
}
