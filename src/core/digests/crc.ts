import { CRC64_STEP, type FastCrc64, fastCrc64 } from './crc64-wasm.ts'

/** A cyclic redundancy check in progress; `digest` may be called between updates and does not end it. */
export interface Crc {
  update(bytes: Uint8Array): void
  /** The value so far, big-endian as the service writes it. */
  digest(): Buffer
}

/** CRC-32C's polynomial, bits reversed (RFC 3720, section 12.1). */
const CASTAGNOLI = 0x82f63b78
/** CRC-64/NVME's polynomial, bits reversed (NVM Command Set Specification 1.0, section 5.2.1.3.4), in two halves. */
const NVME_HIGH = 0x9a6c9329
const NVME_LOW = 0xac4bc9b5

/** Sixteen tables of 256: entry `256 * k + b` is the remainder of byte `b` after `k` more zero bytes. Filled at the first use. */
const TABLE = new Int32Array(4096)
/** The same for CRC-64, in two halves. */
const HIGH = new Int32Array(4096)
const LOW = new Int32Array(4096)

function fillCastagnoli(): void {
  if (TABLE[1] !== 0) return
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CASTAGNOLI : crc >>> 1
    TABLE[byte] = crc
  }
  for (let at = 256; at < 4096; at++) {
    const before = TABLE[at - 256]!
    TABLE[at] = (before >>> 8) ^ TABLE[before & 255]!
  }
}

const NO_WORDS = new Int32Array(0)
const IS_LITTLE_ENDIAN = new Uint8Array(Int32Array.of(1).buffer)[0] === 1

/** Number of bytes before the first aligned word in memory. */
function unaligned({ byteOffset, length }: Uint8Array): number {
  return Math.min(length, -byteOffset & 3)
}

/** Returns the words of some bytes from an aligned one on, little-endian; none on a big-endian machine. */
function wordsOf({ buffer, byteOffset, length }: Uint8Array, start: number): Int32Array {
  if (length - start < 16 || !IS_LITTLE_ENDIAN) return NO_WORDS
  return new Int32Array(buffer, byteOffset + start, (length - start) >>> 2)
}

function fillNvme(): void {
  if (HIGH[1] !== 0) return
  for (let byte = 0; byte < 256; byte++) {
    let upper = 0
    let lower = byte
    for (let bit = 0; bit < 8; bit++) {
      const isOdd = lower & 1
      lower = (lower >>> 1) | (upper << 31)
      upper >>>= 1
      if (isOdd) {
        upper ^= NVME_HIGH
        lower ^= NVME_LOW
      }
    }
    HIGH[byte] = upper
    LOW[byte] = lower
  }
  for (let at = 256; at < 4096; at++) {
    const upper = HIGH[at - 256]!
    const lower = LOW[at - 256]!
    HIGH[at] = (upper >>> 8) ^ HIGH[lower & 255]!
    LOW[at] = ((lower >>> 8) | (upper << 24)) ^ LOW[lower & 255]!
  }
}

/** Size in bytes from which WebAssembly is faster. */
const LARGE = 4096

let fast: { readonly crc64: FastCrc64 | undefined } | undefined

/** CRC-64 in WebAssembly, made at first use; undefined where the runtime has none. */
function fastNvme(): FastCrc64 | undefined {
  if (fast === undefined) {
    fillNvme()
    const words = new Uint32Array(8192)
    for (let at = 0; at < 4096; at++) {
      words[2 * at] = LOW[at]!
      words[2 * at + 1] = HIGH[at]!
    }
    fast = { crc64: fastCrc64(words) }
  }
  return fast.crc64
}

/** CRC-32C (Castagnoli), sixteen bytes at a step. */
export class Crc32c implements Crc {
  #crc = -1

  update(bytes: Uint8Array): void {
    fillCastagnoli()
    const { length } = bytes
    let crc = this.#crc
    let at = 0
    for (const start = unaligned(bytes); at < start; at++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[at]!) & 255]!
    const words = wordsOf(bytes, at)
    const whole = words.length - (words.length % 4)
    for (let word = 0; word < whole; word += 4) {
      const a = crc ^ words[word]!
      const b = words[word + 1]!
      const c = words[word + 2]!
      const d = words[word + 3]!
      crc =
        TABLE[3840 + (a & 255)]! ^
        TABLE[3584 + ((a >>> 8) & 255)]! ^
        TABLE[3328 + ((a >>> 16) & 255)]! ^
        TABLE[3072 + (a >>> 24)]! ^
        TABLE[2816 + (b & 255)]! ^
        TABLE[2560 + ((b >>> 8) & 255)]! ^
        TABLE[2304 + ((b >>> 16) & 255)]! ^
        TABLE[2048 + (b >>> 24)]! ^
        TABLE[1792 + (c & 255)]! ^
        TABLE[1536 + ((c >>> 8) & 255)]! ^
        TABLE[1280 + ((c >>> 16) & 255)]! ^
        TABLE[1024 + (c >>> 24)]! ^
        TABLE[768 + (d & 255)]! ^
        TABLE[512 + ((d >>> 8) & 255)]! ^
        TABLE[256 + ((d >>> 16) & 255)]! ^
        TABLE[d >>> 24]!
    }
    for (at += whole * 4; at < length; at++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[at]!) & 255]!
    this.#crc = crc
  }

  digest(): Buffer {
    const out = Buffer.allocUnsafe(4)
    out.writeUInt32BE(~this.#crc >>> 0)
    return out
  }
}

/** CRC-64/NVME, eight bytes at a step, the register in two 32-bit halves. */
export class Crc64Nvme implements Crc {
  #high = -1
  #low = -1

  update(bytes: Uint8Array): void {
    const crc64 = bytes.byteLength >= LARGE ? fastNvme() : undefined
    if (crc64 === undefined) {
      this.#take(bytes)
      return
    }
    const whole = bytes.byteLength - (bytes.byteLength % CRC64_STEP)
    const register = (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0)
    const value = crc64.update(BigInt.asIntN(64, register), bytes.subarray(0, whole))
    this.#high = Number(BigInt.asIntN(32, value >> 32n))
    this.#low = Number(BigInt.asIntN(32, value))
    this.#take(bytes.subarray(whole))
  }

  #take(bytes: Uint8Array): void {
    fillNvme()
    const { length } = bytes
    let upper = this.#high
    let lower = this.#low
    let at = 0
    const step = (byte: number): void => {
      const entry = (lower ^ byte) & 255
      lower = ((lower >>> 8) | (upper << 24)) ^ LOW[entry]!
      upper = (upper >>> 8) ^ HIGH[entry]!
    }
    for (const start = unaligned(bytes); at < start; at++) step(bytes[at]!)
    const words = wordsOf(bytes, at)
    const whole = words.length - (words.length % 2)
    for (let word = 0; word < whole; word += 2) {
      const first = lower ^ words[word]!
      const second = upper ^ words[word + 1]!
      const a = 1792 + (first & 255)
      const b = 1536 + ((first >>> 8) & 255)
      const c = 1280 + ((first >>> 16) & 255)
      const d = 1024 + (first >>> 24)
      const e = 768 + (second & 255)
      const f = 512 + ((second >>> 8) & 255)
      const g = 256 + ((second >>> 16) & 255)
      const h = second >>> 24
      upper = HIGH[a]! ^ HIGH[b]! ^ HIGH[c]! ^ HIGH[d]! ^ HIGH[e]! ^ HIGH[f]! ^ HIGH[g]! ^ HIGH[h]!
      lower = LOW[a]! ^ LOW[b]! ^ LOW[c]! ^ LOW[d]! ^ LOW[e]! ^ LOW[f]! ^ LOW[g]! ^ LOW[h]!
    }
    for (at += whole * 4; at < length; at++) step(bytes[at]!)
    this.#high = upper
    this.#low = lower
  }

  digest(): Buffer {
    const out = Buffer.allocUnsafe(8)
    out.writeUInt32BE(~this.#high >>> 0)
    out.writeUInt32BE(~this.#low >>> 0, 4)
    return out
  }
}
