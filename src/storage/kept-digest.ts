import { expectedDigest } from '../core/digests/digest.ts'
import type { ChecksumName, Checksums, ExpectedHash, FileAttributes, ReadResult } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'

/** The metadata that keeps the SHA-256 of the stored bytes, in lower-case hexadecimal; see the option `keepSha256`. */
export const KEPT_SHA256 = 'holdall-sha256'

const SHA256 = /^[0-9a-f]{64}$/

/** What may keep a digest among the user's metadata. */
interface Keeper {
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly checksums?: Checksums | undefined
}

/** The same stat, in which the digest that was kept as metadata is one of its `checksums`. */
export function withKeptDigest<T extends Keeper>(stat: T): T {
  const { metadata } = stat
  if (metadata === undefined || !Object.hasOwn(metadata, KEPT_SHA256)) return stat
  const { [KEPT_SHA256]: value = '', ...rest } = metadata
  const checksums = SHA256.test(value) ? { ...stat.checksums, sha256: value } : stat.checksums
  return { ...stat, metadata: Object.keys(rest).length === 0 ? undefined : rest, checksums }
}

/** The same metadata with the digest of the stored bytes. */
export function withDigest(metadata: FileAttributes['metadata'], sha256: string): Readonly<Record<string, string>> {
  return { ...metadata, [KEPT_SHA256]: sha256 }
}

/** Refuses metadata of the caller's under the name that keeps the digest: code `invalid_argument`. */
export function checkNoKeptDigest({ metadata }: FileAttributes): void {
  if (metadata === undefined || !Object.hasOwn(metadata, KEPT_SHA256)) return
  throw new StorageError(
    'invalid_argument',
    `metadata: the name '${KEPT_SHA256}' is reserved; set keepSha256 to keep it.`,
  )
}

/** The digests in the order of what they prove and cost. */
const ORDER: readonly ChecksumName[] = ['sha256', 'sha1', 'md5', 'crc64nvme', 'crc32', 'crc32c', 'dropbox']

/**
 * What all bytes of a file are compared with: the kept SHA-256, what the driver names, else one of the checksums that the service reports. None where the answer
 * has no size, as of a file that the service unpacks on the way: its checksums are those of other bytes.
 */
export function expectedIn({ stat, expected, whole, isUnchecked = false }: ReadResult): ExpectedHash | undefined {
  const { size, checksums } = stat ?? {}
  if (isUnchecked || checksums === undefined || size === undefined) return expected ?? whole
  const name = ORDER.find(kind => checksums[kind] !== undefined)
  if (name === undefined || (name !== 'sha256' && (expected ?? whole) !== undefined)) return expected ?? whole
  return expectedDigest(name, checksums[name]!)
}
