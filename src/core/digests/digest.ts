import { nodeCrypto, nodeZlib } from '../builtin.ts'
import type { ChecksumName, ExpectedHash, RunningHash } from '../driver.ts'
import { ContentHash } from './content-hash.ts'
import { type Crc, Crc32c, Crc64Nvme } from './crc.ts'

/** Size in bytes of each digest. */
export const DIGEST_BYTES: Readonly<Record<ChecksumName, number>> = {
  md5: 16,
  sha1: 20,
  sha256: 32,
  crc32: 4,
  crc32c: 4,
  crc64nvme: 8,
  dropbox: 32,
}

/** The names of the digests in error messages. */
const TITLES: Readonly<Record<ChecksumName, string>> = {
  md5: 'MD5',
  sha1: 'SHA1',
  sha256: 'SHA-256',
  crc32: 'CRC-32',
  crc32c: 'CRC32C',
  crc64nvme: 'CRC-64/NVME',
  dropbox: 'content_hash',
}

/** Returns the name of a digest in error messages: `SHA-256`. */
export function digestTitle(name: ChecksumName): string {
  return TITLES[name]
}

/** CRC-32 (ISO 3309), by zlib. */
export class Crc32 implements Crc {
  #crc = 0

  update(bytes: Uint8Array): void {
    this.#crc = nodeZlib().crc32(bytes, this.#crc)
  }

  digest(): Buffer {
    const out = Buffer.allocUnsafe(4)
    out.writeUInt32BE(this.#crc)
    return out
  }
}

/** Begins a digest of bytes that arrive in chunks, in lower-case hexadecimal; `digest` ends it. */
export function beginDigest(name: ChecksumName): RunningHash {
  switch (name) {
    case 'crc32':
      return hex(new Crc32())
    case 'crc32c':
      return hex(new Crc32c())
    case 'crc64nvme':
      return hex(new Crc64Nvme())
    case 'dropbox':
      return new ContentHash()
    default: {
      const hash = nodeCrypto().createHash(name)
      return { update: bytes => hash.update(bytes), digest: () => hash.digest('hex') }
    }
  }
}

/** Returns the digest of bytes in memory, in lower-case hexadecimal. */
export function digestOf(name: ChecksumName, bytes: Uint8Array): string {
  if (name === 'md5' || name === 'sha1' || name === 'sha256') return nodeCrypto().hash(name, bytes, 'hex')
  const running = beginDigest(name)
  running.update(bytes)
  return running.digest()
}

/** A digest that all bytes of a file must have. */
export function expectedDigest(name: ChecksumName, value: string): ExpectedHash {
  return { name: TITLES[name], value, begin: () => beginDigest(name), of: bytes => digestOf(name, bytes) }
}

function hex(crc: Crc): RunningHash {
  return { update: bytes => crc.update(bytes), digest: () => crc.digest().toString('hex') }
}
