import type { Hash } from 'node:crypto'
import { nodeCrypto } from '../builtin.ts'
import type { RunningHash } from '../driver.ts'

/** Size in bytes of the blocks of a content hash. (https://www.dropbox.com/developers/reference/content-hash) */
export const BLOCK: number = 4 * 1024 * 1024

/** Dropbox's content hash of bytes that arrive in chunks: the SHA-256 of the SHA-256 digests of all blocks, in hex. */
export class ContentHash implements RunningHash {
  readonly #digests: Uint8Array[] = []
  #block: Hash | undefined
  #filled = 0

  update(bytes: Uint8Array): void {
    for (let rest = bytes; rest.byteLength > 0; ) {
      const fitting = rest.subarray(0, BLOCK - this.#filled)
      this.#block ??= nodeCrypto().createHash('sha256')
      this.#block.update(fitting)
      this.#filled += fitting.byteLength
      rest = rest.subarray(fitting.byteLength)
      if (this.#filled < BLOCK) continue
      this.#digests.push(this.#block.digest())
      this.#block = undefined
      this.#filled = 0
    }
  }

  /** Adds bytes that were hashed separately; the bytes before them must end with a whole block. */
  add(next: ContentHash): void {
    this.#digests.push(...next.#all())
  }

  /** Returns the hash so far. It may be called repeatedly and between updates. */
  digest(): string {
    const hash = nodeCrypto().createHash('sha256')
    for (const digest of this.#all()) hash.update(digest)
    return hash.digest('hex')
  }

  #all(): readonly Uint8Array[] {
    return this.#block === undefined ? this.#digests : [...this.#digests, this.#block.copy().digest()]
  }
}
