import { StorageError } from '../core/errors.ts'

/** Default size of a chunk, in bytes or characters. */
const DEFAULT_CHUNK_SIZE = 65536

/** Returns the size of a chunk; 0 and undefined are the default. Anything but a whole number is `invalid_argument`. */
export function chunkSizeOf(size: number | undefined): number {
  return size === undefined || size === 0 ? DEFAULT_CHUNK_SIZE : whole(size, 1, 'a chunk')
}

/** Returns how much to read; undefined for all: for no number, null and a negative number. */
export function countOf(n: number | null | undefined): number | undefined {
  return n === undefined || n === null || n < 0 ? undefined : whole(n, 0, 'a read')
}

function whole(number: number, least: number, what: string): number {
  if (Number.isSafeInteger(number) && number >= least) return number
  throw new StorageError('invalid_argument', `The size of ${what} must be a whole number, not ${number}.`)
}
