import { nodeCrypto } from './builtin.ts'
import { StorageError } from './errors.ts'
import { OddItems } from './odd-items.ts'

/** Maximum number of listings that are kept between two pages. */
const MAX_WAITING = 64
/**
 * Time in milliseconds for which they are kept: to copy the 1,000 files of a page may take minutes, and to read a folder of a million again
 * as long.
 */
const WAIT_MS = 600_000

/** A listing that is continued. */
export interface Cursor<W> {
  readonly id: string
  readonly walk: W
  readonly odd: OddItems
}

/** A walk between two pages. */
interface Waiting<W> extends Cursor<W> {
  readonly place: string
  readonly timer: NodeJS.Timeout
}

/**
 * The content of a page's `next`: the walk to continue, and the last returned position, from which a new walk begins if that walk was
 * discarded.
 */
type Token = readonly [id: string, place: string]

/** Walks through folders that wait for the next page, for 10 minutes at most. `W` reports the last position that it has returned. */
export class WaitingWalks<W extends { readonly place: string | undefined }> {
  readonly #waiting = new Map<string, Waiting<W>>()

  /**
   * Returns the walk of a token, or one that `begin` makes behind the token's position. A token of another listing is `invalid_argument`.
   */
  take(prefix: string, token: string | undefined, begin: (place: string | undefined, odd: OddItems) => W): Cursor<W> {
    const [id, place] = token === undefined ? [nodeCrypto().randomUUID(), undefined] : parseToken(token, prefix)
    const waiting = this.#waiting.get(id)
    if (waiting !== undefined && waiting.place === place) {
      this.#forget(waiting)
      return waiting
    }
    const odd = new OddItems()
    return { id, walk: begin(place, odd), odd }
  }

  /** Keeps a walk for the next page; returns its token. */
  keep({ id, walk, odd }: Cursor<W>): string {
    const place = walk.place ?? ''
    const timer = setTimeout(() => this.#waiting.delete(id), WAIT_MS).unref()
    this.#waiting.set(id, { id, walk, odd, place, timer })
    const [oldest] = this.#waiting.values()
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) this.#forget(oldest)
    return Buffer.from(JSON.stringify([id, place] satisfies Token)).toString('base64url')
  }

  /** Discards all walks. */
  close(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer)
    this.#waiting.clear()
  }

  #forget({ id, timer }: Waiting<W>): void {
    clearTimeout(timer)
    this.#waiting.delete(id)
  }
}

function parseToken(text: string, prefix: string): Token {
  try {
    const [id, place] = JSON.parse(Buffer.from(text, 'base64url').toString()) as readonly unknown[]
    if (typeof id === 'string' && typeof place === 'string' && place.startsWith(prefix)) return [id, place]
  } catch {}
  throw new StorageError('invalid_argument', 'The page token does not belong to this listing.')
}
