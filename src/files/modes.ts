import { StorageError } from '../core/errors.ts'

type Base = 'r' | 'w' | 'a' | 'x'

/**
 * How a file is opened: `r` read, `w` replace, `a` append, `x` create only; `b` for bytes instead of text; `+` adds the other direction.
 */
export type OpenMode = Base | `${Base}b` | `${Base}+` | `${Base}b+` | `${Base}+b`

/** The type of the data that is read in a mode: a `Buffer` in the binary modes, else a string. */
export type Data<M extends string> = M extends `${string}b${string}` ? Buffer : string

/** A parsed mode. */
export interface ParsedMode {
  readonly binary: boolean
  readonly read: boolean
  readonly write: boolean
  /** Every write appends at the end. */
  readonly append: boolean
  /** Rejects an existing file. */
  readonly exclusive: boolean
  /** Starts empty. */
  readonly truncate: boolean
  /** Makes a missing file. */
  readonly create: boolean
}

/** Parses a mode. 'r' together with 'w' is `invalid_argument`, any other unknown mode is `unsupported_mode`. */
export function parseMode(mode: string): ParsedMode {
  if (typeof mode === 'string' && mode.includes('r') && mode.includes('w')) {
    throw new StorageError('invalid_argument', "Can't combine 'r' and 'w' in mode.")
  }
  if (!/^[rwax](b\+?|\+b?)?$/.test(mode)) {
    throw new StorageError('unsupported_mode', `Mode '${mode}' is not one of r, w, a, x, each optionally with b and +.`)
  }
  const base = mode[0]
  const plus = mode.includes('+')
  return {
    binary: mode.includes('b'),
    read: base === 'r' || plus,
    write: base !== 'r' || plus,
    append: base === 'a',
    exclusive: base === 'x',
    truncate: base === 'w',
    create: base !== 'r',
  }
}

/** Returns the error for reading a file that was opened for writing only. */
export function notReadable(): StorageError {
  return new StorageError('unsupported_mode', 'File was not opened in read mode.')
}

/** Returns the error for writing to a file that was opened for reading only. */
export function notWritable(): StorageError {
  return new StorageError('unsupported_mode', 'File was not opened in write mode.')
}
