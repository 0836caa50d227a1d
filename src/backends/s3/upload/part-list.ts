import { nodeCrypto } from '../../../core/builtin.ts'
import type { CallContext } from '../../../core/call.ts'
import { isStorageError, StorageError } from '../../../core/errors.ts'
import { CHECKSUM_ALGORITHMS, type ChecksumMode, isAlgorithm } from '../../../remote/checksums.ts'
import { countOf } from '../../../remote/headers.ts'
import { fieldText, type XmlNode, xmlText } from '../../../remote/xml.ts'
import type { S3Client } from '../client.ts'

/** A part that the service has. */
export interface S3Part {
  readonly number: number
  readonly etag: string
  /** Bytes. */
  readonly size: number
  readonly checksum?: string | undefined
}

/**
 * The parts of an upload that the service has, up to the first gap; undefined when there is no such upload. (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html)
 */
export async function storedParts(
  client: S3Client,
  { key, baseHeaders }: { readonly key: string; readonly baseHeaders: Readonly<Record<string, string>> },
  uploadId: string,
  ctx: CallContext,
): Promise<S3Part[] | undefined> {
  const parts: S3Part[] = []
  for (let after: number | undefined; ; ) {
    const query: Array<[string, string]> = [['uploadId', uploadId]]
    if (after !== undefined) query.push(['part-number-marker', String(after)])
    const request = { method: 'GET', key, query, headers: { ...baseHeaders } } as const
    const root = await ctx
      .step('listParts', true, async step => (await client.xml(request, step)).root)
      .catch(error => {
        if (!isStorageError(error, 'not_found')) throw error
      })
    if (root === undefined) return undefined
    const page = root.children('Part').map(listedPart)
    for (const part of page) if (part.number === parts.length + 1) parts.push(part)
    const last = page.at(-1)?.number
    const isCut = root.child('IsTruncated')?.text.trim() === 'true'
    if (!isCut || last === undefined || last <= (after ?? 0)) return parts
    after = last
  }
}

function listedPart(node: XmlNode): S3Part {
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

/** The etag as the service has it: something between that packs answers marks it as weak. */
function strong(etag: string): string {
  return etag.replace(/^W\//i, '')
}

/** Bytes of all parts. */
export function sizeOf(parts: readonly S3Part[]): number {
  return parts.reduce((sum, { size }) => sum + size, 0)
}

/** The etag of an unencrypted object of these parts; undefined where theirs are no MD5s. */
export function wholeEtagOf(parts: readonly S3Part[]): string | undefined {
  const digests = parts.map(({ etag }) => Buffer.from(etag.replaceAll('"', ''), 'hex'))
  if (digests.some(digest => digest.length !== 16)) return undefined
  return `${nodeCrypto().hash('md5', Buffer.concat(digests), 'hex')}-${parts.length}`
}
