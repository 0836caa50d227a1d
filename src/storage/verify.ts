import { derivedStream } from '../core/body.ts'
import type { Content } from '../core/content.ts'
import { beginDigest, DIGEST_BYTES, digestOf, digestTitle } from '../core/digests/digest.ts'
import type { ChecksumName, Checksums, RunningHash } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { checkAlgorithm } from './checksum.ts'

/** A digest that content must have, in lower-case hexadecimal. */
type Wanted = readonly [name: ChecksumName, value: string]

/**
 * Returns the same content, which fails with `checksum_mismatch` unless it has these digests. Content in memory fails at once; a stream
 * fails before its last bytes are passed on, so that no backend stores it. A digest that is not hexadecimal text is `invalid_argument`.
 */
export function verifiedContent(content: Content, verify: Checksums | undefined): Content {
  const wanted = wantedOf(verify)
  if (wanted.length === 0) return content
  const { bytes } = content
  if (bytes !== undefined) {
    for (const [name, value] of wanted) if (digestOf(name, bytes) !== value) throw mismatch(name)
    // Changes by the caller after this point were not compared.
    return content
  }
  const { temporaryPath: _, ...rest } = content
  return {
    ...rest,
    refills: false,
    checksums: Object.fromEntries(wanted),
    open() {
      const source = content.open()
      return derivedStream(source, checked(source, wanted, content.refills === true))
    },
  }
}

function wantedOf(verify: Checksums | undefined): readonly Wanted[] {
  if (verify === undefined) return []
  if (typeof verify !== 'object' || verify === null) {
    throw new StorageError('invalid_argument', "verify: expected digests by their names, such as { sha256: '...' }.")
  }
  return Object.entries(verify)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      checkAlgorithm('verify', name)
      return [name, wantedDigest(name, value)]
    })
}

function wantedDigest(name: ChecksumName, value: unknown): string {
  const length = 2 * DIGEST_BYTES[name]
  if (typeof value === 'string' && value.length === length && /^[0-9a-f]*$/i.test(value)) return value.toLowerCase()
  const got = typeof value === 'string' ? `${value.length} characters` : typeof value
  const text = `verify: ${name}: expected ${length} hexadecimal digits, got ${got}.`
  throw new StorageError('invalid_argument', text)
}

/** Passes on all chunks; the last one is held back until the digests are verified. */
async function* checked(
  source: AsyncIterable<Uint8Array | string>,
  wanted: readonly Wanted[],
  refills: boolean,
): AsyncGenerator<Uint8Array> {
  const digests: Array<readonly [RunningHash, Wanted]> = wanted.map(each => [beginDigest(each[0]), each])
  let held: Uint8Array | undefined
  for await (const given of source) {
    const chunk = typeof given === 'string' ? Buffer.from(given, 'utf8') : refills ? Uint8Array.from(given) : given
    for (const [digest] of digests) digest.update(chunk)
    if (held !== undefined) yield held
    held = chunk
  }
  for (const [digest, [name, value]] of digests) if (digest.digest() !== value) throw mismatch(name)
  if (held !== undefined) yield held
}

function mismatch(name: ChecksumName): StorageError {
  const text = `The ${digestTitle(name)} of the content differs from the option verify.`
  return new StorageError('checksum_mismatch', text, { retryable: false, outcome: 'not_applied' })
}
