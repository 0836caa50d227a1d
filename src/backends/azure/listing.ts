import type { ListedFile, Page, PageRequest } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { countOf, dateOf, etagOf, headerTextOf } from '../../remote/headers.ts'
import { metadataOf } from '../../remote/metadata.ts'
import { checkedPage } from '../../remote/page-range.ts'
import type { XmlNode } from '../../remote/xml.ts'
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
  for (const node of root.child('Blobs')?.children() ?? []) {
    if (node.name === 'BlobPrefix') directories.push(nameIn(node))
    else if (node.name === 'Blob') {
      const file = listedFile(node)
      if (file.isDirectory !== true) files.push(file)
      else if (!request.recursive) directories.push(file.key.endsWith('/') ? file.key : `${file.key}/`)
    }
  }
  const next = root.child('NextMarker')?.text
  return checkedPage({ files, directories, next: next === '' ? undefined : next }, prefix, request)
}

function listedFile(node: XmlNode): ListedFile {
  const properties = new Map<string, string>()
  for (const { name, text } of node.child('Properties')?.children() ?? []) properties.set(name, text)
  const textOf = (name: string): string | undefined => headerTextOf(properties.get(name))
  const metadata = metadataIn(node)
  const size = countOf(properties.get('Content-Length')) ?? Number.NaN
  const isDirectory = textOf('ResourceType') === 'directory' || (size === 0 && isFolderMark(metadata))
  return {
    key: nameIn(node),
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
function nameIn(node: XmlNode): string {
  const name = node.child('Name')
  if (name === undefined) throw new StorageError('unavailable', 'The listing has a blob without a name.')
  if (name.attribute('Encoded') !== 'true') return name.text
  try {
    return decodeURIComponent(name.text)
  } catch {
    return name.text
  }
}

function metadataIn(node: XmlNode): Record<string, string> | undefined {
  const values = (node.child('Metadata')?.children() ?? []).map(({ name, text }) => [name.toLowerCase(), text] as const)
  const found = metadataOf(Object.fromEntries(values), '')
  return found && userNames(found)
}

function isFolderMark(metadata: Readonly<Record<string, string>> | undefined): boolean {
  return metadata !== undefined && Object.hasOwn(metadata, 'hdi_isfolder') && /^true$/i.test(metadata['hdi_isfolder']!)
}
