import type { CallOptions } from './call.ts'
import { StorageError } from './errors.ts'
import { kindOf } from './kind.ts'
import { hint, nearest } from './nearest.ts'

/** The names of all options of `T`; the compiler checks that none is left out. */
export type KnownOptions<T> = Readonly<Record<keyof T & string, true>>

/**
 * Refuses options that a method does not have with `invalid_argument`, and names the one that is probably meant: a condition that is
 * misspelt would overwrite what it was to protect.
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

/** The same for a method that takes nothing but a signal. */
export function checkCallOptions(method: string, options: CallOptions): void {
  checkKnownOptions(method, options, CALL_OPTIONS)
}
