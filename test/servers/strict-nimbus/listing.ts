/** Listings, page by page. */
import { jsonAnswer } from '../strict/answer.ts'
import { collectionOf } from './archive.ts'
import type { NimbusContext, StrictAnswer } from './context.ts'
import { NimbusError } from './errors.ts'
import { httpTime, maybeTime } from './times.ts'

/** One row of a listing; one that is hidden takes its place on a page and is not shown. */
interface Row {
  readonly key: string
  readonly hidden?: boolean
  readonly version: string
  readonly archivedAt: number
}

function compare({ state }: NimbusContext): (a: string, b: string) => number {
  if (state.options.collation === 'en') return new Intl.Collator('en').compare
  return (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** A prefix as SQL's LIKE has it: `_` is any one character and `%` any number of them. */
function likePrefix(prefix: string): (key: string) => boolean {
  const escaped = prefix
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('_', '.')
    .replaceAll('%', '.*')
  const pattern = new RegExp(`^${escaped}`, 'su')
  return key => pattern.test(key)
}

function most({ request, state }: NimbusContext, name: string): number {
  const text = request.query[name]
  const { pageSize = Number.POSITIVE_INFINITY } = state.options
  if (text === undefined) return Math.min(pageSize, 1000)
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new NimbusError(400, `${name} is not valid.`)
  return Math.min(pageSize, Number(text))
}

/** A page of rows, or the parts of their keys up to the delimiter, without keys that have none. */
function answer(context: NimbusContext, rows: readonly Row[]): StrictAnswer {
  const { prefix = '', delimiter = '' } = context.request.query
  const size = most(context, 'max_keys')
  const page = rows.slice(0, size).filter(({ hidden }) => hidden !== true)
  const truncated = rows.length > size
  if (delimiter === '') {
    const data = page.map(({ key, version, archivedAt }) => {
      return { key, version_identifier: version, timestamp: httpTime(archivedAt) }
    })
    return jsonAnswer({ key_data: data, truncated })
  }
  const stubs = page.map(({ key }) => key.slice(prefix.length)).filter(stub => stub.indexOf(delimiter) > 0)
  const prefixes = new Set(stubs.map(stub => prefix + stub.slice(0, stub.indexOf(delimiter) + delimiter.length)))
  return jsonAnswer({ prefixes: [...prefixes], truncated })
}

/** 400 where a marker is none of the prefix. */
function needBelow(marker: string, prefix: string): void {
  if (marker !== '' && !marker.startsWith(prefix)) throw new NimbusError(400, 'key_marker should start with prefix')
}

/** GET /data/: current versions. */
export function listKeys(context: NimbusContext): StrictAnswer {
  const { prefix = '', marker = '' } = context.request.query
  needBelow(marker, prefix)
  const [order, fits] = [compare(context), likePrefix(prefix)]
  const rows: Row[] = []
  for (const [key, { versions, isDeleted }] of collectionOf(context).keys) {
    const [current] = versions
    if (!fits(key) || (marker !== '' && order(key, marker) <= 0)) continue
    if (!isDeleted && current !== undefined) rows.push({ key, ...current })
    if (!context.state.options.countsDeleted) continue
    for (const old of versions.slice(isDeleted ? 0 : 1)) rows.push({ key, hidden: true, ...old })
    if (isDeleted) rows.push({ key, hidden: true, version: '', archivedAt: 0 })
  }
  return answer(
    context,
    rows.toSorted((a, b) => order(a.key, b.key)),
  )
}

/** GET /?versions: all versions, those of a key in the order in which they were begun. */
export function listVersions(context: NimbusContext): StrictAnswer {
  const { prefix = '', key_marker: keyMarker = '', version_id_marker: versionMarker = '' } = context.request.query
  needBelow(keyMarker, prefix)
  if ((keyMarker === '') !== (versionMarker === '')) {
    throw new NimbusError(400, 'version_marker should be used with key_marker')
  }
  const [order, fits] = [compare(context), likePrefix(prefix)]
  const all = [...collectionOf(context).keys].filter(([key]) => fits(key)).toSorted(([a], [b]) => order(a, b))
  const rows = all.flatMap(([key, { versions }]) => versions.toReversed().map(one => ({ key, ...one })))
  const marked = rows.find(({ version }) => version === versionMarker)?.order ?? 0
  const isBeyond = (row: Row & { readonly order: number }): boolean => {
    const place = keyMarker === '' ? 1 : order(row.key, keyMarker)
    return place > 0 || (place === 0 && row.order > marked)
  }
  return answer(context, rows.filter(isBeyond))
}

/** GET /conjoined/: archives in parts in the order in which they were begun, those that are finished and aborted as well. */
export function listConjoined(context: NimbusContext): StrictAnswer {
  const { key_marker: keyMarker = '', conjoined_identifier_marker: idMarker = '' } = context.request.query
  const order = compare(context)
  const { conjoined } = collectionOf(context)
  const marked = keyMarker === '' ? 0 : (conjoined.get(idMarker)?.order ?? 0)
  const rows = [...conjoined.values()].filter(one => {
    return (keyMarker === '' || order(one.key, keyMarker) > 0) && one.order > marked
  })
  const size = most(context, 'max_conjoined')
  const list = rows.slice(0, size).map(one => ({
    conjoined_identifier: one.id,
    key: one.key,
    create_timestamp: httpTime(one.createdAt),
    abort_timestamp: maybeTime(one.abortedAt),
    complete_timestamp: maybeTime(one.completedAt),
    delete_timestamp: null,
  }))
  return jsonAnswer({ conjoined_list: list, truncated: rows.length > size })
}
