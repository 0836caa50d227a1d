/** List Blobs: pages with a marker, folders by a delimiter, snapshots, versions and blobs that are not committed yet. */
import { element, xmlText } from '../strict/xml.ts'
import { describe } from './blob-headers.ts'
import { type AzureAnswer, needContainer, type OperationContext, xmlDocument } from './context.ts'
import { invalidQuery } from './errors.ts'
import { type Container, compareNames, newEtag, type StoredBlob } from './store.ts'

const INCLUDES =
  'snapshots,metadata,uncommittedblobs,copy,deleted,tags,versions,deletedwithversions,immutabilitypolicy,legalhold,permissions'.split(
    ',',
  )

interface Item {
  /** Where it stands in the order. */
  readonly place: string
  readonly xml: string
}

/** GET ?restype=container&comp=list. */
export function listBlobs(context: OperationContext): AzureAnswer {
  const { request, state } = context
  const { query } = request
  const container = needContainer(context)
  const include = (query['include'] ?? '').split(',').filter(Boolean)
  const odd = include.find(one => !INCLUDES.includes(one))
  if (odd !== undefined) throw invalidQuery('include', odd)
  const limit = limitOf(query['maxresults'], state.options.pageSize ?? 5000)
  const { after, empty } = readMarker(query['marker'])
  const prefix = query['prefix'] ?? ''
  const delimiter = query['delimiter'] ?? ''
  const items = itemsOf(container, prefix, delimiter, include).filter(({ place }) => compareNames(place, after) > 0)
  const isEmpty = empty < state.plans.emptyPages && items.length > 0
  const page = isEmpty ? [] : items.slice(0, limit)
  const isMore = isEmpty || items.length > page.length
  const next = isMore ? markerOf(isEmpty ? after : (page.at(-1)?.place ?? after), isEmpty ? empty + 1 : 0) : ''
  const given = [
    ['Prefix', query['prefix']],
    ['Marker', query['marker']],
    ['MaxResults', query['maxresults']],
    ['Delimiter', query['delimiter']],
  ].flatMap(([name, value]) => (value ? [element(name as string, value)] : []))
  const blobs = page.length === 0 ? '<Blobs />' : `<Blobs>${page.map(({ xml }) => xml).join('')}</Blobs>`
  const inner = `${given.join('')}${blobs}${next === '' ? '<NextMarker />' : element('NextMarker', next)}`
  const { body, ...answer } = xmlDocument('EnumerationResults', inner)
  const service = `http://${request.headers['host'] ?? ''}/`
  const attributes = ` ServiceEndpoint="${xmlText(service)}" ContainerName="${xmlText(container.name)}"`
  return { ...answer, body: String(body).replace('<EnumerationResults', `<EnumerationResults${attributes}`) }
}

/** Reads `maxresults`; more than a page has is as much as a page has. */
export function limitOf(text: string | undefined, pageSize: number): number {
  if (text === undefined) return pageSize
  if (!/^\d+$/.test(text)) throw invalidQuery('maxresults', text)
  if (Number(text) < 1) throw invalidQuery('maxresults', text, 'OutOfRangeQueryParameterValue')
  return Math.min(Number(text), pageSize)
}

function markerOf(after: string, empty: number): string {
  return `2!${empty}!${Buffer.from(after).toString('base64')}--`
}

function readMarker(text: string | undefined): { after: string; empty: number } {
  if (text === undefined || text === '') return { after: '', empty: 0 }
  const match = /^2!(\d+)!([A-Za-z0-9+/=]*)--$/.exec(text)
  if (match === null) throw invalidQuery('marker', text)
  return { after: Buffer.from(match[2] as string, 'base64').toString(), empty: Number(match[1]) }
}

/** Everything below a prefix in order; what lies behind a delimiter is one item. */
function itemsOf(container: Container, prefix: string, delimiter: string, include: readonly string[]): Item[] {
  const others = {
    snapshots: container.snapshots,
    versions: container.versions,
    uncommittedblobs: container.uncommitted,
  }
  const names = new Set(container.blobs.keys())
  for (const [wanted, found] of Object.entries(others)) {
    if (include.includes(wanted)) for (const name of found.keys()) names.add(name)
  }
  const items = new Map<string, Item>()
  for (const name of [...names].filter(one => one.startsWith(prefix))) {
    const cut = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length)
    if (cut !== -1) {
      const folder = name.slice(0, cut + delimiter.length)
      items.set(folder, { place: folder, xml: `<BlobPrefix>${nameElement(folder)}</BlobPrefix>` })
      continue
    }
    for (const item of blobItems(container, name, include)) items.set(item.place, item)
  }
  // A folder of a hierarchical namespace is told as a prefix where there is a delimiter, also when nothing is in it.
  if (delimiter === '/') foldersAsPrefixes(container, items, prefix)
  return [...items.values()].sort((a, b) => compareNames(a.place, b.place))
}

function foldersAsPrefixes(container: Container, items: Map<string, Item>, prefix: string): void {
  for (const [name, blob] of container.blobs) {
    if (!blob.isDirectory || !items.has(name) || !name.startsWith(prefix)) continue
    items.delete(name)
    const properties = '<Properties><ResourceType>directory</ResourceType></Properties>'
    items.set(`${name}/`, {
      place: `${name}/`,
      xml: `<BlobPrefix>${nameElement(`${name}/`)}${properties}</BlobPrefix>`,
    })
  }
}

function blobItems(container: Container, name: string, include: readonly string[]): Item[] {
  const blob = container.blobs.get(name)
  const older = [
    ...(include.includes('snapshots') ? (container.snapshots.get(name) ?? []) : []),
    ...(include.includes('versions') ? (container.versions.get(name) ?? []) : []),
  ]
  const items = older.map(one => ({
    place: `${name}\0${one.snapshot ?? one.versionId ?? ''}`,
    xml: blobElement(container, name, one, include),
  }))
  // The newest stands last.
  if (blob !== undefined)
    items.push({ place: items.length === 0 ? name : `${name}\0~`, xml: blobElement(container, name, blob, include) })
  else if (include.includes('uncommittedblobs') && container.uncommitted.has(name)) {
    items.push({ place: name, xml: blobElement(container, name, uncommittedBlob(container.modified), include) })
  }
  return items
}

function uncommittedBlob(now: number): StoredBlob {
  const properties = { 'content-type': 'application/octet-stream' }
  const empty = { body: Buffer.alloc(0), blocks: [], metadata: {}, tags: {}, tier: undefined }
  return { ...empty, properties, etag: newEtag(), created: now, modified: now }
}

const NAMES: Readonly<Record<string, string>> = {
  'x-ms-creation-time': 'Creation-Time',
  'last-modified': 'Last-Modified',
  'content-type': 'Content-Type',
  'content-encoding': 'Content-Encoding',
  'content-language': 'Content-Language',
  'content-disposition': 'Content-Disposition',
  'cache-control': 'Cache-Control',
  'content-md5': 'Content-MD5',
  'x-ms-blob-type': 'BlobType',
  'x-ms-access-tier': 'AccessTier',
  'x-ms-access-tier-inferred': 'AccessTierInferred',
  'x-ms-archive-status': 'ArchiveStatus',
  'x-ms-lease-status': 'LeaseStatus',
  'x-ms-lease-state': 'LeaseState',
  'x-ms-server-encrypted': 'ServerEncrypted',
  'x-ms-resource-type': 'ResourceType',
  'x-ms-tag-count': 'TagCount',
}
const COPY: Readonly<Record<string, string>> = {
  'x-ms-copy-id': 'CopyId',
  'x-ms-copy-status': 'CopyStatus',
  'x-ms-copy-source': 'CopySource',
  'x-ms-copy-progress': 'CopyProgress',
}

/** Names with characters that XML does not have are percent-encoded, and say so. */
function nameElement(name: string): string {
  if (!/[\ufffe\uffff]/.test(name)) return element('Name', name)
  return `<Name Encoded="true">${xmlText(encodeURIComponent(name))}</Name>`
}

function blobElement(container: Container, name: string, blob: StoredBlob, include: readonly string[]): string {
  const headers = describe(blob, container, name)
  const wanted = include.includes('copy') ? { ...NAMES, ...COPY } : NAMES
  const told = Object.entries(wanted).flatMap(([header, tag]) =>
    headers[header] === undefined ? [] : [element(tag, headers[header])],
  )
  const properties = [element('Etag', blob.etag), element('Content-Length', blob.body.length), ...told].join('')
  const metadata = Object.entries(blob.metadata).map(([key, value]) => element(key, value))
  const tags = Object.entries(blob.tags).map(
    ([key, value]) => `<Tag>${element('Key', key)}${element('Value', value)}</Tag>`,
  )
  return [
    `<Blob>${nameElement(name)}`,
    blob.snapshot === undefined ? '' : element('Snapshot', blob.snapshot),
    blob.versionId === undefined || blob.snapshot !== undefined ? '' : element('VersionId', blob.versionId),
    blob.versionId !== undefined && container.blobs.get(name) === blob ? element('IsCurrentVersion', true) : '',
    `<Properties>${properties}</Properties>`,
    include.includes('metadata') ? `<Metadata>${metadata.join('')}</Metadata>` : '',
    include.includes('tags') && tags.length > 0 ? `<Tags><TagSet>${tags.join('')}</TagSet></Tags>` : '',
    '<OrMetadata /></Blob>',
  ].join('')
}
