/** The hash of contents (https://www.dropbox.com/developers/reference/content-hash). */
import { createHash } from 'node:crypto'

/** Bytes of a block, and of a piece of a concurrent upload session. */
export const BLOCK: number = 4 * 1024 * 1024

/** SHA-256 of the SHA-256 digests of all blocks, hexadecimal. */
export function contentHash(bytes: Uint8Array): string {
  const all = createHash('sha256')
  for (let start = 0; start < bytes.length; start += BLOCK) {
    all.update(
      createHash('sha256')
        .update(bytes.subarray(start, start + BLOCK))
        .digest(),
    )
  }
  return all.digest('hex')
}
