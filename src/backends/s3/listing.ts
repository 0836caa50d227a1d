import type { IncomingHttpHeaders } from 'node:http'
import type { ListedFile, Page, PageRequest } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { compareKeys } from '../../core/key-order.ts'
import { countOf, dateOf, etagOf } from '../../remote/headers.ts'
import type { UploadPage } from '../../remote/orphans.ts'
import { checkedPage } from '../../remote/page-range.ts'
import { decodeForm } from '../../remote/sign/encode.ts'
import type { XmlNode } from '../../remote/xml.ts'

/** The query of ListObjectsV2 (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html). */
export function listQuery(prefix: string, page: PageRequest): Array<[string, string]> {
  const query: Array<[string, string]> = [
    ['encoding-type', 'url'],
    ['list-type', '2'],
    ['prefix', prefix],
  ]
  if (!page.recursive) query.push(['delimiter', '/'])
  if (page.token !== undefined) query.push(['continuation-token', page.token])
  else if (page.startAfter !== undefined && compareKeys(page.startAfter, prefix) > 0)
    query.push(['start-after', page.startAfter])
  if (page.limit !== undefined) query.push(['max-keys', String(Math.min(1000, Math.max(1, page.limit)))])
  return query
}

/**
 * The page in a ListObjectsV2 answer; folder markers (keys that end in '/') are no files, and what is not below the prefix is left out. `until`
 * is not the service's: the page is cut there, and is the last one. The size of a file is NaN where the answer has none.
 */
export function pageOf(root: XmlNode, prefix: string, request: PageRequest): Page {
  const decode = keyDecoder(root)
  const files: ListedFile[] = []
  const directories: string[] = []
  let isTruncated = false
  let next: string | undefined
  for (const node of root.children()) {
    switch (node.name) {
      case 'Contents':
        files.push(listedFile(node, decode))
        break
      case 'CommonPrefixes':
        directories.push(decode(node.child('Prefix')?.text ?? ''))
        break
      case 'IsTruncated':
        isTruncated = node.text.trim() === 'true'
        break
      case 'NextContinuationToken':
        next = node.text
    }
  }
  if (isTruncated && !next) {
    const text = 'The listing is cut off and names no next page.'
    throw new StorageError('unavailable', text, { retryable: false, outcome: 'not_applied' })
  }
  return checkedPage({ files, directories, next: isTruncated ? next : undefined }, prefix, request)
}

function listedFile(node: XmlNode, decode: (text: string) => string): ListedFile {
  let key: string | undefined
  let size = Number.NaN
  let etag: string | undefined
  let modifiedAt: Date | undefined
  let storageClass: string | undefined
  for (const child of node.children()) {
    switch (child.name) {
      case 'Key':
        key = decode(child.text)
        break
      case 'Size':
        size = countOf(child.text) ?? Number.NaN
        break
      case 'ETag':
        etag = etagOf(child.text)
        break
      case 'LastModified':
        modifiedAt = dateOf(child.text)
        break
      case 'StorageClass':
        storageClass = child.text
    }
  }
  if (key === undefined) throw new StorageError('unavailable', 'The listing has an object without a key.')
  return { key, size, etag, modifiedAt, storageClass }
}

/** How the keys in a listing are written: encoded where it says so. */
function keyDecoder(root: XmlNode): (text: string) => string {
  return root.child('EncodingType')?.text === 'url' ? decodeForm : text => text
}

/** The query of ListMultipartUploads; `page` is the `next` of the page before. (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html) */
export function uploadQuery(prefix: string, page: string | undefined): Array<[string, string?]> {
  const next: Array<[string, string]> = page === undefined ? [] : JSON.parse(page)
  return [['uploads'], ['encoding-type', 'url'], ['prefix', prefix], ...next]
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
