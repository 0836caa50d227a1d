import { StorageError, SuspiciousFileOperation } from '../../core/errors.ts'
import { cleanName, getValidName, trimTrailingSlashes } from '../../core/names.ts'

/**
 * Maximum length of a name in characters.
 * (https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata)
 */
export const MAX_LENGTH = 1024
const MAX_SEGMENTS = 254
const MAX_SLASHES = 256
/** Control characters, and characters that XML cannot contain. */
const CONTROL = /[\x00-\x1f\x7f-\x9f\ufffe\uffff]/
const DOTS = /(?:^|\/)\.\.?(?:\/|$)/
/** Length of the suffix that makes a taken name free: `_` and 7 characters. */
const SUFFIX = 8

/** Refuses a key that Azure refuses or changes: `suspicious_name`, with the reason. */
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
  // This many parts mean at least as many slashes.
  const parts = key.length < MAX_SEGMENTS ? 0 : key.split('/').length
  return parts > MAX_SEGMENTS ? `has at most ${MAX_SEGMENTS} parts, not ${parts}` : undefined
}

/**
 * A valid Azure name, made as in django-storages, except that a leading dot stays: normalised, without slashes at its ends and without dots
 * at its end. Code `invalid_argument` for an empty name, more than 1,024 characters or more than 256 slashes.
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

/** Makes each part of a name valid by Django's rule, without dots at the end: for moving files to Azure. */
export function validAzureName(name: string): string {
  const parts = name.replaceAll('\\', '/').split('/')
  const valid = parts.filter(part => !/^[\s.]*$/.test(part)).map(part => trimDots(getValidName(part)))
  // Nothing is left, so Django's own rule throws its error.
  return valid.length === 0 ? getValidName('') : valid.join('/')
}

function trimDots(part: string): string {
  let end = part.length
  while (part[end - 1] === '.') end--
  return end === 0 ? getValidName('') : part.slice(0, end)
}

/** Maximum length of a name below the location. Without overwriting, there must be room for the suffix that makes it free. */
export function nameMaxLength(location: string, overwrites: boolean): number {
  const root = trimTrailingSlashes(location)
  return Math.max(0, MAX_LENGTH - (root === '' ? 0 : root.length + 1) - (overwrites ? 0 : SUFFIX))
}
