import type { ListedFile, Page, PageRequest } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { countOf, dateOf, etagOf, headerTextOf } from '../../remote/headers.ts'
import { metadataOf } from '../../remote/metadata.ts'
import { checkedPage } from '../../remote/page-range.ts'
import { decodeForm } from '../../remote/sign/encode.ts'
import type { XmlNode } from '../../remote/xml.ts'
import { isFolder } from './headers.ts'
import { userNames } from './metadata-names.ts'
import type { AzureRequest } from './operations.ts'

/** Most entries of one page. */
const MAX_ENTRIES = 5000

/** The query of List Blobs; metadata tells folders. (https://learn.microsoft.com/rest/api/storageservices/list-blobs) */
export function listQuery(prefix: string, page: PageRequest): NonNullable<AzureRequest['query']> {
  const query: Array<[string, string]> = [
    ['restype', 'container'],
    ['comp', 'list'],
    ['include', 'metadata'],
  ]
  if (prefix !== '') query.push(['prefix', prefix])
  if (!page.recursive) query.push(['delimiter', '/'])
  if (page.token !== undefined) query.push(['marker', page.token])
  if (page.limit !== undefined) query.push(['maxresults', String(Math.min(MAX_ENTRIES, Math.max(1, page.limit)))])
  return query
}

/** The page in an answer of List Blobs. What the service marks as a folder is no file. The size of a file is NaN where the answer has none. */
export function pageOf(root: XmlNode, prefix: string, request: PageRequest): Page {
  const files: ListedFile[] = []
  const directories: string[] = []
  const nodes = root.child('Blobs')?.children() ?? []
  let named = 0
  for (const node of nodes) {
    const key = nameIn(node)
    // What has no name cannot be acted on, and the others can.
    if (key === undefined) continue
    named++
    if (node.name === 'BlobPrefix') directories.push(key)
    else if (node.name === 'Blob') {
      const file = listedFile(key, node)
      if (file.isDirectory !== true) files.push(file)
      else if (!request.recursive) directories.push(key.endsWith('/') ? key : `${key}/`)
    }
  }
  if (nodes.length > 0 && named === 0) throw new StorageError('unavailable', 'The listing has blobs without names.')
  const next = root.child('NextMarker')?.text
  return checkedPage({ files, directories, next: next === '' ? undefined : next }, prefix, request)
}

function listedFile(key: string, node: XmlNode): ListedFile {
  const properties = new Map<string, string>()
  for (const { name, text } of node.child('Properties')?.children() ?? []) properties.set(name, text)
  const textOf = (name: string): string | undefined => headerTextOf(properties.get(name))
  const metadata = metadataIn(node)
  const size = countOf(properties.get('Content-Length')) ?? Number.NaN
  const isDirectory = isFolder(textOf('ResourceType'), size, metadata)
  return {
    key,
    size,
    etag: etagOf(textOf('Etag')),
    modifiedAt: dateOf(properties.get('Last-Modified')),
    createdAt: dateOf(properties.get('Creation-Time')),
    contentType: textOf('Content-Type'),
    contentEncoding: textOf('Content-Encoding'),
    contentLanguage: textOf('Content-Language'),
    contentDisposition: textOf('Content-Disposition'),
    cacheControl: textOf('Cache-Control'),
    storageClass: textOf('AccessTier'),
    metadata,
    ...(isDirectory ? { isDirectory } : {}),
  }
}

/** A name that XML cannot hold is percent-encoded, and says so. */
function nameIn(node: XmlNode): string | undefined {
  const name = node.child('Name')
  return name?.attribute('Encoded') === 'true' ? decodeForm(name.text.replaceAll('+', '%2B')) : name?.text
}

function metadataIn(node: XmlNode): Record<string, string> | undefined {
  const values = (node.child('Metadata')?.children() ?? []).map(({ name, text }) => [name.toLowerCase(), text] as const)
  const found = metadataOf(Object.fromEntries(values), '')
  return found && userNames(found)
}
