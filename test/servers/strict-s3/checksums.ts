/** Content-MD5 and the x-amz-checksum-* headers (AmazonS3 user guide, "Checking object integrity"). */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { invalidRequest, S3Error } from './errors.ts'

/** The checksum algorithms by the end of their header name. */
export const checksumNames: readonly string[] = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256']

const crc32cTable: Uint32Array = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  return value >>> 0
})

/** What three, two and one zero bytes behind a byte make of it, so that four bytes go at a step. */
const [crc32cTable3, crc32cTable2, crc32cTable1] = [3, 2, 1].map(zeros =>
  crc32cTable.map(first => {
    let value = first
    for (let zero = 0; zero < zeros; zero++) value = (value >>> 8) ^ (crc32cTable[value & 255] as number)
    return value >>> 0
  }),
) as [Uint32Array, Uint32Array, Uint32Array]

function crc32c(bytes: Uint8Array): number {
  const whole = bytes.length & ~3
  const view = new DataView(bytes.buffer, bytes.byteOffset, whole)
  let value = -1
  for (let at = 0; at < whole; at += 4) {
    const word = value ^ view.getUint32(at, true)
    value =
      (crc32cTable3[word & 255] as number) ^
      (crc32cTable2[(word >>> 8) & 255] as number) ^
      (crc32cTable1[(word >>> 16) & 255] as number) ^
      (crc32cTable[word >>> 24] as number)
  }
  for (const byte of bytes.subarray(whole)) value = (value >>> 8) ^ (crc32cTable[(value ^ byte) & 255] as number)
  return ~value >>> 0
}

// CRC-64/NVME, reflected polynomial 0x9a6c9329ac4bc9b5, kept as two 32-bit halves for speed.
const crc64High = new Uint32Array(256)
const crc64Low = new Uint32Array(256)
for (let index = 0; index < 256; index++) {
  let value = BigInt(index)
  for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ 0x9a6c9329ac4bc9b5n : value >> 1n
  crc64High[index] = Number(value >> 32n)
  crc64Low[index] = Number(value & 0xffffffffn)
}

function crc64nvme(bytes: Uint8Array): Buffer {
  let high = 0xffffffff
  let low = 0xffffffff
  for (const byte of bytes) {
    const index = (low ^ byte) & 255
    low = ((low >>> 8) | (high << 24)) ^ (crc64Low[index] as number)
    high = (high >>> 8) ^ (crc64High[index] as number)
  }
  const result = Buffer.alloc(8)
  result.writeUInt32BE((high ^ 0xffffffff) >>> 0, 0)
  result.writeUInt32BE((low ^ 0xffffffff) >>> 0, 4)
  return result
}

function number32(value: number): Buffer {
  const result = Buffer.alloc(4)
  result.writeUInt32BE(value)
  return result
}

/** The raw checksum of some bytes. */
export function checksum(name: string, bytes: Uint8Array): Buffer {
  if (name === 'crc32') return number32(crc32(bytes))
  if (name === 'crc32c') return number32(crc32c(bytes))
  if (name === 'crc64nvme') return crc64nvme(bytes)
  return createHash(name).update(bytes).digest()
}

/** The MD5 of some bytes. */
export function md5(bytes: Uint8Array): Buffer {
  return createHash('md5').update(bytes).digest()
}

/** Verifies what the request says about its body; gives the checksum to keep and echo. */
export function verifyBody(headers: Readonly<Record<string, string>>, body: Uint8Array): Record<string, string> {
  const expected = headers['content-md5']
  if (expected !== undefined) {
    if (!/^[A-Za-z0-9+/]{22}==$/.test(expected)) {
      throw new S3Error(400, 'InvalidDigest', 'The Content-MD5 you specified was invalid.', { 'Content-MD5': expected })
    }
    const actual = md5(body).toString('base64')
    if (actual !== expected) {
      const details = { ExpectedDigest: expected, CalculatedDigest: actual }
      throw new S3Error(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.', details)
    }
  }
  const found: Record<string, string> = {}
  for (const name of checksumNames) {
    const value = headers[`x-amz-checksum-${name}`]
    if (value === undefined) continue
    const actual = checksum(name, body)
    if (
      Buffer.from(value, 'base64').toString('base64') !== value ||
      Buffer.from(value, 'base64').length !== actual.length
    )
      throw invalidRequest(`Value for x-amz-checksum-${name} header is invalid.`)
    if (actual.toString('base64') !== value) {
      throw new S3Error(
        400,
        'BadDigest',
        `The ${name.toUpperCase()} you specified did not match the calculated checksum.`,
      )
    }
    found[name] = value
  }
  if (Object.keys(found).length > 1) {
    throw invalidRequest('Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.')
  }
  const announced = headers['x-amz-sdk-checksum-algorithm']
  if (announced !== undefined && found[announced.toLowerCase()] === undefined) {
    throw invalidRequest(
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    )
  }
  return found
}
