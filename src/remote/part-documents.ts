import { nodeCrypto } from '../core/builtin.ts'
import { StorageError } from '../core/errors.ts'
import { CHECKSUM_ALGORITHMS, type ChecksumMode, isAlgorithm } from './checksums.ts'
import { countOf } from './headers.ts'
import { fieldText, type XmlNode, xmlText } from './xml.ts'

/** A part that the service has stored. */
export interface S3Part {
  readonly number: number
  readonly etag: string
  /** Bytes. */
  readonly size: number
  readonly checksum?: string | undefined
}

/** A part in the answer of ListParts. */
export function listedPart(node: XmlNode): S3Part {
  const number = countOf(fieldText(node, 'PartNumber'))
  const size = countOf(fieldText(node, 'Size'))
  if (number === undefined || size === undefined) {
    throw new StorageError('unavailable', 'A listed part has no number or no size.')
  }
  const checksum = CHECKSUM_ALGORITHMS.map(name => node.child(`Checksum${name}`)?.text).find(Boolean)
  return { number, size, etag: fieldText(node, 'ETag'), checksum }
}

/** The body of CompleteMultipartUpload. */
export function completionDocument(parts: readonly S3Part[], checksum: ChecksumMode): Buffer {
  const tag = isAlgorithm(checksum) ? `Checksum${checksum}` : undefined
  const listed = parts.map(({ number, etag, checksum: sum }) => {
    const checked = tag === undefined || sum === undefined ? '' : `<${tag}>${sum.replace(/[&<>]/g, xmlText)}</${tag}>`
    return `<Part><PartNumber>${number}</PartNumber><ETag>${strong(etag).replace(/[&<>]/g, xmlText)}</ETag>${checked}</Part>`
  })
  return Buffer.from(
    `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${listed.join('')}</CompleteMultipartUpload>`,
  )
}

/** The etag in the service's form: a proxy that compresses answers marks it as weak. */
function strong(etag: string): string {
  return etag.replace(/^W\//i, '')
}

/** Total bytes of all parts. */
export function sizeOf(parts: readonly S3Part[]): number {
  return parts.reduce((sum, { size }) => sum + size, 0)
}

/** The etag of an unencrypted object of these parts; undefined if their etags are not MD5s. */
export function wholeEtagOf(parts: readonly S3Part[]): string | undefined {
  const digests = parts.map(({ etag }) => Buffer.from(etag.replaceAll('"', ''), 'hex'))
  if (digests.some(digest => digest.length !== 16)) return undefined
  return `${nodeCrypto().hash('md5', Buffer.concat(digests), 'hex')}-${parts.length}`
}
