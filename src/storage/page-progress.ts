import type { Page } from '../core/driver.ts'
import { type ErrorDetails, StorageError } from '../core/errors.ts'

/** Maximum number of successive pages without an entry. A service may skip many deleted files in this way, but not endlessly. */
const MAX_EMPTY_PAGES = 10_000

/**
 * Ends a listing that makes no progress: one that repeats a token or a first entry, or returns page after page without entries. It
 * remembers one token and one entry, and replaces them after 1, 2, 4 ... pages, so that it finds a cycle of any length. (Brent, 1980)
 */
export class PageProgress {
  readonly #about: ErrorDetails
  #token: string | undefined
  #first: string | undefined
  #pages = 0
  #span = 1
  #empty = 0

  /** `about`: the details of the error. */
  constructor(about: ErrorDetails, token?: string) {
    this.#about = about
    this.#token = token
  }

  /** Throws `unavailable` where the page repeats an earlier one. */
  check({ files, directories, next }: Page): void {
    const first = files[0]?.key ?? directories[0]
    this.#empty = first === undefined ? this.#empty + 1 : 0
    if (next === undefined) return
    if (next === this.#token) throw this.#stuck('the service returned the same token again')
    if (first !== undefined && first === this.#first) throw this.#stuck(`'${first}' came again`)
    if (this.#empty > MAX_EMPTY_PAGES) throw this.#stuck(`${MAX_EMPTY_PAGES} pages in a row were empty`)
    if (++this.#pages < this.#span) return
    this.#token = next
    this.#first = first
    this.#span *= 2
    this.#pages = 0
  }

  #stuck(why: string): StorageError {
    return new StorageError('unavailable', `The listing does not go on: ${why}.`, this.#about)
  }
}
