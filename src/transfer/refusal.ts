import { StorageError } from '../core/errors.ts'
import type { Item } from './item.ts'

/** The error of a file that the target cannot store beside another one. */
export function clashError({ name, clash }: Item): StorageError {
  const text = `'${name}' is not copied: the target cannot hold it beside '${clash}'.`
  return new StorageError('exists', text, { operation: 'copy', fileName: name })
}

/** The error of a file that cannot have its name in both places. */
export function spellingError({ name }: Item): StorageError {
  const why = name.endsWith('/')
    ? 'a name that ends in a slash is that of a folder, and this object has content'
    : 'the target would give it another name, which is that of another file'
  const text = `'${name}' is not copied: ${why}.`
  return new StorageError('suspicious_name', text, { operation: 'copy', fileName: name })
}
