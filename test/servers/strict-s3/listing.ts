/** ListObjectsV2, ListObjects, ListObjectVersions. */
import { needBucket, needList } from './access.ts'
import { type OperationContext, type S3Answer, xmlAnswer } from './context.ts'
import { document, element, invalidArgument } from './errors.ts'
import { compareKeys, type StoredObject } from './store.ts'

/** Encodes a key for `encoding-type=url`: as in a form, but with slashes kept. */
export function listingEncode(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()~]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
    .replaceAll('%2F', '/')
}

interface Page {
  readonly keys: string[]
  readonly prefixes: string[]
  /** The last key or common prefix of this page; undefined when nothing follows. */
  readonly next: string | undefined
}

/** One page of keys and common prefixes after `after`. */
export function pageOf(keys: Iterable<string>, prefix: string, delimiter: string, after: string, limit: number): Page {
  const found: string[] = []
  const prefixes: string[] = []
  let last = ''
  for (const key of [...keys].sort(compareKeys)) {
    if (!key.startsWith(prefix)) continue
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    const item = at === -1 ? key : key.slice(0, at + delimiter.length)
    if (compareKeys(item, after) <= 0) continue
    if (at !== -1 && prefixes.at(-1) === item) continue
    if (found.length + prefixes.length >= limit) return { keys: found, prefixes, next: limit === 0 ? undefined : last }
    if (at === -1) found.push(key)
    else prefixes.push(item)
    last = item
  }
  return { keys: found, prefixes, next: undefined }
}

/** Reads `max-keys` and the like: a number from 0, never more than the page size. */
export function readLimit(context: OperationContext, name: string): number {
  const text = context.request.query[name]
  const most = context.state.options.pageSize ?? 1000
  if (text === undefined || text === '') return most
  if (!/^\d+$/.test(text)) throw invalidArgument(name, text, `Provided ${name} not an integer or within integer range`)
  return Math.min(Number(text), most)
}

function readEncoding(context: OperationContext): (text: string) => string {
  const type = context.request.query['encoding-type']
  if (type === undefined) return text => text
  if (type !== 'url') throw invalidArgument('encoding-type', type, 'Invalid Encoding Method specified in Request')
  return listingEncode
}

function contents(key: string, object: StoredObject, owner: boolean, encode: (text: string) => string): string {
  const parts = [
    element('Key', encode(key)),
    element('LastModified', new Date(object.lastModified).toISOString()),
    element('ETag', `"${object.etag}"`),
    ...Object.keys(object.checksums).map(name => element('ChecksumAlgorithm', name.toUpperCase())),
    element('Size', object.body.length),
    owner ? '<Owner><ID>owner</ID><DisplayName>owner</DisplayName></Owner>' : '',
    element('StorageClass', object.storageClass),
  ]
  return `<Contents>${parts.join('')}</Contents>`
}

/** GET of a bucket, version 1 or 2. */
export function listObjects(context: OperationContext): S3Answer {
  const { query } = context.request
  const bucket = needBucket(context)
  needList(context, bucket)
  const v2 = query['list-type'] === '2'
  if (!v2 && query['list-type'] !== undefined && query['list-type'] !== '1') {
    throw invalidArgument('list-type', query['list-type'], 'Invalid List Type specified in Request')
  }
  const encode = readEncoding(context)
  const prefix = query['prefix'] ?? ''
  const delimiter = query['delimiter'] ?? ''
  const limit = readLimit(context, 'max-keys')
  const token = query['continuation-token']
  let after = v2 ? (query['start-after'] ?? '') : (query['marker'] ?? '')
  if (v2 && token !== undefined) {
    const decoded = Buffer.from(token, 'base64url').toString('utf8')
    if (token === '' || !decoded.startsWith('1:')) {
      throw invalidArgument('continuation-token', token, 'The continuation token provided is incorrect')
    }
    after = decoded.slice(2)
  }
  const live = [...bucket.objects.keys()].filter(key => bucket.current(key) !== undefined)
  const page = pageOf(live, prefix, delimiter, after, limit)
  const owner = !v2 || query['fetch-owner'] === 'true'
  const parts = [element('Name', bucket.name), element('Prefix', encode(prefix))]
  if (delimiter !== '') parts.push(element('Delimiter', encode(delimiter)))
  parts.push(element('MaxKeys', limit))
  if (query['encoding-type'] !== undefined) parts.push(element('EncodingType', 'url'))
  parts.push(element('IsTruncated', page.next !== undefined))
  if (v2) {
    parts.push(element('KeyCount', page.keys.length + page.prefixes.length))
    if (query['start-after'] !== undefined) parts.push(element('StartAfter', encode(query['start-after'])))
    if (token !== undefined) parts.push(element('ContinuationToken', token))
    if (page.next !== undefined) {
      parts.push(element('NextContinuationToken', Buffer.from(`1:${page.next}`).toString('base64url')))
    }
  } else {
    parts.push(element('Marker', encode(query['marker'] ?? '')))
    if (page.next !== undefined && delimiter !== '') parts.push(element('NextMarker', encode(page.next)))
  }
  for (const key of page.keys) parts.push(contents(key, bucket.current(key) as StoredObject, owner, encode))
  for (const one of page.prefixes) parts.push(`<CommonPrefixes>${element('Prefix', encode(one))}</CommonPrefixes>`)
  return xmlAnswer(document('ListBucketResult', parts.join('')))
}

/** GET ?versions: every version of every key, on one page. */
export function listVersions(context: OperationContext): S3Answer {
  const { query } = context.request
  const bucket = needBucket(context)
  needList(context, bucket)
  const encode = readEncoding(context)
  const prefix = query['prefix'] ?? ''
  const parts = [element('Name', bucket.name), element('Prefix', encode(prefix)), element('IsTruncated', false)]
  for (const key of [...bucket.objects.keys()].sort(compareKeys)) {
    if (!key.startsWith(prefix)) continue
    for (const [index, object] of (bucket.objects.get(key) as StoredObject[]).entries()) {
      const inner = [
        element('Key', encode(key)),
        element('VersionId', object.versionId),
        element('IsLatest', index === 0),
        element('LastModified', new Date(object.lastModified).toISOString()),
      ]
      if (!object.deleteMarker) {
        inner.push(element('ETag', `"${object.etag}"`), element('Size', object.body.length))
        inner.push(element('StorageClass', object.storageClass))
      }
      const name = object.deleteMarker ? 'DeleteMarker' : 'Version'
      parts.push(`<${name}>${inner.join('')}</${name}>`)
    }
  }
  return xmlAnswer(document('ListVersionsResult', parts.join('')))
}
