/** Reading objects: ranges, conditions, and the bytes of large objects. */
import type { StrictAnswer } from '../strict/answer.ts'
import { readRange } from '../strict/range.ts'
import type { OperationContext } from './context.ts'
import { complaint, failed } from './errors.ts'
import { largeBytes, type Resolved } from './large.ts'
import { findObject, needContainer } from './lookup.ts'
import type { SwiftRequest } from './request.ts'
import { httpDate, md5, msOf, type StoredObject } from './store.ts'
import { tempUrlHeaders } from './tempurl.ts'

function tags(header: string): string[] {
  return header.split(',').map(tag => tag.trim().replace(/^"(.*)"$/, '$1'))
}

/** Checks the conditions of a read. */
function checkConditions(request: SwiftRequest, etag: string, stamp: string): void {
  const { headers } = request
  const changed = Math.ceil(msOf(stamp) / 1000) * 1000
  const fits = (header: string): boolean => tags(header).some(tag => tag === '*' || tag === etag)
  const match = headers['if-match']
  if (match !== undefined && !fits(match)) throw failed(412)
  const noneMatch = headers['if-none-match']
  if (noneMatch !== undefined && fits(noneMatch)) throw failed(304, '', { etag: `"${etag}"` })
  const dateOf = (text: string): number => {
    const ms = Date.parse(text)
    if (Number.isNaN(ms)) throw complaint(`no date: ${text}`)
    return ms
  }
  const until = headers['if-unmodified-since']
  if (until !== undefined && changed > dateOf(until)) throw failed(412)
  const since = headers['if-modified-since']
  if (since !== undefined && changed <= dateOf(since)) throw failed(304, '', { etag: `"${etag}"` })
}

/** The headers of an object. */
function headersOf(object: StoredObject): Record<string, string> {
  const { contentType, stamp, meta, extra, deleteAt, manifest, slo } = object
  return {
    'content-type': contentType,
    'last-modified': httpDate(stamp),
    'x-timestamp': stamp,
    'accept-ranges': 'bytes',
    ...Object.fromEntries(meta),
    ...Object.fromEntries(extra),
    ...(deleteAt === undefined ? {} : { 'x-delete-at': String(deleteAt) }),
    ...(manifest === undefined ? {} : { 'x-object-manifest': manifest }),
    ...(slo === undefined ? {} : { 'x-static-large-object': 'True' }),
  }
}

/** What a read gives, before its conditions and range. */
export function contentOf(context: OperationContext, object: StoredObject): Resolved {
  const raw = context.request.query['multipart-manifest'] === 'get'
  if (!raw && (object.slo !== undefined || object.manifest !== undefined)) return largeBytes(context, object)
  return { bytes: object.bytes, etag: object.etag, isLarge: false }
}

/** GET and HEAD of an object, large ones included; their manifest where it is asked for. */
export function readObject(context: OperationContext): StrictAnswer {
  const { state, request, identity } = context
  const object = findObject(state, needContainer(context), request.key)
  if (object === undefined) throw failed(404)
  const asked = request.query['multipart-manifest']
  if (asked !== undefined && asked !== 'get') throw complaint(`multipart-manifest=${asked} of a read`)
  let { bytes, etag, isLarge } = contentOf(context, object)
  let headers: Record<string, string> = { ...headersOf(object), etag: isLarge ? `"${etag}"` : etag }
  if (object.slo !== undefined && isLarge) headers['x-manifest-etag'] = object.etag
  if (object.slo !== undefined && !isLarge) {
    headers['content-type'] = 'application/json; charset=utf-8'
    if (request.query['format'] === 'raw') {
      bytes = rawManifest(object)
      etag = md5(bytes)
      headers['etag'] = etag
    }
  }
  checkConditions(request, etag, object.stamp)
  if (identity.tempUrl !== undefined) headers = tempUrlHeaders(identity.tempUrl, object.name, headers)
  const { range: header } = request.headers
  if (header !== undefined && !/^bytes=(\d+-\d*|-\d+)$/.test(header)) throw complaint(`the range ${header}`)
  const range = readRange(header, bytes.length, more => failed(416, '', more))
  if (range === undefined) return { status: 200, headers, body: bytes }
  const { start, end } = range
  headers['content-range'] = `bytes ${start}-${end - 1}/${bytes.length}`
  return { status: 206, headers, body: bytes.subarray(start, end) }
}

/** The manifest of a static large object in the form in which it was put. */
export function rawManifest({ slo }: StoredObject): Buffer {
  const segments = (slo?.segments ?? []).map(({ name, hash, bytes, range }) => ({
    path: name,
    etag: hash,
    size_bytes: bytes,
    ...(range === undefined ? {} : { range }),
  }))
  return Buffer.from(JSON.stringify(segments))
}
