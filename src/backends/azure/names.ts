import { StorageError, SuspiciousFileOperation } from '../../core/errors.ts'
import { cleanName, getValidName, trimTrailingSlashes } from '../../core/names.ts'

/** Characters of the longest name. (https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata) */
export const MAX_LENGTH = 1024
const MAX_SEGMENTS = 254
const MAX_SLASHES = 256
/** Control characters, and what XML cannot hold. */
const CONTROL = /[\x00-\x1f\x7f-\x9f\ufffe\uffff]/
const DOTS = /(?:^|\/)\.\.?(?:\/|$)/
/** `_` and 7 characters: what makes a taken name free. */
const SUFFIX = 8

/** Refuses a key that Azure does not take, or takes for another one: `suspicious_name`, with what is wrong. */
export function checkKey(key: string): void {
  const problem = problemOf(key)
  if (problem === undefined) return
  throw new SuspiciousFileOperation(`An Azure name ${problem}: ${JSON.stringify(key.slice(0, 80))}`, { fileName: key })
}

function problemOf(key: string): string | undefined {
  if (key.includes('\\')) return 'has no backslash, which becomes a slash on the way'
  if (CONTROL.test(key)) return 'has no control characters'
  if (key.endsWith('.')) return 'does not end with a dot'
  if (key.endsWith('/')) return 'does not end with a slash'
  if (key.length > MAX_LENGTH) return `has at most ${MAX_LENGTH} characters, not ${key.length}`
  if (key === '') return 'is not empty'
  if (DOTS.test(key)) return "has no part '.' or '..'"
  // So many parts have at least as many slashes.
  const parts = key.length < MAX_SEGMENTS ? 0 : key.split('/').length
  return parts > MAX_SEGMENTS ? `has at most ${MAX_SEGMENTS} parts, not ${parts}` : undefined
}

/**
 * A name as Azure takes it, as django-storages makes it, but that a leading dot stays: normalised, without slashes at its ends and without
 * dots at its end. `invalid_argument` for an empty name, more than 1,024 characters or more than 256 slashes.
 */
export function validPath(name: string): string {
  let path = cleanName(name.replaceAll('\\', '/'))
  while (/^(?:\/|\.{1,2}(?:\/|$))/.test(path)) path = path.slice(path.startsWith('..') ? 2 : 1)
  while (path.endsWith('.') || path.endsWith('/')) path = path.slice(0, -1)
  if (path.length > MAX_LENGTH) throw invalid(`File name max len is ${MAX_LENGTH}`, name)
  if (path === '') throw invalid('File name must contain one or more printable characters', name)
  if (path.split('/').length - 1 > MAX_SLASHES)
    throw invalid(`File name must not contain more than ${MAX_SLASHES} slashes`, name)
  return path
}

function invalid(text: string, name: string): StorageError {
  return new StorageError('invalid_argument', text, { fileName: name.slice(0, 80) })
}

/** A name of which each part is made valid by Django's rule, and ends with no dot: for moving files to Azure. */
export function validAzureName(name: string): string {
  const parts = name.replaceAll('\\', '/').split('/')
  const valid = parts.filter(part => !/^[\s.]*$/.test(part)).map(part => trimDots(getValidName(part)))
  // Nothing is left: Django's own rule says so.
  return valid.length === 0 ? getValidName('') : valid.join('/')
}

function trimDots(part: string): string {
  let end = part.length
  while (part[end - 1] === '.') end--
  return end === 0 ? getValidName('') : part.slice(0, end)
}

/** Characters that a name below the location may have; without overwriting there must be room to make it free. */
export function nameMaxLength(location: string, overwrites: boolean): number {
  const root = trimTrailingSlashes(location)
  return Math.max(0, MAX_LENGTH - (root === '' ? 0 : root.length + 1) - (overwrites ? 0 : SUFFIX))
}
