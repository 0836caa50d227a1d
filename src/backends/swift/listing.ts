import type { CallContext } from '../../core/call.ts'
import type { ListedFile, Page, PageRequest } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { compareKeys, firstStep, laterKey, sortKeys } from '../../core/key-order.ts'
import { mapParallel } from '../../core/parallel.ts'
import { checksumsOf } from '../../remote/checksums.ts'
import { countOf, dateOf, etagOf } from '../../remote/headers.ts'
import { checkedPage } from '../../remote/page-range.ts'
import { classifySwift } from './errors.ts'
import { isFolderType } from './headers.ts'

/** Default number of rows of a page. */
const ROWS = 1000
/** Maximum number of rows of a page if the cluster reports none: Swift's own limit. */
const MAX_ROWS = 10_000
/** Maximum number of parallel requests for sizes. */
const SIZES_AT_ONCE = 8

/** The number of rows to request for a page. */
export function rowsOf({ limit = ROWS }: PageRequest, most: number = MAX_ROWS): number {
  return Math.min(most, Math.max(1, limit))
}

/** The query of a page. (https://docs.openstack.org/api-ref/object-store/#show-container-details-and-list-objects) */
export function listQuery(prefix: string, page: PageRequest, rows: number): ReadonlyArray<readonly [string, string]> {
  const query: Array<[string, string]> = [
    ['format', 'json'],
    ['limit', String(rows)],
  ]
  if (prefix !== '') query.push(['prefix', prefix])
  if (!page.recursive) query.push(['delimiter', '/'])
  const marker = laterKey(page.token, page.startAfter)
  if (marker !== undefined) query.push(['marker', marker])
  const end = endMarker(prefix, page)
  if (end !== undefined) query.push(['end_marker', end])
  return query
}

/** The name before which the page ends. An end within a folder is moved after the folder, since the folder itself precedes it. */
function endMarker(prefix: string, { until, recursive }: PageRequest): string | undefined {
  if (until === undefined || recursive || !until.startsWith(prefix)) return until
  const { step } = firstStep(until.slice(prefix.length))
  // `0` is the character that follows the slash.
  return step.endsWith('/') ? `${prefix}${step.slice(0, -1)}0` : until
}

/** The page in the rows of an answer. A row that cannot be parsed is left out. `whole`: fewer rows than requested are the last ones. */
export function pageOf(
  rows: readonly unknown[],
  prefix: string,
  page: PageRequest,
  { asked, whole }: { readonly asked: number; readonly whole: boolean },
): Page {
  const files: ListedFile[] = []
  const directories: string[] = []
  const folders: string[] = []
  let last: string | undefined
  for (const row of rows) {
    const { name, subdir, ...fields } = (typeof row === 'object' && row !== null ? row : {}) as Record<string, unknown>
    if (typeof subdir === 'string') directories.push((last = subdir))
    else if (typeof name === 'string') {
      last = name
      const file = listedFile(name, fields)
      if (file.size === 0 && isFolderType(file.contentType)) folders.push(`${name}/`)
      else files.push(file)
    }
  }
  if (rows.length > 0 && last === undefined)
    throw new StorageError('unavailable', 'The listing has rows without names.')
  const next = rows.length === 0 || (whole && rows.length < asked) ? undefined : last
  // A folder without files appears only as its marker; a folder with files is listed at its own place.
  const shown = folders.filter(key => !page.recursive && (next === undefined || compareKeys(key, next) <= 0))
  const all = shown.length === 0 ? directories : sortKeys([...new Set([...directories, ...shown])])
  // If the first page of a listing continues at its own marker, it has nothing new.
  return checkedPage({ files, directories: all, next }, prefix, page)
}

/** A file from its row. Its size is NaN if the row has none. The size of a dynamic large object is always 0 here. */
function listedFile(key: string, fields: Readonly<Record<string, unknown>>): ListedFile {
  const { bytes, hash, slo_etag: sloEtag, content_type: type, last_modified: modified } = fields
  const size = typeof bytes === 'number' ? countOf(String(bytes)) : undefined
  const etag = etagOf(typeof sloEtag === 'string' ? sloEtag : typeof hash === 'string' ? hash : undefined)
  return {
    key,
    size: size ?? Number.NaN,
    etag,
    // The hash of a large object is that of its manifest. (https://docs.openstack.org/swift/latest/overview_large_objects.html)
    checksums: sloEtag === undefined ? checksumsOf({ md5: hash }, 'hex') : undefined,
    contentType: typeof type === 'string' && type !== '' ? type : undefined,
    modifiedAt: dateOf(typeof modified === 'string' ? modified : undefined),
  }
}

/** Looks up the size of a file in its own headers. */
export type Look = (key: string, ctx: CallContext) => Promise<Omit<ListedFile, 'key'>>

/**
 * The same page with the sizes of files of 0 or unknown bytes, from their own headers. A file that is missing by now (expired, or from a
 * delayed copy of the listing) stays as it was listed.
 */
export async function completedPage(page: Page, look: Look, ctx: CallContext): Promise<Page> {
  const isSure = ({ size }: ListedFile): boolean => size > 0
  if (page.files.every(isSure)) return page
  const files = await mapParallel(page.files, { limit: SIZES_AT_ONCE, signal: ctx.signal }, async file => {
    if (isSure(file)) return file
    try {
      return { ...(await ctx.step('stat', true, step => look(file.key, step))), key: file.key }
    } catch (error) {
      if (classifySwift(error) !== 'not_found') throw error
      return { ...file, size: Number.isNaN(file.size) ? 0 : file.size }
    }
  })
  return { ...page, files }
}
