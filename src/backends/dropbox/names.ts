import { SuspiciousFileOperation } from '../../core/errors.ts'
import { trimTrailingSlashes } from '../../core/names.ts'

/** Names that Dropbox does not sync, in any case. (https://help.dropbox.com/sync/ignored-files) */
const DISALLOWED = /^(?:desktop\.ini|thumbs\.db|\.ds_store|icon\r|\.dropbox|\.dropbox\.attr)$/i
/** Maximum length of a part of a path in characters. */
export const MAX_PART = 255

/** Refuses a name whose key Dropbox refuses or changes: `suspicious_name`, with the reason. */
export function checkKey(key: string, name: string): void {
  const problem = problemOf(key)
  if (problem === undefined) return
  throw new SuspiciousFileOperation(`A Dropbox name ${problem}: ${JSON.stringify(name.slice(0, 80))}`, {
    fileName: name,
  })
}

/** The problem of a key; undefined if there is none. */
export function problemOf(key: string): string | undefined {
  if (/[\\\x7f]/.test(key)) return 'has no backslash and no DEL'
  for (const part of key.split('/')) {
    if (part === '' || part === '.' || part === '..') return "has no part '', '.' or '..'"
    if (part.endsWith(' ')) return 'has no part with a blank at its end'
    if (DISALLOWED.test(part)) return `has no part ${JSON.stringify(part)}, which Dropbox ignores`
    if (part.length > MAX_PART && [...part].length > MAX_PART) return `has no part of more than ${MAX_PART} characters`
  }
  return undefined
}

/**
 * The path of a key; the root is ''. Dropbox stores names in Unicode form C, and finds them only in that form.
 * (https://github.com/samschott/maestral/pull/678)
 */
export function pathOf(key: string): string {
  return newPath(key).normalize('NFC')
}

/** The path of a new file, whose name is shown as it is written. */
export function newPath(key: string): string {
  const path = trimTrailingSlashes(key)
  return path === '' ? '' : `/${path}`
}

/** Whether two keys are certainly one file in Dropbox, which compares names without case. */
export function isSameKey(key: string, other: string): boolean {
  return pathOf(key).toLowerCase() === pathOf(other).toLowerCase()
}

/** Whether two paths may be one file in Dropbox, whose own rules for rare letters are unknown. */
export function isAlike(path: string, other: string): boolean {
  return path === other || folded(path) === folded(other)
}

function folded(path: string): string {
  return path.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC')
}
