import { nodeCrypto } from '../core/builtin.ts'
import type { Checksums } from '../core/driver.ts'
import type { AnyStorage } from '../storage/storage.ts'
import type { Entry } from '../storage/types.ts'

/** A digest of all bytes of a file. */
export interface Digest {
  readonly kind: keyof Checksums
  readonly value: string
  /** Whether another digest proves other bytes. An ETag that looks like an MD5 is none of the bytes where they are encrypted (SSE-KMS). */
  readonly isSure: boolean
}

/** Kinds that this machine computes itself, the strongest first. */
const COMPUTED: readonly (keyof Checksums)[] = ['sha256', 'sha1', 'md5']
const ALL: readonly (keyof Checksums)[] = [...COMPUTED, 'crc64nvme', 'crc32c', 'crc32', 'dropbox']

/** The digests of a file that its listing has. An etag of 32 hexadecimal digits may be the MD5; that of an upload in parts has a dash and is none. */
export function listedDigests({ checksums = {}, etag }: Entry): readonly Digest[] {
  const digests: Digest[] = []
  for (const kind of ALL) {
    const value = checksums[kind]
    if (value !== undefined) digests.push({ kind, value: value.toLowerCase(), isSure: true })
  }
  if (checksums.md5 === undefined && etag !== undefined && /^[0-9a-f]{32}$/i.test(etag)) {
    digests.push({ kind: 'md5', value: etag.toLowerCase(), isSure: false })
  }
  return digests
}

/** The first digest that this machine can compute too. */
export function computable(digests: readonly Digest[]): Digest | undefined {
  return digests.find(({ kind }) => COMPUTED.includes(kind))
}

/** Whether two files have equal digests of one kind; undefined where they have none in common, or none that decides. */
export function sameDigest(ours: readonly Digest[], theirs: readonly Digest[]): boolean | undefined {
  for (const one of ours) {
    const other = theirs.find(({ kind }) => kind === one.kind)
    if (other === undefined) continue
    if (one.value === other.value) return true
    if (one.isSure && other.isSure) return false
  }
  return undefined
}

/** A digest of bytes at hand, in hexadecimal. */
export function digestOf(bytes: Uint8Array, kind: string): string {
  return nodeCrypto().createHash(kind).update(bytes).digest('hex')
}

/** Bytes up to which a file is read into memory at once. */
const SMALL = 1024 * 1024

/** A digest of the bytes of a file as its reader gets them. */
export async function readDigest(
  storage: AnyStorage,
  entry: Entry,
  kind: string,
  signal: AbortSignal,
): Promise<string> {
  if (entry.size <= SMALL) return digestOf(await storage.readBytes(entry, { signal }), kind)
  const hash = nodeCrypto().createHash(kind)
  for await (const chunk of storage.createReadStream(entry, { signal })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
