import { checkedStorage, type StorageOption } from '../config/storage-option.ts'
import { ImproperlyConfigured } from '../core/errors.ts'
import type { SaveOptions } from '../storage/types.ts'
import { checkUploadTo } from '../storage/upload-name.ts'

/** The storage of a field's files, and how they are named. */
// biome-ignore lint/suspicious/noExplicitAny: a row of any model
export interface FileFieldOptions<Row = any> {
  /** Alias of a configured storage, a storage, or a function that returns one; resolved at first use. Default: the storage `default`. */
  readonly storage?: StorageOption | undefined
  /**
   * The folder of the files, with strftime codes for the local time (`docs/%Y/%m/%d`), or a function of the row and the uploaded file's
   * name that returns the whole name. Default: the root of the storage.
   */
  readonly uploadTo?: string | ((row: Row, filename: string) => string | Promise<string>) | undefined
  /** Maximum length of a name in UTF-16 units, as in the column; default 100. */
  readonly maxLength?: number | undefined
  /** Prefix of all names, for `holdall orphans`; default: the part of a string `uploadTo` before its first strftime code. */
  readonly prefix?: string | undefined
  /** The value of the column without a file: null, or '' for a column that is NOT NULL. Default null; both are read as no file. */
  readonly emptyValue?: null | '' | undefined
  /** Options for storing the files: `overwrite`, `maxSize`, `cacheControl` and so on. */
  readonly saveOptions?: Omit<SaveOptions, 'signal' | 'maxLength' | 'ifMatch' | 'onProgress'> | undefined
}

/** Names of the options of a file field. */
export const FILE_OPTIONS: readonly string[] = [
  'storage',
  'uploadTo',
  'maxLength',
  'prefix',
  'emptyValue',
  'saveOptions',
]

/** Rejects options of a wrong type: `improperly_configured`. */
export function checkOptions({ uploadTo = '', maxLength = 100, emptyValue = null, storage }: FileFieldOptions): void {
  checkUploadTo(uploadTo)
  if (!Number.isSafeInteger(maxLength) || maxLength < 1) {
    throw new ImproperlyConfigured(`maxLength must be a whole number above 0, not ${maxLength}.`)
  }
  if (emptyValue !== null && emptyValue !== '') {
    throw new ImproperlyConfigured("emptyValue must be null or ''.")
  }
  const isLate = storage === undefined || typeof storage === 'string' || typeof storage === 'function'
  if (!isLate) checkedStorage(storage, 'a file field')
}

/** Rejects unknown (mistyped) option names: `improperly_configured`. */
export function checkOptionNames(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find(name => !known.includes(name))
  if (unknown === undefined) return
  throw new ImproperlyConfigured(`A file field has no option '${unknown}': it takes ${known.join(', ')}.`)
}
