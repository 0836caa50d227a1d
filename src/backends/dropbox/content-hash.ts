import { ContentHash } from '../../core/digests/content-hash.ts'
import type { Bytes } from '../../remote/checksums.ts'

/** The hash of bytes in memory. */
export function hashed(bytes: Bytes): ContentHash {
  const hash = new ContentHash()
  if (bytes instanceof Uint8Array) hash.update(bytes)
  else for (const chunk of bytes) hash.update(chunk)
  return hash
}
