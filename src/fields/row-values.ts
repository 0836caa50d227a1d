import { StorageError } from '../core/errors.ts'

/** A row that notes which of its properties are read while they have no value. */
export interface WatchedRow {
  readonly row: object
  /** Names of the properties that were read and were undefined or null. */
  missing(): readonly string[]
}

/** What a value that is not there looks like in a text, as a word of its own; `undefined` is no part of a word either. */
const NO_VALUE = /undefined|(?<![\p{L}\p{N}])(?:(?:null|None|NaN)(?![\p{L}\p{N}])|\[object )/gu
/** The same where a value was read that is not there: `user${id}/`. */
const NO_VALUE_GLUED = /undefined|(?:null|None|NaN)(?![\p{L}\p{N}])|\[object /gu

/** Watches the properties of a row, whose methods still find their own private fields. */
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

/** Refuses a name in which `uploadTo` wrote a value that the row does not have yet; the file name that was given may say what it likes. */
export function checkedParts(attribute: string, name: string, filename: string, missing: readonly string[]): void {
  const own = filename !== '' && name.endsWith(filename) ? name.slice(0, -filename.length) : name
  const pattern = missing.length === 0 ? NO_VALUE : NO_VALUE_GLUED
  // What the given name says is still there when uploadTo has only changed its spelling.
  const given: string[] = own === name ? (filename.match(NO_VALUE) ?? []) : []
  if ((own.match(pattern) ?? []).every(found => given.includes(found))) return
  const what = missing.length === 0 ? 'a value' : missing.map(key => `'${key}'`).join(', ')
  throw new StorageError(
    'invalid_argument',
    `uploadTo of '${attribute}' uses ${what} that the row does not have yet ('${name}'). Set it before, or save the row first and the file then.`,
  )
}
