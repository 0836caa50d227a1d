import type { CallOptions } from './call.ts'
import { StorageError } from './errors.ts'
import { kindOf } from './kind.ts'
import { hint, nearest } from './nearest.ts'

/** The names of all options of `T`; the compiler checks that none is left out. */
export type KnownOptions<T> = Readonly<Record<keyof T & string, true>>

/**
 * Rejects options that a method does not have with `invalid_argument`, and suggests the option that was probably meant. Otherwise a
 * misspelt condition would overwrite the file that it should protect.
 */
export function checkKnownOptions<T extends object>(method: string, options: T, known: KnownOptions<T>): void {
  if (typeof options !== 'object' || options === null) {
    throw new StorageError('invalid_argument', `${method}: expected options as an object, got ${kindOf(options)}.`, {
      operation: method,
    })
  }
  for (const name in options) {
    if (Object.hasOwn(known, name) || options[name] === undefined) continue
    const text = `${method} has no option '${name}'${hint(nearest(name, Object.keys(known)))}.`
    throw new StorageError('invalid_argument', text, { operation: method })
  }
}

/** The options of every method that takes a signal. */
export const CALL_OPTIONS: KnownOptions<CallOptions> = { signal: true }

/** The same for a method whose only option is a signal. */
export function checkCallOptions(method: string, options: CallOptions): void {
  checkKnownOptions(method, options, CALL_OPTIONS)
}
