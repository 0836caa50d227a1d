import type { CallOptions } from './call.ts'
import { StorageError } from './errors.ts'
import { kindOf } from './kind.ts'
import { hint, nearest } from './nearest.ts'

/** The names of all options of `T`; the compiler checks that none is left out. */
export type KnownOptions<T> = Readonly<Record<keyof T & string, true>>

/**
 * Rejects options that a method does not have with `invalid_argument`, and suggests the option that was probably meant. Otherwise a
 * misspelt condition would overwrite the file that it should protect. Values of another type than `TYPES` has are rejected, too.
 */
export function checkKnownOptions<T extends object>(method: string, options: T, known: KnownOptions<T>): void {
  if (typeof options !== 'object' || options === null) {
    throw new StorageError('invalid_argument', `${method}: expected options as an object, got ${kindOf(options)}.`, {
      operation: method,
    })
  }
  for (const name in options) {
    const value = options[name]
    if (value === undefined) continue
    if (!Object.hasOwn(known, name)) {
      const text = `${method} has no option '${name}'${hint(nearest(name, Object.keys(known)))}.`
      throw new StorageError('invalid_argument', text, { operation: method })
    }
    const type = TYPES.get(name)
    if (type !== undefined && !type.holds(value)) {
      const text = `${method}: ${name}: expected ${type.wanted}, got ${typeof value === 'string' ? 'a string' : kindOf(value)}.`
      throw new StorageError('invalid_argument', text, { operation: method })
    }
  }
}

/** The type of an option that means the same in every method that has it. */
interface OptionType {
  readonly wanted: string
  holds(value: unknown): boolean
}

/** A text such as 'no' would be taken for true. */
const FLAG: OptionType = { wanted: 'true or false', holds: value => typeof value === 'boolean' || value === null }

const TYPES: ReadonlyMap<string, OptionType> = new Map<string, OptionType>([
  [
    'signal',
    {
      wanted: 'an AbortSignal',
      holds: value => typeof (value as AbortSignal | null)?.aborted === 'boolean',
    },
  ],
  ['onProgress', { wanted: 'a function', holds: value => typeof value === 'function' }],
  ['ifMatch', { wanted: 'the etag of a file as text', holds: value => typeof value === 'string' && value !== '' }],
  ...['ifAbsent', 'overwrite', 'exclusive', 'recursive', 'all', 'dryRun'].map((name): [string, OptionType] => [
    name,
    FLAG,
  ]),
])

/** The options of every method that takes a signal. */
export const CALL_OPTIONS: KnownOptions<CallOptions> = { signal: true }

/** The same for a method whose only option is a signal. */
export function checkCallOptions(method: string, options: CallOptions): void {
  checkKnownOptions(method, options, CALL_OPTIONS)
}
