/** PutObject, GetObject, HeadObject, DeleteObject, DeleteObjects. */
import { randomBytes } from 'node:crypto'
import { readRange } from '../strict/range.ts'
import { needBucket, needList, needOwner, needRead, needWrite } from './access.ts'
import { md5, verifyBody } from './checksums.ts'
import { type OperationContext, type S3Answer, xmlAnswer } from './context.ts'
import {
  accessDenied,
  document,
  element,
  invalidArgument,
  invalidRequest,
  preconditionFailed,
  S3Error,
} from './errors.ts'
import {
  checksumHeaders,
  checkWriteConditions,
  describe,
  encryptionHeaders,
  matches,
  needCustomerKey,
  readSettings,
} from './object-headers.ts'
import type { Bucket, StoredObject } from './store.ts'
import { childText, parseBody } from './xml-body.ts'

/** Throws 400 KeyTooLongError for more than 1024 bytes of UTF-8. */
export function checkKey(key: string): void {
  const size = Buffer.byteLength(key)
  if (size <= 1024) return
  const details = { Size: String(size), MaxSizeAllowed: '1024' }
  throw new S3Error(400, 'KeyTooLongError', 'Your key is too long', details)
}

/** Throws 411 without a length and 400 EntityTooLarge over the limit. */
export function checkLength(context: OperationContext): void {
  const { headers, body } = context.request
  if (headers['content-length'] === undefined) {
    throw new S3Error(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.')
  }
  const limit = context.state.options.maxPutSize ?? 5 * 1024 ** 3
  if (body.length <= limit) return
  const details = { ProposedSize: String(body.length), MaxSizeAllowed: String(limit) }
  throw new S3Error(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', details)
}

/** An ETag: the MD5, or something else for SSE-KMS and SSE-C as on the real service. */
export function newEtag(body: Uint8Array, encryption: StoredObject['encryption']): string {
  const opaque = encryption.algorithm?.startsWith('aws:kms') || encryption.customerKeyMd5 !== undefined
  return (opaque ? randomBytes(16) : md5(body)).toString('hex')
}

/** PUT of a whole object. */
export function putObject(context: OperationContext): S3Answer {
  const { request, state } = context
  const bucket = needBucket(context)
  needWrite(context, bucket)
  checkKey(request.key)
  checkLength(context)
  const found = verifyBody(request.headers, request.body)
  const settings = readSettings(request.headers, bucket)
  checkWriteConditions(context, bucket)
  const object = bucket.put(request.key, {
    ...settings,
    body: request.body,
    etag: newEtag(request.body, settings.encryption),
    lastModified: state.now(),
    deleteMarker: false,
    checksums: state.options.echoChecksums === false ? {} : found,
    checksumType: 'FULL_OBJECT',
    partSizes: [],
  })
  const headers: Record<string, string> = {
    etag: `"${object.etag}"`,
    ...checksumHeaders(object),
    ...encryptionHeaders(object.encryption),
  }
  if (bucket.versioning === 'Enabled') headers['x-amz-version-id'] = object.versionId
  return { status: 200, headers }
}

/** The object that a read asks for; 404, or 405 for a delete marker by version. */
export function findObject(context: OperationContext, bucket: Bucket, key: string, versionId?: string): StoredObject {
  const object = versionId === undefined ? bucket.objects.get(key)?.[0] : bucket.version(key, versionId)
  if (object === undefined || object.deleteMarker) {
    needList(context, bucket)
    const marker: Record<string, string> = {}
    if (object !== undefined)
      Object.assign(marker, { 'x-amz-delete-marker': 'true', 'x-amz-version-id': object.versionId })
    if (object !== undefined && versionId !== undefined) {
      const message = 'The specified method is not allowed against this resource.'
      throw new S3Error(405, 'MethodNotAllowed', message, {}, marker)
    }
    throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.', { Key: key }, marker)
  }
  needRead(context, object)
  return object
}

/** Checks the four read conditions; true means 304. */
function notModified(headers: Readonly<Record<string, string>>, object: StoredObject): boolean {
  const match = headers['if-match']
  const none = headers['if-none-match']
  const modified = Math.floor(object.lastModified / 1000) * 1000
  const unmodifiedSince = Date.parse(headers['if-unmodified-since'] ?? '')
  const modifiedSince = Date.parse(headers['if-modified-since'] ?? '')
  if (match !== undefined) {
    if (!matches(match, object.etag)) throw preconditionFailed('If-Match')
  } else if (modified > unmodifiedSince) throw preconditionFailed('If-Unmodified-Since')
  if (none !== undefined) return matches(none, object.etag)
  return modified <= modifiedSince
}

function unsatisfiable(
  range: string | undefined,
  size: number,
): (headers: Readonly<Record<string, string>>) => S3Error {
  const details = { RangeRequested: String(range), ActualObjectSize: String(size) }
  return headers => new S3Error(416, 'InvalidRange', 'The requested range is not satisfiable', details, headers)
}

function partRange(object: StoredObject, text: string): { start: number; end: number } {
  const sizes = object.partSizes.length === 0 ? [object.body.length] : object.partSizes
  const number = Number(text)
  if (!(number >= 1 && number <= sizes.length)) {
    throw new S3Error(416, 'InvalidPartNumber', 'The requested partnumber is not satisfiable', {
      PartNumberRequested: text,
      ActualPartCount: String(sizes.length),
    })
  }
  const start = sizes.slice(0, number - 1).reduce((sum, size) => sum + size, 0)
  return { start, end: start + (sizes[number - 1] as number) }
}

/** GET and HEAD of an object. */
export function getObject(context: OperationContext): S3Answer {
  const { request } = context
  const bucket = needBucket(context)
  const overrides = request.pairs.filter(([name]) =>
    /^response-(cache-control|content-(disposition|encoding|language|type)|expires)$/.test(name),
  )
  if (overrides.length > 0 && context.accessKeyId === undefined) {
    throw invalidRequest('Request specific response headers cannot be used for anonymous GET requests.')
  }
  const object = findObject(context, bucket, request.key, request.query['versionId'])
  needCustomerKey(object, request.headers)
  const headers = describe(object, bucket)
  if (notModified(request.headers, object)) {
    const { etag = '', 'last-modified': modified = '' } = headers
    return { status: 304, headers: { etag, 'last-modified': modified } }
  }
  for (const [name, value] of overrides) headers[name.slice('response-'.length)] = value
  const part = request.query['partNumber']
  const wanted = request.headers['range']
  const { length } = object.body
  const range = part === undefined ? readRange(wanted, length, unsatisfiable(wanted, length)) : partRange(object, part)
  if (range === undefined) {
    const wanted = request.headers['x-amz-checksum-mode']?.toUpperCase() === 'ENABLED'
    return { status: 200, headers: { ...headers, ...(wanted ? checksumHeaders(object) : {}) }, body: object.body }
  }
  const { start, end } = range
  headers['content-range'] = `bytes ${start}-${end - 1}/${object.body.length}`
  return { status: 206, headers, body: object.body.subarray(start, end) }
}

/** DELETE of one object; 204 also when there was none. */
export function deleteObject(context: OperationContext): S3Answer {
  const { request, state } = context
  const bucket = needBucket(context)
  needWrite(context, bucket)
  const match = request.headers['if-match']
  const current = bucket.current(request.key)
  if (match !== undefined && !state.options.ignoreConditions && !state.options.ignoreDeleteConditions) {
    if (state.options.refuseConditions) throw new S3Error(501, 'NotImplemented', 'If-Match is not implemented')
    if (current === undefined)
      throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.', { Key: request.key })
    if (!matches(match, current.etag)) throw preconditionFailed('If-Match')
  }
  if (state.options.undeletable?.includes(request.key)) throw accessDenied()
  const removed = bucket.remove(request.key, request.query['versionId'], state.now())
  const headers: Record<string, string> = {}
  if (removed !== undefined) headers['x-amz-version-id'] = removed.versionId
  if (removed?.deleteMarker) headers['x-amz-delete-marker'] = 'true'
  return { status: 204, headers }
}

/** POST ?delete. */
export function deleteObjects(context: OperationContext): S3Answer {
  const { request, state } = context
  const bucket = needBucket(context)
  needOwner(context)
  if (!Object.keys(request.headers).some(name => name === 'content-md5' || /^x-amz-checksum-(?!mode)/.test(name))) {
    throw invalidRequest('Missing required header for this request: Content-MD5 OR x-amz-checksum-*')
  }
  verifyBody(request.headers, request.body)
  const root = parseBody(request.body, 'Delete')
  const wanted = root.children.filter(child => child.name === 'Object')
  if (wanted.length === 0 || wanted.length > 1000) {
    throw new S3Error(
      400,
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
    )
  }
  const quiet = childText(root, 'Quiet') === 'true'
  const parts = wanted.map(node => {
    const key = childText(node, 'Key')
    const versionId = childText(node, 'VersionId')
    if (key === undefined || key === '') throw invalidArgument('Key', '', 'A key must be given')
    const version = versionId === undefined ? '' : element('VersionId', versionId)
    if (state.options.undeletable?.includes(key)) {
      return `<Error>${element('Key', key)}${version}${element('Code', 'AccessDenied')}${element('Message', 'Access Denied')}</Error>`
    }
    const removed = bucket.remove(key, versionId, state.now())
    if (quiet) return ''
    const marker = removed?.deleteMarker
      ? element('DeleteMarker', true) + element('DeleteMarkerVersionId', removed.versionId)
      : ''
    return `<Deleted>${element('Key', key)}${version}${marker}</Deleted>`
  })
  return xmlAnswer(document('DeleteResult', parts.join('')))
}
