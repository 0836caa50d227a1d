import { StorageError } from '../core/errors.ts'
import { hasMissingValue } from '../storage/upload-name.ts'

/** A row that records which of its properties are read while they have no value. */
export interface WatchedRow {
  readonly row: object
  /** Names of the properties that were read and were undefined or null. */
  missing(): readonly string[]
}

/** Watches the properties of a row; its methods can still use their own private fields. */
export function watchedRow(row: object): WatchedRow {
  const missing = new Set<string>()
  const watched = new Proxy(row, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if ((value === undefined || value === null) && typeof key === 'string') missing.add(key)
      const isMethod = typeof value === 'function' && key !== 'constructor' && !Object.hasOwn(target, key)
      return isMethod ? value.bind(target) : value
    },
  })
  return { row: watched, missing: () => [...missing] }
}

/** Rejects a name in which `uploadTo` wrote a value that the row does not have yet; words of the uploaded file's own name are allowed. */
export function checkedParts(attribute: string, name: string, filename: string, missing: readonly string[]): void {
  if (!hasMissingValue(name, filename, missing.length > 0)) return
  const what = missing.length === 0 ? 'a value' : missing.map(key => `'${key}'`).join(', ')
  throw new StorageError(
    'invalid_argument',
    `uploadTo of '${attribute}' uses ${what} that the row does not have yet ('${name}'). Set it before, or save the row first and the file then.`,
  )
}
