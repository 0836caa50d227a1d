import { beginDigest, digestOf } from '../core/digests/digest.ts'
import type { ChecksumName } from '../core/driver.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { Entry } from '../storage/types.ts'

/** A digest of all bytes of a file. */
export interface Digest {
  readonly kind: ChecksumName
  readonly value: string
  /**
   * Whether a different digest proves different bytes. An ETag that looks like an MD5 is not that of the bytes if they are encrypted
   * (SSE-KMS).
   */
  readonly isSure: boolean
}

/** Kinds of digests, the strongest first. */
const KINDS: readonly ChecksumName[] = ['sha256', 'sha1', 'md5', 'dropbox', 'crc64nvme', 'crc32c', 'crc32']

/**
 * Returns the digests of a file in its listing. An etag of 32 hexadecimal digits may be the MD5; that of an upload in parts has a dash and
 * is not.
 */
export function listedDigests({ checksums = {}, etag }: Entry): readonly Digest[] {
  const digests: Digest[] = []
  for (const kind of KINDS) {
    const value = checksums[kind]
    if (value !== undefined) digests.push({ kind, value: value.toLowerCase(), isSure: true })
  }
  if (checksums.md5 === undefined && etag !== undefined && /^[0-9a-f]{32}$/i.test(etag)) {
    digests.push({ kind: 'md5', value: etag.toLowerCase(), isSure: false })
  }
  return digests
}

/** Returns whether two files have equal digests of one kind; undefined if they have none in common, or none that decides. */
export function sameDigest(ours: readonly Digest[], theirs: readonly Digest[]): boolean | undefined {
  for (const one of ours) {
    const other = theirs.find(({ kind }) => kind === one.kind)
    if (other === undefined) continue
    if (one.value === other.value) return true
    if (one.isSure && other.isSure) return false
  }
  return undefined
}

/** Maximum size in bytes of a file that is read into memory at once. */
const SMALL = 1024 * 1024

/** Returns a digest of the bytes of a file as its readers receive them. */
export async function readDigest(
  storage: AnyStorage,
  entry: Entry,
  kind: ChecksumName,
  signal: AbortSignal,
): Promise<string> {
  if (entry.size <= SMALL) return digestOf(kind, await storage.readBytes(entry, { signal }))
  const digest = beginDigest(kind)
  for await (const chunk of storage.createReadStream(entry, { signal })) digest.update(chunk as Buffer)
  return digest.digest()
}
