import type { Hash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { nodeCrypto } from '../core/builtin.ts'
import { Crc32c, Crc64Nvme } from '../core/digests/crc.ts'
import { Crc32, DIGEST_BYTES } from '../core/digests/digest.ts'
import type { ChecksumName, Checksums, ExpectedHash } from '../core/driver.ts'
import { type Outcome, StorageError } from '../core/errors.ts'

/** The checksums that the service can verify and store (S3 user guide, "Checking object integrity"), without SHA1. */
export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA256'

/** Their names. */
export const CHECKSUM_ALGORITHMS: readonly ChecksumAlgorithm[] = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA256']

const HEADERS: Readonly<Record<ChecksumAlgorithm, string>> = {
  CRC32: 'x-amz-checksum-crc32',
  CRC32C: 'x-amz-checksum-crc32c',
  CRC64NVME: 'x-amz-checksum-crc64nvme',
  SHA256: 'x-amz-checksum-sha256',
}

/** The lower-case name of the header that carries a checksum of this kind. */
export function headerOf(algorithm: ChecksumAlgorithm): string {
  return HEADERS[algorithm]
}

/** How a body is protected: by a checksum that the service verifies, by Content-MD5, or not at all. */
export type ChecksumMode = ChecksumAlgorithm | 'MD5' | 'none'

/** Bytes in memory, in one piece or in chunks. */
export type Bytes = Uint8Array | readonly Uint8Array[]

/** The header that protects a body; no header for mode `none`. */
export function checksumHeaders(mode: ChecksumMode, bytes: Bytes): Record<string, string> {
  if (mode === 'none') return {}
  if (mode === 'MD5') return { 'content-md5': hashOf('md5', bytes, 'base64') }
  return { [headerOf(mode)]: checksumOf(mode, bytes) }
}

/** Whether a mode is a checksum that the service verifies and stores. */
export function isAlgorithm(mode: ChecksumMode): mode is ChecksumAlgorithm {
  return mode !== 'MD5' && mode !== 'none'
}

/** The checksum among the headers that `checksumHeaders` made; undefined if the service does not store one in this mode. */
export function checksumOfHeaders(mode: ChecksumMode, sent: Readonly<Record<string, string>>): string | undefined {
  return isAlgorithm(mode) ? sent[headerOf(mode)] : undefined
}

/**
 * Compares the headers that protected a body with those of the answer: a checksum that the service returns, and the ETag if it is an MD5.
 * The ETag is an MD5 for whole objects and parts that are not encrypted with KMS or a customer's key. A difference is a
 * `checksum_mismatch`, which is retryable.
 */
export function verifyStored(
  sent: Readonly<Record<string, string>>,
  answer: IncomingHttpHeaders,
  outcome: Outcome,
): void {
  for (const [name, value] of Object.entries(sent)) {
    const said = name === 'content-md5' ? md5Of(answer) : answer[name]
    // A header that came twice has its values in a list.
    if (typeof said !== 'string' || said.split(',').every(each => each.trim() === value)) continue
    const text = 'The checksum of the stored bytes differs from that of the sent bytes.'
    throw new StorageError('checksum_mismatch', text, { outcome })
  }
}

/** The MD5 that an ETag contains, in base64; undefined if the ETag is not an MD5. */
function md5Of({ etag = '', ...headers }: IncomingHttpHeaders): string | undefined {
  const hex = /^"?([0-9a-f]{32})"?$/i.exec(etag)?.[1]
  const encryption = headers['x-amz-server-side-encryption'] ?? 'AES256'
  const isForeign = encryption !== 'AES256' || headers['x-amz-server-side-encryption-customer-algorithm'] !== undefined
  return hex === undefined || isForeign ? undefined : Buffer.from(hex, 'hex').toString('base64')
}

/**
 * Digests as a service writes them, for `Stat.checksums`. A value that is not a valid digest is left out; undefined if none remains.
 */
export function checksumsOf(
  given: Readonly<Partial<Record<ChecksumName, unknown>>>,
  encoding: 'base64' | 'hex',
): Checksums | undefined {
  let found: Partial<Record<ChecksumName, string>> | undefined
  for (const name in given) {
    const kind = name as ChecksumName
    const hex = hexOf(given[kind], DIGEST_BYTES[kind], encoding)
    if (hex !== undefined) (found ??= {})[kind] = hex
  }
  return found
}

const ENCODED = { base64: /^[A-Za-z0-9+/]{1,44}={0,2}$/, hex: /^[0-9A-Fa-f]{1,64}$/ } as const

function hexOf(value: unknown, size: number, encoding: 'base64' | 'hex'): string | undefined {
  if (typeof value !== 'string' || !ENCODED[encoding].test(value)) return undefined
  const bytes = Buffer.from(value, encoding)
  return bytes.byteLength === size && bytes.toString(encoding).toLowerCase() === value.toLowerCase()
    ? bytes.toString('hex')
    : undefined
}

/** Sent with HEAD and GET, so that S3 adds the stored checksums to its answer. */
export const CHECKSUM_MODE: Readonly<Record<string, string>> = { 'x-amz-checksum-mode': 'ENABLED' }

/**
 * The digests of a whole object in the answer of an S3 service to a request with this header. A checksum of checksums, which objects
 * uploaded in parts may have, is left out, and so are all digests in the answer to a range. The ETag counts as MD5 only if the answer
 * reports SSE-S3 and a class other than S3 Express. The ETag of parts, and with KMS or a customer's key, is not an MD5.
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html, https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html)
 */
export function objectChecksums(headers: IncomingHttpHeaders): Checksums | undefined {
  const isKnown = headers['x-amz-server-side-encryption'] === 'AES256'
  const isExpress = headers['x-amz-storage-class'] === 'EXPRESS_ONEZONE'
  const md5 = isKnown && !isExpress ? md5Of(headers) : undefined
  const isWhole = headers['content-range'] === undefined && headers['x-amz-checksum-type'] !== 'COMPOSITE'
  const [crc32, crc32c, crc64nvme, sha1, sha256] = isWhole ? KEPT.map(name => headers[name]) : []
  return checksumsOf({ md5, crc32, crc32c, crc64nvme, sha1, sha256 }, 'base64')
}

const KEPT = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'].map(name => `x-amz-checksum-${name}`)

/** The checksum of bytes in memory, in base64 for the header. */
export function checksumOf(algorithm: ChecksumAlgorithm, bytes: Bytes): string {
  if (algorithm === 'SHA256') return hashOf('sha256', bytes, 'base64')
  const running = new RunningChecksum(algorithm)
  if (bytes instanceof Uint8Array) running.update(bytes)
  else for (const chunk of bytes) running.update(chunk)
  return running.digest()
}

/** The hash of bytes in memory, written in an encoding. */
export function hashOf(algorithm: string, bytes: Bytes | string, encoding: 'base64' | 'hex'): string {
  const { hash, createHash } = nodeCrypto()
  if (typeof bytes === 'string' || bytes instanceof Uint8Array) return hash(algorithm, bytes, encoding)
  const running = createHash(algorithm)
  for (const chunk of bytes) running.update(chunk)
  return running.digest(encoding)
}

/** The hash that all bytes of a file must have, as the service writes it. */
export function expectedHash(name: 'MD5' | 'SHA1', value: string, encoding: 'base64' | 'hex'): ExpectedHash {
  const algorithm = name.toLowerCase()
  return {
    name,
    value,
    begin() {
      const hash = nodeCrypto().createHash(algorithm)
      return { update: bytes => hash.update(bytes), digest: () => hash.digest(encoding) }
    },
    of: bytes => hashOf(algorithm, bytes, encoding),
  }
}

/** The checksum of bytes that come in pieces. */
export class RunningChecksum {
  readonly #state: { update(bytes: Uint8Array): void; digest(): Buffer }

  constructor(algorithm: ChecksumAlgorithm) {
    this.#state = start(algorithm)
  }

  update(bytes: Uint8Array): void {
    this.#state.update(bytes)
  }

  /** The checksum so far, in base64. It may be called repeatedly and between updates. */
  digest(): string {
    return this.#state.digest().toString('base64')
  }
}

function start(algorithm: ChecksumAlgorithm): { update(bytes: Uint8Array): void; digest(): Buffer } {
  switch (algorithm) {
    case 'CRC32':
      return new Crc32()
    case 'CRC32C':
      return new Crc32c()
    case 'CRC64NVME':
      return new Crc64Nvme()
    case 'SHA256':
      return new RunningSha256()
  }
}

class RunningSha256 {
  readonly #hash: Hash = nodeCrypto().createHash('sha256')

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes)
  }

  digest(): Buffer {
    return this.#hash.copy().digest()
  }
}
