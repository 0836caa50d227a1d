import { checkedStorage, type StorageOption } from '../config/storage-option.ts'
import { ImproperlyConfigured } from '../core/errors.ts'
import type { SaveOptions } from '../storage/types.ts'
import { checkUploadTo } from '../storage/upload-name.ts'

/** Where a field's files are, and how they are named. */
// biome-ignore lint/suspicious/noExplicitAny: a row of any model
export interface FileFieldOptions<Row = any> {
  /** Alias of a configured storage, a storage, or a function that returns one; looked up at first use. Default: the storage `default`. */
  readonly storage?: StorageOption | undefined
  /**
   * The folder of the files, with strftime codes for the local time (`docs/%Y/%m/%d`), or a function of the row and the given name that returns
   * the whole name. Default: the root of the storage.
   */
  readonly uploadTo?: string | ((row: Row, filename: string) => string | Promise<string>) | undefined
  /** Longest name in UTF-16 units, as the column holds; default 100. */
  readonly maxLength?: number | undefined
  /** What all names begin with, for `holdall orphans`; default: the part of a string `uploadTo` before its first strftime code. */
  readonly prefix?: string | undefined
  /** What the column holds where there is no file: null, or '' for a column that is NOT NULL. Default null; both are read. */
  readonly emptyValue?: null | '' | undefined
  /** How the files are stored: `overwrite`, `maxSize`, `cacheControl` and so on. */
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

/** Refuses options of a wrong kind; `improperly_configured`. */
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

/** Refuses options of another name, which are mistyped; `improperly_configured`. */
export function checkOptionNames(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find(name => !known.includes(name))
  if (unknown === undefined) return
  throw new ImproperlyConfigured(`A file field has no option '${unknown}': it takes ${known.join(', ')}.`)
}
