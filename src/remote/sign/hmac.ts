import { nodeCrypto } from '../../core/builtin.ts'

const BLOCK = 64
const DIGEST = 32

/**
 * HMAC-SHA256 (RFC 2104) of many texts with one key, as two hashes. An `Hmac` object for each text costs more than its hashing, most of all
 * in garbage collection.
 */
export class HmacSha256 {
  /** The key's inner block, then the text. */
  #inner: Buffer = Buffer.alloc(BLOCK, 0x36)
  /** The key's outer block, then the hash of the inner one. */
  readonly #outer: Buffer = Buffer.alloc(BLOCK + DIGEST, 0x5c)

  /** A key of more than 64 bytes is replaced by its hash (RFC 2104). */
  constructor(key: Uint8Array) {
    const short = key.byteLength > BLOCK ? nodeCrypto().createHash('sha256').update(key).digest() : key
    for (let at = 0; at < short.byteLength; at++) {
      this.#inner[at]! ^= short[at]!
      this.#outer[at]! ^= short[at]!
    }
  }

  /** The signature of a text as UTF-8. */
  sign(text: string, encoding: 'hex' | 'base64' = 'hex'): string {
    const { hash } = nodeCrypto()
    const size = BLOCK + Buffer.byteLength(text)
    // Most texts of a signer have the same length.
    if (this.#inner.byteLength !== size) this.#inner = Buffer.concat([this.#inner.subarray(0, BLOCK)], size)
    this.#inner.write(text, BLOCK)
    this.#outer.write(hash('sha256', this.#inner, 'binary'), BLOCK, 'binary')
    return hash('sha256', this.#outer, encoding)
  }
}
