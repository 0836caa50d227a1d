import type { ListedFile, Page, PageRequest } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { compareKeys } from '../../core/key-order.ts'
import { checkedPage } from '../../remote/page-range.ts'
import { statOfResource } from './resource.ts'

const MAX_ENTRIES = 1000
const FIELDS =
  'kind,items(name,size,generation,updated,timeCreated,contentType,contentEncoding,contentDisposition,contentLanguage,' +
  'cacheControl,storageClass,metadata),prefixes,nextPageToken'

/** Entries of a page, where a number is asked for. */
export function limitOf({ limit }: PageRequest): number | undefined {
  return limit === undefined ? undefined : Math.min(MAX_ENTRIES, Math.max(1, limit))
}

/** The query of Objects: list. `startOffset` includes its own key, which is left out of the page. (https://cloud.google.com/storage/docs/json_api/v1/objects/list) */
export function listQuery(prefix: string, page: PageRequest): Array<[string, string]> {
  const { recursive, token, startAfter, until } = page
  const query: Array<[string, string]> = [['fields', FIELDS]]
  const limit = limitOf(page)
  if (prefix !== '') query.push(['prefix', prefix])
  if (!recursive) query.push(['delimiter', '/'])
  if (token !== undefined) query.push(['pageToken', token])
  if (startAfter !== undefined && compareKeys(startAfter, prefix) > 0) query.push(['startOffset', startAfter])
  if (until !== undefined) query.push(['endOffset', recursive ? until : endAfterFolder(until, prefix)])
  if (limit !== undefined) query.push(['maxResults', String(limit)])
  return query
}

/** A folder stands before what is in it: where the end lies in a folder, all of the folder is asked for, and the page is cut at the end. */
function endAfterFolder(until: string, prefix: string): string {
  const slash = until.startsWith(prefix) ? until.indexOf('/', prefix.length) : -1
  // '0' follows '/'.
  return slash === -1 || slash === until.length - 1 ? until : `${until.slice(0, slash)}0`
}

/** The page in an answer. Folder markers are no files, and a field that cannot be read is left out; without a size it is NaN. */
export function pageOf(value: Readonly<Record<string, unknown>>, prefix: string, request: PageRequest): Page {
  const { kind, nextPageToken } = value
  if (kind !== 'storage#objects') {
    throw new StorageError('unavailable', 'The answer is no listing of objects.', { outcome: 'not_applied' })
  }
  const files = listIn(value, 'items').map(listedFile)
  const directories = listIn(value, 'prefixes').filter(item => typeof item === 'string')
  const next = typeof nextPageToken === 'string' && nextPageToken !== '' ? nextPageToken : undefined
  return checkedPage({ files, directories, next }, prefix, request)
}

/** A list of the answer, which is absent where it would be empty. */
function listIn(value: Readonly<Record<string, unknown>>, name: string): unknown[] {
  const list = value[name]
  if (list === undefined) return []
  if (Array.isArray(list)) return list
  throw new StorageError('unavailable', `'${name}' of the listing is no array.`, { outcome: 'not_applied' })
}

function listedFile(item: unknown): ListedFile {
  const { name, ...resource } = { ...(item as Record<string, unknown>) }
  if (typeof name !== 'string') throw new StorageError('unavailable', 'The listing has a file without a name.')
  const { crc32c: _, ...stat } = statOfResource(resource)
  return { key: name, ...stat }
}
