import type { IncomingHttpHeaders } from 'node:http'
import { dateOf } from '../../remote/headers.ts'
import { keyDecoder } from '../../remote/object-listing.ts'
import type { UploadPage } from '../../remote/orphans.ts'
import type { XmlNode } from '../../remote/xml.ts'

/** The query of ListMultipartUploads; `page` is the `next` of the page before. (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html) */
export function uploadQuery(prefix: string, page: string | undefined): Array<[string, string?]> {
  const next: Array<[string, string]> = page === undefined ? [] : JSON.parse(page)
  return [['uploads'], ['encoding-type', 'url'], ['prefix', prefix], ...next]
}

/** The uploads in a ListMultipartUploads answer. Their times are by the service's clock. */
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
