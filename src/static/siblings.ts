import { CODING_EXTENSIONS, type Coding } from '../core/codings.ts'
import { bytesContent } from '../core/content.ts'
import { type CompressPlan, compressed } from './compress.ts'
import { type Digest, digestOf, IN_MEMORY } from './digest.ts'
import type { FileHeaders, HeaderRules } from './headers.ts'
import type { Store } from './store.ts'
import type { Target } from './target.ts'

/** A file that has siblings. */
export interface Original {
  readonly storedAs: string
  readonly digest: Digest
  readonly headers: FileHeaders
  /** Number of the deploy; 0 for a plain name. */
  readonly deploy: number
  readonly bytes: () => Promise<Buffer | undefined>
}

/** Options of `Siblings`. */
export interface SiblingOptions {
  /** Undefined where none are wanted; outdated siblings of former runs are still removed. */
  readonly plan: CompressPlan | undefined
  readonly rules: HeaderRules
  /** Whether the sources themselves have a file of this name, which then does not change. */
  readonly isSource: (name: string) => boolean
}

/** Compressed siblings of files in the target. */
export class Siblings {
  readonly #target: Target
  readonly #store: Store
  readonly #options: SiblingOptions
  /** The compressions in progress, by coding and digest: a file and its hashed copy are compressed once. */
  readonly #made = new Map<string, Promise<Buffer | undefined>>()

  constructor(target: Target, store: Store, options: SiblingOptions) {
    this.#target = target
    this.#store = store
    this.#options = options
  }

  /** Removes the siblings that a file has in the target, before it changes, so that none is served in place of newer bytes. */
  async removeOld(storedAs: string): Promise<void> {
    const { plan, isSource } = this.#options
    for (const extension of Object.values(CODING_EXTENSIONS)) {
      const name = storedAs + extension
      if (!this.#target.listed.has(name) || isSource(name)) continue
      const isOurs = this.#target.record.get(name)?.siblingOf === storedAs
      if (isOurs || plan !== undefined) await this.#store.remove(name)
    }
  }

  /** Keeps the siblings that former runs have made of a file. */
  keep(storedAs: string): void {
    for (const extension of Object.values(CODING_EXTENSIONS)) {
      const name = storedAs + extension
      if (this.#target.record.get(name)?.siblingOf === storedAs) this.#store.keep(name)
    }
  }

  /** Stores the siblings of a file that is in the target; existing siblings that are up to date stay. */
  async store(original: Original): Promise<void> {
    const { plan, rules, isSource } = this.#options
    const { storedAs, digest, headers, deploy } = original
    const { contentType, contentEncoding } = headers.write
    if (plan === undefined || contentEncoding !== undefined || !plan.applies(contentType, digest.size)) return
    for (const coding of plan.codings) {
      const name = storedAs + CODING_EXTENSIONS[coding]
      if (isSource(name)) continue
      const own = rules.encoded(headers, coding)
      const stored = this.#target.stored(name)
      const known = { siblingOf: storedAs, deploy }
      if (stored?.md5 === digest.md5 && stored.headers === own.hash && stored.siblingOf === storedAs) {
        this.#store.keep(name)
        continue
      }
      if (this.#store.dryRun) {
        this.#store.keep(name)
        continue
      }
      const bytes = await this.#compressedOnce(original, coding)
      if (bytes === undefined) {
        if (this.#target.listed.has(name)) await this.#store.remove(name)
        continue
      }
      const content = bytesContent(bytes)
      // The record keeps the digest of the file that a sibling was made of.
      const isThere = await this.#store.holds(name, digestOf(bytes), own, async () => content, known)
      if (isThere) this.#store.record.set(name, { ...this.#store.record.get(name)!, md5: digest.md5 })
      else await this.#store.put(name, content, digest, own, known)
    }
  }

  /** Releases the compressed forms of these bytes. */
  forget({ md5 }: Digest): void {
    for (const coding of this.#options.plan?.codings ?? []) this.#made.delete(`${coding}:${md5}`)
  }

  async #compressedOnce(original: Original, coding: Coding): Promise<Buffer | undefined> {
    const key = `${coding}:${original.digest.md5}`
    const known = this.#made.get(key)
    if (known !== undefined) return known
    const work = this.#compressed(original, coding)
    this.#made.set(key, work)
    return work
  }

  async #compressed({ digest, bytes }: Original, coding: Coding): Promise<Buffer | undefined> {
    if (digest.size > IN_MEMORY) return undefined
    const plain = await bytes()
    return plain === undefined ? undefined : compressed(plain, coding)
  }
}
