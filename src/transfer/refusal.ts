import { StorageError } from '../core/errors.ts'
import type { Item } from './item.ts'

/** Returns why a file of the source cannot be copied; undefined if it can, or if it takes no part. */
export function refusalOf({ name, odd, clash, isExcluded = false }: Item): StorageError | undefined {
  if (isExcluded || odd === 'folder') return undefined
  const refused = (code: 'exists' | 'suspicious_name', why: string): StorageError =>
    new StorageError(code, `'${name}' is not copied: ${why}.`, { operation: 'copy', fileName: name })
  if (odd === undefined)
    return clash === undefined ? undefined : refused('exists', `the target cannot hold it beside '${clash}'`)
  return refused('suspicious_name', 'the target would give it another name, which is that of another file')
}
