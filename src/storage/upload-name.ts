import { ImproperlyConfigured, StorageError } from '../core/errors.ts'
import { kindOf } from '../core/kind.ts'
import { trimTrailingSlashes, validateFileName } from '../core/names.ts'
import { strftime } from '../core/strftime.ts'
import type { AnyStorage } from './storage.ts'

/** How the name of an uploaded file is made. */
export interface UploadNaming {
  /** The folder, with strftime codes for the local time, or a function that returns the whole name. */
  readonly uploadTo: string | (() => string | Promise<string>)
  /** The last part of the name, where `uploadTo` is a folder. */
  readonly filename: string
  /** The owner of the `uploadTo`, for messages: the name of a field. */
  readonly owner: string
  /** Throws an error for a returned name that is not allowed. */
  readonly check?: ((name: string) => void) | undefined
  readonly now?: Date | undefined
}

/** Returns the name of an uploaded file before the storage looks for a free one: `uploadTo`, checked, with a valid last part. */
export async function uploadName(storage: AnyStorage, naming: UploadNaming): Promise<string> {
  const { uploadTo, filename, owner, now = new Date() } = naming
  let name: string
  if (typeof uploadTo === 'function') {
    const found: unknown = await uploadTo()
    if (typeof found !== 'string') {
      throw new StorageError('invalid_argument', `uploadTo of '${owner}' returned ${kindOf(found)}, not a name.`)
    }
    naming.check?.(found)
    name = found
  } else {
    const folder = strftime(uploadTo, now)
    name = folder === '' ? filename : `${trimTrailingSlashes(folder)}/${filename}`
  }
  return storage.generateFilename(validateFileName(name, { allowRelativePath: true }))
}

/** Rejects an `uploadTo` of another type or with a leading slash: `improperly_configured`. */
export function checkUploadTo(uploadTo: unknown): void {
  if (typeof uploadTo !== 'string' && typeof uploadTo !== 'function') {
    throw new ImproperlyConfigured(`uploadTo must be a folder or a function, not ${kindOf(uploadTo)}.`)
  }
  if (typeof uploadTo === 'string' && uploadTo.startsWith('/')) {
    throw new ImproperlyConfigured(
      `uploadTo must be a relative path, not an absolute path: remove the leading slash of '${uploadTo}'.`,
    )
  }
}

/** How a missing value looks in a text, as a separate word. `undefined` counts within a word, too. */
const NO_VALUE = /undefined|(?<![\p{L}\p{N}])(?:(?:null|None|NaN)(?![\p{L}\p{N}])|\[object )/gu
/** The same for a value that was read and is missing, as in `user${id}/`. */
const NO_VALUE_GLUED = /undefined|(?:null|None|NaN)(?![\p{L}\p{N}])|\[object /gu

/**
 * Whether `uploadTo` wrote a missing value into a name (`users/undefined/a.png`). Such words in the uploaded file's own name do not count.
 * `isRead` states that a missing value was read.
 */
export function hasMissingValue(name: string, filename: string, isRead: boolean): boolean {
  const own = filename !== '' && name.endsWith(filename) ? name.slice(0, -filename.length) : name
  // Words of the uploaded file's name are still there when `uploadTo` has only changed their spelling.
  const given: string[] = own === name ? (filename.match(NO_VALUE) ?? []) : []
  return !(own.match(isRead ? NO_VALUE_GLUED : NO_VALUE) ?? []).every(found => given.includes(found))
}
