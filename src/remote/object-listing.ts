import type { ListedFile, Page, PageRequest } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { compareKeys } from '../core/key-order.ts'
import { countOf, dateOf, etagOf } from './headers.ts'
import { checkedPage } from './page-range.ts'
import { decodeForm } from './sign/encode.ts'
import type { XmlNode } from './xml.ts'

/** Maximum number of objects per page. */
const MAX_OBJECTS = 1000

/** A query that lists one object of a bucket, to check whether the bucket exists. */
export const ONE_OBJECT: ReadonlyArray<readonly [name: string, value: string]> = [
  ['list-type', '2'],
  ['max-keys', '1'],
]

/**
 * The query of ListObjectsV2, which Google's XML API also supports.
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html)
 */
export function objectsQuery(prefix: string, page: PageRequest): Array<[name: string, value: string]> {
  const query: Array<[string, string]> = [['list-type', '2']]
  if (prefix !== '') query.push(['prefix', prefix])
  if (!page.recursive) query.push(['delimiter', '/'])
  if (page.token !== undefined) query.push(['continuation-token', page.token])
  else if (page.startAfter !== undefined && compareKeys(page.startAfter, prefix) > 0)
    query.push(['start-after', page.startAfter])
  if (page.limit !== undefined) query.push(['max-keys', String(Math.min(MAX_OBJECTS, Math.max(1, page.limit)))])
  return query
}

/**
 * The page in a ListObjectsV2 answer, with any XML namespace. Folder markers (keys that end in '/') and keys that are not below the prefix
 * are left out. Services do not support `until`: the page is cut there, and is the last one. The size of a file is NaN if the answer has
 * none. `own` returns the fields of a file that only one service has.
 */
export function objectsPage(
  root: XmlNode,
  prefix: string,
  request: PageRequest,
  own?: (node: XmlNode) => Partial<ListedFile>,
): Page {
  const decode = keyDecoder(root)
  const files: ListedFile[] = []
  const directories: string[] = []
  let isTruncated = false
  let next: string | undefined
  for (const node of root.children()) {
    switch (node.name) {
      case 'Contents': {
        const file = listedFile(node, decode)
        files.push(own === undefined ? file : { ...file, ...own(node) })
        break
      }
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
    const text = 'The listing is truncated, but has no token for the next page.'
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

/** How the keys in a listing are encoded: as its `EncodingType` states. */
export function keyDecoder(root: XmlNode): (text: string) => string {
  return root.child('EncodingType')?.text === 'url' ? decodeForm : text => text
}
