/** CopyObject, and the source of UploadPartCopy. */
import { needBucket, needWrite } from './access.ts'
import { type OperationContext, type S3Answer, xmlAnswer } from './context.ts'
import { document, element, invalidArgument, invalidRequest, preconditionFailed, S3Error } from './errors.ts'
import {
  checksumHeaders,
  checkWriteConditions,
  encryptionHeaders,
  matches,
  needCustomerKey,
  readSettings,
} from './object-headers.ts'
import { checkKey, findObject, newEtag } from './objects.ts'
import { decode } from './request.ts'
import type { StoredObject } from './store.ts'

const sourceKeyPrefix = 'x-amz-copy-source-server-side-encryption-customer-'

/** The object that `x-amz-copy-source` names, with its conditions checked. */
export function copySource(context: OperationContext): { source: StoredObject; bucket: string; key: string } {
  const { headers } = context.request
  const text = headers['x-amz-copy-source'] ?? ''
  const [path = '', versionId] = text.replace(/^\//, '').split('?versionId=')
  const plain = decode(path)
  const slash = plain.indexOf('/')
  if (slash < 1 || slash === plain.length - 1) {
    throw invalidArgument(
      'x-amz-copy-source',
      text,
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
    )
  }
  const name = plain.slice(0, slash)
  const key = plain.slice(slash + 1)
  const bucket = needBucket({ ...context, request: { ...context.request, bucket: name } })
  const source = findObject(context, bucket, key, versionId)
  needCustomerKey(source, headers, sourceKeyPrefix)
  const match = headers['x-amz-copy-source-if-match']
  const none = headers['x-amz-copy-source-if-none-match']
  if (match !== undefined && !matches(match, source.etag)) throw preconditionFailed('x-amz-copy-source-If-Match')
  if (none !== undefined && matches(none, source.etag)) throw preconditionFailed('x-amz-copy-source-If-None-Match')
  return { source, bucket: name, key }
}

/** PUT with x-amz-copy-source. */
export function copyObject(context: OperationContext): S3Answer {
  const { request, state } = context
  const { headers } = request
  const bucket = needBucket(context)
  needWrite(context, bucket)
  checkKey(request.key)
  const { source, bucket: sourceBucket, key } = copySource(context)
  const limit = state.options.maxCopySize ?? 5 * 1024 ** 3
  if (source.body.length > limit) {
    throw invalidRequest(
      `The specified copy source is larger than the maximum allowable size for a copy source: ${limit}`,
    )
  }
  const directive = headers['x-amz-metadata-directive'] ?? 'COPY'
  const tagging = headers['x-amz-tagging-directive'] ?? 'COPY'
  if (directive !== 'COPY' && directive !== 'REPLACE') {
    throw invalidArgument('x-amz-metadata-directive', directive, 'Unknown metadata directive.')
  }
  const settings = readSettings(headers, bucket)
  const changed = ['x-amz-storage-class', 'x-amz-server-side-encryption', 'x-amz-website-redirect-location']
  const itself =
    sourceBucket === bucket.name && key === request.key && !headers['x-amz-copy-source']?.includes('?versionId=')
  if (itself && directive === 'COPY' && !changed.some(name => headers[name] !== undefined)) {
    throw invalidRequest(
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    )
  }
  checkWriteConditions(context, bucket)
  const object = bucket.put(request.key, {
    ...settings,
    ...(directive === 'COPY' ? { system: source.system, metadata: source.metadata } : {}),
    ...(tagging === 'COPY' ? { tags: source.tags } : {}),
    body: source.body,
    etag: newEtag(source.body, settings.encryption),
    lastModified: state.now(),
    deleteMarker: false,
    checksums: source.checksumType === 'FULL_OBJECT' ? source.checksums : {},
    checksumType: 'FULL_OBJECT',
    partSizes: [],
  })
  const more: Record<string, string> = { ...encryptionHeaders(object.encryption) }
  if (bucket.versioning === 'Enabled') more['x-amz-version-id'] = object.versionId
  if (source.versionId !== 'null') more['x-amz-copy-source-version-id'] = source.versionId
  return xmlAnswer(copyResult('CopyObjectResult', object), more)
}

/** The answer document of both copies. */
export function copyResult(root: string, object: Pick<StoredObject, 'etag' | 'lastModified' | 'checksums'>): string {
  const checksums = Object.entries(checksumHeaders({ checksums: object.checksums, checksumType: 'FULL_OBJECT' }))
    .filter(([name]) => name !== 'x-amz-checksum-type')
    .map(([name, value]) => element(`Checksum${name.slice('x-amz-checksum-'.length).toUpperCase()}`, value))
  const date = new Date(object.lastModified).toISOString()
  return document(root, element('LastModified', date) + element('ETag', `"${object.etag}"`) + checksums.join(''))
}

/** The bytes that `x-amz-copy-source-range` asks for; unlike Range it must lie inside the object. */
export function copyRange(context: OperationContext, source: StoredObject): Buffer {
  const text = context.request.headers['x-amz-copy-source-range']
  if (text === undefined) return source.body
  const match = /^bytes=(\d+)-(\d+)$/.exec(text)
  const start = Number(match?.[1])
  const end = Number(match?.[2]) + 1
  if (match === null || start >= end) {
    throw invalidArgument(
      'x-amz-copy-source-range',
      text,
      'The x-amz-copy-source-range value must be of the form bytes=first-last',
    )
  }
  if (end > source.body.length) {
    throw new S3Error(416, 'InvalidRange', 'Range specified is not valid for source object', {
      ActualObjectSize: String(source.body.length),
    })
  }
  return source.body.subarray(start, end)
}
