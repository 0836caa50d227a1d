/** The bytes of an object: ranges, hashes, and unpacking of gzip (https://cloud.google.com/storage/docs/transcoding). */
import { gunzipSync } from 'node:zlib'
import { readRange } from '../strict/range.ts'
import type { GcsAnswer, OperationContext } from './context.ts'
import { GcsError } from './errors.ts'
import { etagOf } from './etag.ts'
import type { StoredObject } from './store.ts'

function unsatisfiable(headers: Readonly<Record<string, string>>): GcsError {
  return new GcsError(416, 'requestedRangeNotSatisfiable', 'The requested range cannot be satisfied.', {}, headers)
}

function acceptsGzip(header: string | undefined): boolean {
  return (header ?? '').split(',').some(one => {
    const [name = '', ...parameters] = one.split(';').map(part => part.trim().toLowerCase())
    return (name === 'gzip' || name === '*') && !parameters.some(part => /^q=0(\.0*)?$/.test(part))
  })
}

/** Headers that tell what is stored, whatever is sent. */
export function storedHeaders(object: StoredObject, api: 'json' | 'xml'): Record<string, string> {
  const hashes = [`crc32c=${object.crc32c}`, ...(object.md5 === undefined ? [] : [`md5=${object.md5}`])]
  const headers: Record<string, string> = {
    'x-goog-generation': String(object.generation),
    'x-goog-metageneration': String(object.metageneration),
    'x-goog-hash': hashes.join(api === 'xml' ? ', ' : ','),
    'x-goog-storage-class': object.storageClass,
    'x-goog-stored-content-encoding': object.contentEncoding ?? 'identity',
    'x-goog-stored-content-length': String(object.body.length),
  }
  if (object.componentCount !== undefined) headers['x-goog-component-count'] = String(object.componentCount)
  return headers
}

/** Text in a header: UTF-8, which Node wants as Latin-1. */
function headerText(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1')
}

function describe(object: StoredObject, api: 'json' | 'xml'): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': object.contentType ?? 'application/octet-stream',
    etag: etagOf(object, api),
    'last-modified': new Date(object.updated).toUTCString(),
    'cache-control':
      object.cacheControl ?? (api === 'xml' ? 'private, max-age=0' : 'no-cache, no-store, max-age=0, must-revalidate'),
    'accept-ranges': 'bytes',
    ...storedHeaders(object, api),
  }
  if (object.contentDisposition !== undefined) headers['content-disposition'] = object.contentDisposition
  if (object.contentLanguage !== undefined) headers['content-language'] = object.contentLanguage
  if (api === 'xml') {
    for (const [name, value] of Object.entries(object.metadata ?? {})) headers[`x-goog-meta-${name}`] = value
    if (object.customTime !== undefined) headers['x-goog-custom-time'] = object.customTime
    if (object.kmsKeyName !== undefined) headers['x-goog-encryption-kms-key-name'] = object.kmsKeyName
  }
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, headerText(value)]))
}

/** Answers with the object's bytes, or the part of them that is asked for. */
export function mediaAnswer(
  context: OperationContext,
  object: StoredObject,
  api: 'json' | 'xml',
  overrides: Readonly<Record<string, string>> = {},
): GcsAnswer {
  const { state, request } = context
  const headers = { ...describe(object, api), ...overrides }
  const isKept = /(^|[,\s])no-transform($|[,\s])/i.test(object.cacheControl ?? '')
  const isGzip = object.contentEncoding?.toLowerCase() === 'gzip'
  const isAccepted = acceptsGzip(request.headers['accept-encoding']) && !state.options.alwaysUnpack
  if (isGzip) headers['vary'] = 'Accept-Encoding'
  if (isGzip && !isKept && !isAccepted) return unpacked(object, headers)
  if (object.contentEncoding !== undefined) headers['content-encoding'] = object.contentEncoding
  const range = readRange(request.headers['range'], object.body.length, unsatisfiable)
  if (range === undefined) return { status: 200, headers, body: object.body }
  const { start, end } = range
  headers['content-range'] = `bytes ${start}-${end - 1}/${object.body.length}`
  return { status: 206, headers, body: object.body.subarray(start, end) }
}

/** The unpacked bytes: ranges are ignored, and nothing tells the length. */
function unpacked(object: StoredObject, headers: Record<string, string>): GcsAnswer {
  let body: Buffer
  try {
    body = gunzipSync(object.body)
  } catch {
    throw new GcsError(503, 'backendError', 'The object is said to be gzip and cannot be unpacked.')
  }
  const more = {
    warning: '214 UploadServer gunzipped',
    'x-guploader-response-body-transformations': 'gunzipped',
    'transfer-encoding': 'chunked',
  }
  const { 'accept-ranges': _, ...kept } = headers
  return { status: 200, headers: { ...kept, ...more }, body }
}
