import { expectedDigest } from '../core/digests/digest.ts'
import type { ChecksumName, Checksums, ExpectedHash, FileAttributes, ReadResult } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'

/** The name of the metadata that keeps the SHA-256 of the stored bytes, in lower-case hexadecimal; see the option `keepSha256`. */
export const KEPT_SHA256 = 'holdall-sha256'

const SHA256 = /^[0-9a-f]{64}$/

/** An object whose metadata may contain a digest. */
interface Keeper {
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly checksums?: Checksums | undefined
}

/** Returns the same stat with the digest from the metadata as one of its `checksums`. */
export function withKeptDigest<T extends Keeper>(stat: T): T {
  const { metadata } = stat
  if (metadata === undefined || !Object.hasOwn(metadata, KEPT_SHA256)) return stat
  const { [KEPT_SHA256]: value = '', ...rest } = metadata
  const checksums = SHA256.test(value) ? { ...stat.checksums, sha256: value } : stat.checksums
  return { ...stat, metadata: Object.keys(rest).length === 0 ? undefined : rest, checksums }
}

/** Returns the same metadata with the digest of the stored bytes. */
export function withDigest(metadata: FileAttributes['metadata'], sha256: string): Readonly<Record<string, string>> {
  return { ...metadata, [KEPT_SHA256]: sha256 }
}

/** Rejects the caller's metadata under the name that is reserved for the digest: code `invalid_argument`. */
export function checkNoKeptDigest({ metadata }: FileAttributes): void {
  if (metadata === undefined || !Object.hasOwn(metadata, KEPT_SHA256)) return
  throw new StorageError(
    'invalid_argument',
    `metadata: the name '${KEPT_SHA256}' is reserved; set keepSha256 to keep it.`,
  )
}

/** The digests, the strongest and cheapest first. */
const ORDER: readonly ChecksumName[] = ['sha256', 'sha1', 'md5', 'crc64nvme', 'crc32', 'crc32c', 'dropbox']

/**
 * Returns the hash that all bytes of a file are compared with: the kept SHA-256, the hash that the driver reports, else one of the
 * checksums that the service reports. Undefined where the answer has no size, as for a file that the service unpacks before it sends it:
 * its checksums are those of other bytes.
 */
export function expectedIn({ stat, expected, whole, isUnchecked = false }: ReadResult): ExpectedHash | undefined {
  const { size, checksums } = stat ?? {}
  if (isUnchecked || checksums === undefined || size === undefined) return expected ?? whole
  const name = ORDER.find(kind => checksums[kind] !== undefined)
  if (name === undefined || (name !== 'sha256' && (expected ?? whole) !== undefined)) return expected ?? whole
  return expectedDigest(name, checksums[name]!)
}
