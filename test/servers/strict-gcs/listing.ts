/** Pages of names and prefixes, for the JSON and the XML API; `storage.objects.list`. */
import { need, needBucket } from './access.ts'
import type { GcsAnswer, OperationContext } from './context.ts'
import { invalid } from './errors.ts'
import { flagParameter } from './request.ts'
import { answerFields, objectResource, projectionOf } from './resource.ts'
import { type Bucket, compareNames, type StoredObject } from './store.ts'

/** What a listing asks for. */
export interface ListQuery {
  readonly prefix: string
  readonly delimiter: string
  /** Inclusive. */
  readonly startOffset: string
  /** Exclusive; '' for none. */
  readonly endOffset: string
  readonly trailingDelimiter: boolean
  readonly versions: boolean
  readonly limit: number
  /** The last name or prefix of the page before; undefined for the first page. */
  readonly after: string | undefined
}

/** One page. */
export interface ListPage {
  readonly objects: readonly StoredObject[]
  readonly prefixes: readonly string[]
  /** The last name or prefix of this page; undefined where nothing follows. */
  readonly next: string | undefined
}

/** Cuts one page: objects and prefixes count alike, in the order of their UTF-8 bytes. */
export function pageOf(bucket: Bucket, query: ListQuery): ListPage {
  const { prefix, delimiter, after, limit } = query
  const objects: StoredObject[] = []
  const prefixes: string[] = []
  let count = 0
  let last = ''
  for (const name of [...bucket.objects.keys()].sort(compareNames)) {
    if (!name.startsWith(prefix) || compareNames(name, query.startOffset) < 0) continue
    if (query.endOffset !== '' && compareNames(name, query.endOffset) >= 0) continue
    const all = query.versions ? (bucket.objects.get(name) ?? []) : [bucket.live(name)].filter(one => one !== undefined)
    if (all.length === 0) continue
    const at = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length)
    const item = at === -1 ? name : name.slice(0, at + delimiter.length)
    const isPrefix = at !== -1
    const isBoth = isPrefix && query.trailingDelimiter && item === name
    if (after !== undefined && compareNames(item, after) <= 0) continue
    const isNew = !isPrefix || prefixes.at(-1) !== item
    if (isNew) {
      if (count >= limit) return { objects, prefixes, next: last }
      count++
    }
    if (isPrefix && isNew) prefixes.push(item)
    if (!isPrefix || isBoth) objects.push(...all)
    last = item
  }
  return { objects, prefixes, next: undefined }
}

/** What a page token holds: it is opaque to clients, and only good for the listing that it came from. */
interface PageToken {
  readonly after: string | undefined
  /** Empty pages that were given in its place already. */
  readonly empty: number
  readonly of: string
}

function readToken(text: string | undefined, of: string): PageToken {
  if (text === undefined) return { after: undefined, empty: 0, of }
  try {
    const token = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as { a?: string; e: number; o: string }
    if (token.o === of) return { after: token.a, empty: token.e, of }
  } catch {}
  throw invalid(`Invalid value '${text}' for pageToken`, 'pageToken')
}

function writeToken({ after, empty, of }: PageToken): string {
  return Buffer.from(JSON.stringify({ a: after, e: empty, o: of })).toString('base64url')
}

/** The number of items that a page may have. */
export function readLimit(context: OperationContext, name: string): number {
  const text = context.request.query[name]
  const most = context.state.options.pageSize ?? 1000
  if (text === undefined) return most
  if (!/^\d{1,10}$/.test(text) || Number(text) > 2 ** 31 - 1) throw invalid(`Invalid value '${text}' for ${name}`, name)
  if (text === '0') return most
  return Math.min(Number(text), most)
}

/** `storage.objects.list`. */
export function listObjects(context: OperationContext): GcsAnswer {
  const { query } = context.request
  const bucket = needBucket(context)
  need(context, 'objects.list', bucket)
  const projection = projectionOf(context)
  if (projection === 'full') need(context, 'objects.getIamPolicy', bucket)
  if (query['matchGlob'] !== undefined) throw invalid('The test server has no matchGlob.', 'matchGlob')
  const names = ['prefix', 'delimiter', 'startOffset', 'endOffset', 'versions', 'includeTrailingDelimiter']
  const token = readToken(query['pageToken'], JSON.stringify([bucket.name, ...names.map(name => query[name] ?? '')]))
  const answer = (value: Record<string, unknown>): GcsAnswer =>
    answerFields(context, { kind: 'storage#objects', ...value })
  if (token.empty < (context.state.options.emptyPages ?? 0)) {
    return answer({ nextPageToken: writeToken({ ...token, empty: token.empty + 1 }) })
  }
  const page = pageOf(bucket, {
    prefix: query['prefix'] ?? '',
    delimiter: query['delimiter'] ?? '',
    startOffset: query['startOffset'] ?? '',
    endOffset: query['endOffset'] ?? '',
    trailingDelimiter: flagParameter(context.request, 'includeTrailingDelimiter'),
    versions: flagParameter(context.request, 'versions'),
    limit: readLimit(context, 'maxResults'),
    after: token.after,
  })
  const items = page.objects.map(object => objectResource(context, bucket, object, projection))
  return answer({
    ...(page.next === undefined ? {} : { nextPageToken: writeToken({ after: page.next, empty: 0, of: token.of }) }),
    ...(page.prefixes.length === 0 ? {} : { prefixes: page.prefixes }),
    ...(items.length === 0 ? {} : { items }),
  })
}
