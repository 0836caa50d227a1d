import { type FastCrc64, fastCrc64 } from './crc64-wasm.ts'

/** A cyclic redundancy check under way; `digest` may be called between updates and does not end it. */
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

let tables32: Uint32Array | undefined
let tables64: { readonly high: Uint32Array; readonly low: Uint32Array } | undefined

/** Eight tables of 256: entry `256 * k + b` is what byte `b` leaves behind after `k` more zero bytes. */
function castagnoliTables(): Uint32Array {
  if (tables32 !== undefined) return tables32
  const table = new Uint32Array(2048)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CASTAGNOLI : crc >>> 1
    table[byte] = crc
  }
  for (let at = 256; at < 2048; at++) {
    const before = table[at - 256]!
    table[at] = (before >>> 8) ^ table[before & 255]!
  }
  tables32 = table
  return table
}

function nvmeTables(): { readonly high: Uint32Array; readonly low: Uint32Array } {
  if (tables64 !== undefined) return tables64
  const high = new Uint32Array(2048)
  const low = new Uint32Array(2048)
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
    high[byte] = upper
    low[byte] = lower
  }
  for (let at = 256; at < 2048; at++) {
    const upper = high[at - 256]!
    const lower = low[at - 256]!
    high[at] = (upper >>> 8) ^ high[lower & 255]!
    low[at] = ((lower >>> 8) | (upper << 24)) ^ low[lower & 255]!
  }
  tables64 = { high, low }
  return tables64
}

/** Bytes from which on WebAssembly is the faster way. */
const LARGE = 4096

let fast: { readonly crc64: FastCrc64 | undefined } | undefined

/** CRC-64 in WebAssembly, made at first use; undefined where the runtime has none. */
function fastNvme(): FastCrc64 | undefined {
  if (fast === undefined) {
    const { high, low } = nvmeTables()
    const words = new Uint32Array(4096)
    for (let at = 0; at < 2048; at++) {
      words[2 * at] = low[at]!
      words[2 * at + 1] = high[at]!
    }
    fast = { crc64: fastCrc64(words) }
  }
  return fast.crc64
}

/** CRC-32C (Castagnoli), eight bytes at a step. */
export class Crc32c implements Crc {
  #crc = -1

  update(bytes: Uint8Array): void {
    const table = castagnoliTables()
    const { length } = bytes
    const whole = length - (length % 8)
    let crc = this.#crc
    let at = 0
    for (; at < whole; at += 8) {
      crc =
        table[1792 + ((crc ^ bytes[at]!) & 255)]! ^
        table[1536 + (((crc >>> 8) ^ bytes[at + 1]!) & 255)]! ^
        table[1280 + (((crc >>> 16) ^ bytes[at + 2]!) & 255)]! ^
        table[1024 + ((crc >>> 24) ^ bytes[at + 3]!)]! ^
        table[768 + bytes[at + 4]!]! ^
        table[512 + bytes[at + 5]!]! ^
        table[256 + bytes[at + 6]!]! ^
        table[bytes[at + 7]!]!
    }
    for (; at < length; at++) crc = (crc >>> 8) ^ table[(crc ^ bytes[at]!) & 255]!
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
    const whole = bytes.byteLength - (bytes.byteLength % 8)
    const register = (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0)
    const value = crc64.update(BigInt.asIntN(64, register), bytes.subarray(0, whole))
    this.#high = Number(BigInt.asIntN(32, value >> 32n))
    this.#low = Number(BigInt.asIntN(32, value))
    this.#take(bytes.subarray(whole))
  }

  #take(bytes: Uint8Array): void {
    const { high, low } = nvmeTables()
    const { length } = bytes
    const whole = length - (length % 8)
    let upper = this.#high
    let lower = this.#low
    let at = 0
    for (; at < whole; at += 8) {
      const a = 1792 + ((lower ^ bytes[at]!) & 255)
      const b = 1536 + (((lower >>> 8) ^ bytes[at + 1]!) & 255)
      const c = 1280 + (((lower >>> 16) ^ bytes[at + 2]!) & 255)
      const d = 1024 + ((lower >>> 24) ^ bytes[at + 3]!)
      const e = 768 + ((upper ^ bytes[at + 4]!) & 255)
      const f = 512 + (((upper >>> 8) ^ bytes[at + 5]!) & 255)
      const g = 256 + (((upper >>> 16) ^ bytes[at + 6]!) & 255)
      const h = (upper >>> 24) ^ bytes[at + 7]!
      upper = high[a]! ^ high[b]! ^ high[c]! ^ high[d]! ^ high[e]! ^ high[f]! ^ high[g]! ^ high[h]!
      lower = low[a]! ^ low[b]! ^ low[c]! ^ low[d]! ^ low[e]! ^ low[f]! ^ low[g]! ^ low[h]!
    }
    for (; at < length; at++) {
      const entry = (lower ^ bytes[at]!) & 255
      lower = ((lower >>> 8) | (upper << 24)) ^ low[entry]!
      upper = (upper >>> 8) ^ high[entry]!
    }
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
