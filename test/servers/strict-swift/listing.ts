/** Pages of names, of containers and of objects (https://docs.openstack.org/swift/latest/api/pagination.html). */
import type { StrictAnswer } from '../strict/answer.ts'
import type { OperationContext } from './context.ts'
import { complaint, failed } from './errors.ts'
import type { SwiftRequest } from './request.ts'
import { type Container, compareNames, listedDate, listedSize, type StoredObject } from './store.ts'

/** One row: a name, or a folder that stands for all names below it. */
interface Row {
  readonly name: string
  readonly isFolder: boolean
}

interface Wanted {
  readonly prefix: string
  readonly delimiter: string
  readonly marker: string
  readonly endMarker: string
  readonly reverse: boolean
  readonly limit: number
  /** The pseudo-folder of the parameter `path`. */
  readonly path: string | undefined
}

function wantedOf({ query }: SwiftRequest, limit: number): Wanted {
  const asked = query['limit']
  if (asked !== undefined && !/^\d+$/.test(asked)) throw complaint(`the limit is no number: ${asked}`)
  if (asked !== undefined && Number(asked) > limit) throw failed(412, `Maximum limit is ${limit}`)
  const path = query['path']
  const folder = path === undefined || path === '' ? path : `${path.replace(/\/+$/, '')}/`
  return {
    prefix: folder ?? query['prefix'] ?? '',
    delimiter: path === undefined ? (query['delimiter'] ?? '') : '/',
    marker: query['marker'] ?? '',
    endMarker: query['end_marker'] ?? '',
    reverse: ['true', '1', 'yes', 'on', 't', 'y'].includes((query['reverse'] ?? '').toLowerCase()),
    limit: asked === undefined ? limit : Number(asked),
    path: folder,
  }
}

/** The rows of one page; the names come sorted by their bytes. */
function page(names: readonly string[], wanted: Wanted): Row[] {
  const { prefix, delimiter, marker, reverse, limit, path } = wanted
  const [low, high] = reverse ? [wanted.endMarker, marker] : [marker, wanted.endMarker]
  const rows: Row[] = []
  let last: string | undefined
  if (limit === 0) return rows
  for (const name of reverse ? names.toReversed() : names) {
    if (!name.startsWith(prefix)) continue
    if (low !== '' && compareNames(name, low) <= 0) continue
    if (high !== '' && compareNames(name, high) >= 0) continue
    if (path !== undefined && name === path) continue
    const end = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length)
    const folder = end === -1 ? undefined : name.slice(0, end + delimiter.length)
    if (path !== undefined) {
      // A folder shows only as the object that its name with a slash is.
      if (folder !== undefined && folder !== name) continue
      rows.push({ name, isFolder: false })
    } else if (folder === undefined) rows.push({ name, isFolder: false })
    else if (folder !== last && folder !== marker) rows.push({ name: folder, isFolder: true })
    if (folder !== undefined) last = folder
    if (rows.length >= limit) break
  }
  return rows
}

function answered(
  request: SwiftRequest,
  headers: Readonly<Record<string, string>>,
  rows: readonly Row[],
  json: (name: string) => unknown,
): StrictAnswer {
  const isJson = request.query['format'] === 'json' || request.headers['accept'] === 'application/json'
  const format = request.query['format']
  if (format !== undefined && format !== 'json' && format !== 'plain') throw complaint(`the format ${format}`)
  if (isJson) {
    const body = JSON.stringify(rows.map(({ name, isFolder }) => (isFolder ? { subdir: name } : json(name))))
    return { status: 200, headers: { ...headers, 'content-type': 'application/json; charset=utf-8' }, body }
  }
  const type = { 'content-type': 'text/plain; charset=utf-8' }
  if (rows.length === 0) return { status: 204, headers: { ...headers, ...type } }
  return { status: 200, headers: { ...headers, ...type }, body: rows.map(({ name }) => `${name}\n`).join('') }
}

/** A page of containers. */
export function listContainers(
  { state, request }: OperationContext,
  containers: ReadonlyMap<string, Container>,
  headers: Readonly<Record<string, string>>,
): StrictAnswer {
  const names = [...containers.keys()].sort(compareNames)
  const rows = page(names, wantedOf(request, state.limits.listingLimit))
  const zulu = state.options.zulu ?? false
  return answered(request, headers, rows, name => {
    const { objects, bytesUsed, stamp } = containers.get(name) as Container
    return { name, count: objects.size, bytes: bytesUsed, last_modified: listedDate(stamp, zulu) }
  })
}

/** A page of objects. */
export function listObjects(
  { state, request }: OperationContext,
  container: Container,
  headers: Readonly<Record<string, string>>,
): StrictAnswer {
  const rows = page(container.listed(), wantedOf(request, state.limits.listingLimit))
  const zulu = state.options.zulu ?? false
  return answered(request, headers, rows, name => entry(container.objects.get(name), name, zulu))
}

function entry(object: StoredObject | undefined, name: string, zulu: boolean): Record<string, unknown> {
  // A ghost: what had this name is gone.
  if (object === undefined) {
    const rest = { content_type: 'application/octet-stream', last_modified: listedDate('1700000000.00000', zulu) }
    return { bytes: 5, hash: '5d41402abc4b2a76b9719d911017c592', name, ...rest }
  }
  const { etag, contentType, stamp, slo } = object
  return {
    bytes: listedSize(object),
    hash: etag,
    name,
    content_type: contentType,
    last_modified: listedDate(stamp, zulu),
    ...(slo === undefined ? {} : { slo_etag: `"${slo.etag}"` }),
  }
}
