import { StorageError, SuspiciousFileOperation } from '../core/errors.ts'
import { checkKnownOptions } from '../core/known-options.ts'
import { checkedName, cleanName, cutText, splitName, truncateName, validateFileName } from '../core/names.ts'
import type { AnyBase } from './base.ts'
import { AVAILABLE_NAME_OPTIONS } from './call-options.ts'
import type { AvailableNameOptions } from './types.ts'

/** Finds a free name that resembles the requested one; see `Storage#getAvailableName`. */
export async function availableName(storage: AnyBase, name: string, options: AvailableNameOptions): Promise<string> {
  checkKnownOptions('getAvailableName', options, AVAILABLE_NAME_OPTIONS)
  const { signal } = options
  const { maxLength = Number.POSITIVE_INFINITY, exclusive = false, overwrite = storage.options.fileOverwrite } = options
  const path = cleanName(validateFileName(checkedName(name).replaceAll('\\', '/')))
  if (overwrite) return truncateName(path, options.maxLength)
  const [folder, first, suffixes] = splitName(path)
  let stem = first
  let candidate = path
  while (candidate.length > maxLength || !(exclusive || (await storage.isNameAvailable(candidate, { signal })))) {
    let last = storage.getAlternativeName(stem, suffixes)
    const excess = Math.max(folder.length + last.length - maxLength, Buffer.byteLength(last) - storage.maxPartBytes)
    if (excess > 0) {
      stem = cutText(stem, stem.length - excess)
      if (stem === '') throw noRoom(name)
      last = storage.getAlternativeName(stem, suffixes)
    }
    if (storage.options.nameStrategy === 'underscore') stem = splitName(last)[1]
    if (candidate === folder + last) throw sameAgain(candidate)
    candidate = folder + last
  }
  return candidate
}

function sameAgain(name: string): StorageError {
  return new StorageError('exists', `'${name}' is taken, and getAlternativeName returns no other name.`, {
    fileName: name,
  })
}

function noRoom(name: string): SuspiciousFileOperation {
  return new SuspiciousFileOperation(
    `Storage can not find an available filename for "${name}". Please make sure that the corresponding file field allows sufficient "max_length".`,
    { fileName: name },
  )
}
