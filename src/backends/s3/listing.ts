import type { IncomingHttpHeaders } from 'node:http'
import { StorageError } from '../../core/errors.ts'
import { CHECKSUM_ALGORITHMS } from '../../remote/checksums.ts'
import { countOf, dateOf } from '../../remote/headers.ts'
import { keyDecoder } from '../../remote/object-listing.ts'
import type { UploadPage } from '../../remote/orphans.ts'
import { fieldText, type XmlNode } from '../../remote/xml.ts'

/** The query of ListMultipartUploads; `page` is the `next` of the page before. (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html) */
export function uploadQuery(prefix: string, page: string | undefined): Array<[string, string?]> {
  const next: Array<[string, string]> = page === undefined ? [] : JSON.parse(page)
  return [['uploads'], ['encoding-type', 'url'], ['prefix', prefix], ...next]
}

/** A part in a ListParts answer. */
interface ListedPart {
  readonly number: number
  readonly etag: string
  readonly size: number
  readonly checksum?: string | undefined
}

/** The parts in a ListParts answer, in order, and where the next page begins. (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html) */
export function partPage(root: XmlNode): { readonly parts: readonly ListedPart[]; readonly next: string | undefined } {
  const parts = root.children('Part').map(node => {
    const number = countOf(fieldText(node, 'PartNumber'))
    const size = countOf(fieldText(node, 'Size'))
    if (number === undefined || size === undefined)
      throw new StorageError('unavailable', 'A listed part has no number or no size.')
    const checksum = CHECKSUM_ALGORITHMS.map(name => node.child(`Checksum${name}`)?.text).find(Boolean)
    return { number, size, etag: fieldText(node, 'ETag'), checksum }
  })
  const last = parts.at(-1)
  const isCut = root.child('IsTruncated')?.text.trim() === 'true' && last !== undefined
  return { parts, next: isCut ? String(last.number) : undefined }
}

/** The uploads in a ListMultipartUploads answer, whose times are by the service's clock. */
export function uploadPage(root: XmlNode, { date }: IncomingHttpHeaders): UploadPage {
  const aheadMs = (dateOf(date)?.getTime() ?? Date.now()) - Date.now()
  const decode = keyDecoder(root)
  const textOf = (node: XmlNode, name: string): string => node.child(name)?.text ?? ''
  const uploads = root.children('Upload').map(node => {
    const at = (dateOf(textOf(node, 'Initiated'))?.getTime() ?? Number.NaN) - aheadMs
    return { key: decode(textOf(node, 'Key')), uploadId: textOf(node, 'UploadId'), at }
  })
  const key = decode(textOf(root, 'NextKeyMarker'))
  if (textOf(root, 'IsTruncated').trim() !== 'true' || key === '') return { uploads }
  const next = [
    ['key-marker', key],
    ['upload-id-marker', textOf(root, 'NextUploadIdMarker')],
  ]
  return { uploads, next: JSON.stringify(next) }
}
