import type { ListedFile, Page, PageRequest } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { checkedPage } from '../../remote/page-range.ts'
import { decodeForm } from '../../remote/sign/encode.ts'
import type { XmlNode } from '../../remote/xml.ts'
import { headerStatOf, METADATA_PREFIX } from './headers.ts'
import type { AzureRequest } from './operations.ts'

/** Maximum number of entries per page. */
const MAX_ENTRIES = 5000
/** Default number of entries per page: the service's own 5,000 take several MiB of XML, which is in memory as a whole. */
const ENTRIES = 1000

/** The query of List Blobs. Metadata is requested to identify folders. (https://learn.microsoft.com/rest/api/storageservices/list-blobs) */
export function listQuery(prefix: string, page: PageRequest): NonNullable<AzureRequest['query']> {
  const query: Array<[string, string]> = [
    ['restype', 'container'],
    ['comp', 'list'],
    ['include', 'metadata'],
  ]
  if (prefix !== '') query.push(['prefix', prefix])
  if (!page.recursive) query.push(['delimiter', '/'])
  if (page.token !== undefined) query.push(['marker', page.token])
  query.push(['maxresults', String(Math.min(MAX_ENTRIES, Math.max(1, page.limit ?? ENTRIES)))])
  return query
}

/** The page in an answer of List Blobs. Blobs that are marked as folders are left out. The size of a file is NaN if the answer has none. */
export function pageOf(root: XmlNode, prefix: string, request: PageRequest): Page {
  const files: ListedFile[] = []
  const directories: string[] = []
  const nodes = root.child('Blobs')?.children() ?? []
  let named = 0
  for (const node of nodes) {
    const key = nameIn(node)
    // A blob without a name is left out, since callers cannot use it.
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

/** Headers whose names in listings differ; all others have the same name in lower case. */
const HEADERS: ReadonlyMap<string, string> = new Map([
  ['AccessTier', 'x-ms-access-tier'],
  ['Creation-Time', 'x-ms-creation-time'],
  ['ResourceType', 'x-ms-resource-type'],
])

function listedFile(key: string, node: XmlNode): ListedFile {
  const headers: Record<string, string> = {}
  for (const { name, text } of node.child('Properties')?.children() ?? [])
    headers[HEADERS.get(name) ?? name.toLowerCase()] = text
  for (const { name, text } of node.child('Metadata')?.children() ?? [])
    headers[METADATA_PREFIX + name.toLowerCase()] = text
  const stat = headerStatOf(headers)
  return { ...stat, key, size: stat.size ?? Number.NaN }
}

/** A name that XML cannot contain is percent-encoded, with an attribute that states this. */
function nameIn(node: XmlNode): string | undefined {
  const name = node.child('Name')
  return name?.attribute('Encoded') === 'true' ? decodeForm(name.text.replaceAll('+', '%2B')) : name?.text
}
