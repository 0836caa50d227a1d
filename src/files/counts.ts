import { StorageError } from '../core/errors.ts'

/** Bytes or characters of one chunk where none is given. */
const DEFAULT_CHUNK_SIZE = 65536

/** The size of a chunk: the default for 0 and where none is given; anything but a whole number is an `invalid_argument`. */
export function chunkSizeOf(size: number | undefined): number {
  return size === undefined || size === 0 ? DEFAULT_CHUNK_SIZE : whole(size, 1, 'a chunk')
}

/** How much is to be read; undefined for all, as no number, null and a negative one ask for. */
export function countOf(n: number | null | undefined): number | undefined {
  return n === undefined || n === null || n < 0 ? undefined : whole(n, 0, 'a read')
}

function whole(number: number, least: number, what: string): number {
  if (Number.isSafeInteger(number) && number >= least) return number
  throw new StorageError('invalid_argument', `The size of ${what} must be a whole number, not ${number}.`)
}
