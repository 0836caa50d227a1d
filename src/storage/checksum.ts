import type { CallOptions } from '../core/call.ts'
import { beginDigest, DIGEST_BYTES } from '../core/digests/digest.ts'
import type { ChecksumName } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import { hint, nearest } from '../core/nearest.ts'
import type { AnyBase } from './base.ts'
import { nameIn } from './entry-keys.ts'
import { readStream } from './streams.ts'
import type { NameOrEntry } from './types.ts'

const CHECKSUM_OPTIONS: KnownOptions<CallOptions> = { signal: true }

/** Returns the digest of the bytes that `readBytes` returns; see `Storage#checksum`. */
export async function checksumOfFile(
  storage: AnyBase,
  given: NameOrEntry,
  algorithm: ChecksumName,
  options: CallOptions,
): Promise<string> {
  checkKnownOptions('checksum', options, CHECKSUM_OPTIONS)
  checkAlgorithm('checksum', algorithm)
  const { signal } = options
  const name = nameIn(given)
  storage.fileRef(given)
  storage.calls.begin('checksum', name, options)
  const stat = await storage.stat(given, { signal })
  if (stat.isDirectory) throw new StorageError('is_directory', `'${name}' is a directory.`, { fileName: name })
  const known = stat.checksums?.[algorithm]
  // The service reports the digest of the stored bytes. They differ from the read bytes where the storage unpacks them.
  if (known !== undefined && storage.decoder(stat) === undefined) return known
  const digest = beginDigest(algorithm)
  for await (const chunk of readStream(storage, given, { signal }) as AsyncIterable<Uint8Array>) digest.update(chunk)
  return digest.digest()
}

/** Rejects an unknown digest name: `invalid_argument`. */
export function checkAlgorithm(what: string, algorithm: unknown): asserts algorithm is ChecksumName {
  const names = Object.keys(DIGEST_BYTES)
  if (typeof algorithm === 'string' && names.includes(algorithm)) return
  const near = typeof algorithm === 'string' ? hint(nearest(algorithm, names)) : ''
  throw new StorageError(
    'invalid_argument',
    `${what}: expected one of ${names.join(', ')}, got ${shown(algorithm)}${near}.`,
  )
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value.slice(0, 40)}'` : typeof value
}
