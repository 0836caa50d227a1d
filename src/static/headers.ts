import type { Coding } from '../core/codings.ts'
import { bytesContent } from '../core/content.ts'
import type { WriteOptions } from '../core/driver.ts'
import { shortHash } from '../core/static-manifest.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { StaticHeaders } from './types.ts'

/** The headers of one file, and a hash of them. */
export interface FileHeaders {
  readonly write: WriteOptions
  readonly hash: string
}

/** Cache lifetime of a file whose name changes with its content: a year, without revalidation. (RFC 8246) */
export const IMMUTABLE = 'public, max-age=31536000, immutable'

const NO_BYTES = bytesContent(new Uint8Array())

/** The headers of files, from the storage, the options and the rules of static files. */
export class HeaderRules {
  readonly #storage: AnyStorage
  readonly #rules: ReadonlyArray<readonly [matches: (name: string) => boolean, headers: StaticHeaders]>

  constructor(
    storage: AnyStorage,
    headers: Readonly<Record<string, StaticHeaders>>,
    matcher: (patterns: readonly string[]) => (name: string) => boolean,
  ) {
    this.#storage = storage
    this.#rules = Object.entries(headers).map(([pattern, value]) => [matcher([pattern]), value])
  }

  /** Returns the headers of a file, by the patterns of its plain name; `given` are its headers where no pattern sets another value. */
  of(name: string, given: StaticHeaders = {}): FileHeaders {
    let headers = given
    for (const [matches, more] of this.#rules) if (matches(name)) headers = { ...headers, ...more }
    return this.#hashed(this.#storage.writeOptions(this.#storage.newRef(name), NO_BYTES, headers))
  }

  /** Returns the headers of the same file in a coding. */
  encoded({ write }: FileHeaders, coding: Coding): FileHeaders {
    return this.#hashed({ ...write, contentEncoding: coding })
  }

  #hashed(write: WriteOptions): FileHeaders {
    const { gzip = false } = this.#storage.options as { readonly gzip?: unknown }
    return { write, hash: shortHash(JSON.stringify([write, gzip])).slice(0, 8) }
  }
}
