import { digestOf } from '../core/digests/digest.ts'
import type { ChecksumName } from '../core/driver.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { Entry } from '../storage/types.ts'
import { type Digest, listedDigests, readDigest, sameDigest } from './digests.ts'
import type { Side } from './side.ts'
import { SmallFiles } from './small-files.ts'
import type { Basis } from './types.ts'

/** The result of comparing two files. `by` is undefined if nothing could be compared without reading remote files. */
export interface Verdict {
  readonly isEqual: boolean
  readonly by: Basis | undefined
  /** Whether the listings had no digest by which the files can be compared. */
  readonly lacksDigest?: boolean
}

/** Options of comparing files. */
export interface EqualityOptions {
  readonly signal: AbortSignal
  /**
   * `listing`: reads only files of this machine; `content`: reads both files if nothing else decides; `listed`: reads nothing, and compares
   * sizes if the listings have no digest that decides; `size`: compares only sizes.
   */
  readonly mode: 'listing' | 'content' | 'listed' | 'size'
  /** Whether remote files may be read. */
  readonly mayRead: boolean
}

/** Compares files of two sides. An equal size, time and name prove nothing. */
export class Equality {
  readonly #source: Side
  readonly #target: Side
  readonly #options: EqualityOptions
  /** Whether both sides store the bytes as they are read, so that sizes and digests of their listings are those of the content. */
  readonly #arePlain: boolean
  readonly #small: { readonly source: SmallFiles; readonly target: SmallFiles }

  constructor(source: Side, target: Side, options: EqualityOptions) {
    this.#source = source
    this.#target = target
    this.#options = options
    this.#small = { source: new SmallFiles(source.storage), target: new SmallFiles(target.storage) }
    this.#arePlain = isPlain(source.storage) && isPlain(target.storage)
  }

  /** Compares two files by their listings, and reads them if that is allowed and needed. */
  async of(source: Entry, target: Entry): Promise<Verdict> {
    const { mode } = this.#options
    if (this.#arePlain) {
      const bySize = sizesOf(source, target)
      if (bySize === false) return { isEqual: false, by: 'size' }
      if (mode === 'size') return { isEqual: bySize === true, by: 'size' }
      const known = await this.#byDigest(source, target)
      if (known !== undefined) return known
      if (mode === 'listed' && bySize === true) return { isEqual: true, by: 'size', lacksDigest: true }
    } else if (mode === 'size') {
      return { isEqual: false, by: undefined, lacksDigest: true }
    }
    if (mode === 'content' || mode === 'listed') return this.#byContent(source, target)
    return { isEqual: false, by: undefined, lacksDigest: true }
  }

  async #byDigest(source: Entry, target: Entry): Promise<Verdict | undefined> {
    const [ours, theirs] = [listedDigests(source), listedDigests(target)]
    const same = sameDigest(ours, theirs)
    if (same !== undefined) return { isEqual: same, by: 'listing' }
    if (this.#options.mode === 'listed') return undefined
    const areLocal = [isLocal(this.#source), isLocal(this.#target)]
    if (areLocal[0] && areLocal[1]) return { ...(await this.#both(source, target)), lacksDigest: true }
    const isDecided = ({ isSure }: Digest, isEqual: boolean): boolean =>
      isEqual || isSure || this.#options.mode === 'listing'
    const [digest] = areLocal[0] ? theirs : areLocal[1] ? ours : []
    if (digest === undefined) return undefined
    const [side, entry] = areLocal[0] ? [this.#source, source] : [this.#target, target]
    const isEqual = (await this.#digest(side, entry, digest.kind)) === digest.value
    return isDecided(digest, isEqual) ? { isEqual, by: 'oneRead' } : undefined
  }

  async #byContent(source: Entry, target: Entry): Promise<Verdict> {
    if (this.#options.mayRead) return { ...(await this.#both(source, target)), lacksDigest: true }
    const isEqual = this.#arePlain && sizesOf(source, target) === true
    return { isEqual, by: 'size', lacksDigest: true }
  }

  async #both(source: Entry, target: Entry): Promise<Verdict> {
    const digests = await Promise.all([
      this.#digest(this.#source, source, 'sha256'),
      this.#digest(this.#target, target, 'sha256'),
    ])
    return { isEqual: digests[0] === digests[1], by: 'bothRead' }
  }

  async #digest(side: Side, entry: Entry, kind: ChecksumName): Promise<string> {
    const small = (side === this.#source ? this.#small.source : this.#small.target).read(entry)
    if (small !== undefined && !small.hasChanged) return digestOf(kind, small.bytes)
    return readDigest(side.storage, entry, kind, this.#options.signal)
  }
}

/** Returns whether two files have equal sizes; undefined if a listing lacks one. */
function sizesOf(source: Entry, target: Entry): boolean | undefined {
  if (Number.isNaN(source.size) || Number.isNaN(target.size)) return undefined
  return source.size === target.size
}

/** Whether a storage is a folder of this machine, whose files cost no request. */
function isLocal({ storage }: Side): boolean {
  return storage.supports('path')
}

/** Whether a storage never compresses stored bytes. */
function isPlain(storage: AnyStorage): boolean {
  return storage.decoder({ size: 0, name: 'a.txt', contentEncoding: 'gzip' }) === undefined
}
