/** CRC32C and MD5 of what was uploaded, against what the caller said (https://cloud.google.com/storage/docs/data-validation). */
import { checksum, md5 } from '../strict-s3/checksums.ts'
import { GcsError, invalid } from './errors.ts'

/** Base64 checksums that a caller expects. */
export interface Expected {
  readonly crc32c?: string | undefined
  readonly md5?: string | undefined
}

function checkForm(name: string, text: string, size: number): void {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length === size && bytes.toString('base64') === text) return
  throw new GcsError(400, 'invalid', `Invalid value for: ${name}: '${text}' is no base64 of ${size} bytes`, {
    xml: 'InvalidDigest',
  })
}

function mismatch(name: string, given: string, actual: string): GcsError {
  const message = `Provided ${name} "${given}" doesn't match calculated ${name} "${actual}".`
  return new GcsError(400, 'invalid', message, { xml: 'BadDigest' })
}

/** 400 where the bytes are not those that were expected. */
export function verifyBytes(bytes: Uint8Array, ...all: readonly Expected[]): void {
  for (const expected of all) {
    if (expected.crc32c !== undefined) {
      checkForm('crc32c', expected.crc32c, 4)
      const actual = checksum('crc32c', bytes).toString('base64')
      if (actual !== expected.crc32c) throw mismatch('CRC32C', expected.crc32c, actual)
    }
    if (expected.md5 !== undefined) {
      checkForm('md5Hash', expected.md5, 16)
      const actual = md5(bytes).toString('base64')
      if (actual !== expected.md5) throw mismatch('MD5 hash', expected.md5, actual)
    }
  }
}

/** What `X-Goog-Hash` and `Content-MD5` say. */
export function expectedByHeaders(headers: Readonly<Record<string, string>>): Expected {
  const found: { crc32c?: string; md5?: string } = {}
  for (const part of (headers['x-goog-hash'] ?? '').split(',')) {
    const [name = '', value = ''] = part.trim().split(/=(.*)/s)
    if (name === '') continue
    if (name !== 'crc32c' && name !== 'md5') throw invalid(`Invalid value for: x-goog-hash: unknown algorithm ${name}`)
    found[name] = value
  }
  const plain = headers['content-md5']
  if (plain !== undefined) found.md5 = plain
  return found
}
