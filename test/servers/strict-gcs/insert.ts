/** `storage.objects.insert` with the bytes in the request: media and multipart (https://cloud.google.com/storage/docs/json_api/v1/objects/insert). */
import { needBucket, ownerOf } from './access.ts'
import { expectedByHeaders } from './checksums.ts'
import type { GcsAnswer, OperationContext } from './context.ts'
import { GcsError, invalid, missing } from './errors.ts'
import { etagOf } from './etag.ts'
import { splitParts } from './mime.ts'
import { readPreconditions } from './preconditions.ts'
import { parseObject } from './request.ts'
import { answerFields, objectResource, projectionOf } from './resource.ts'
import { askedAcl, expectedByResource, readResource } from './settings.ts'
import type { Bucket, StoredObject } from './store.ts'
import { type ObjectWrite, storeObject } from './write.ts'

/** What an insert's query and resource say; the content type is that of the bytes unless the resource tells one. */
export function readInsert(
  context: OperationContext,
  resource: Readonly<Record<string, unknown>>,
  contentType: string | undefined,
): ObjectWrite {
  const { query } = context.request
  const inBody = resource['name']
  if (inBody !== undefined && typeof inBody !== 'string') throw invalid('Invalid value for: name')
  const inQuery = query['name']
  if (inBody !== undefined && inQuery !== undefined && inBody !== inQuery) throw disagree(inBody, inQuery)
  const name = inQuery ?? inBody
  if (name === undefined || name === '') throw missing('name')
  const inBucket = resource['bucket']
  if (inBucket !== undefined && inBucket !== context.request.bucket)
    throw disagree(String(inBucket), context.request.bucket)
  const change = readResource(resource)
  change.contentType ??= contentType ?? 'application/octet-stream'
  change.contentEncoding ??= query['contentEncoding']
  change.kmsKeyName = query['kmsKeyName']
  const acl = askedAcl(resource, query['predefinedAcl'], ownerOf(context))
  return { name, change, acl, conditions: readPreconditions(context.request) }
}

function disagree(inBody: string, inQuery: string): GcsError {
  return invalid(
    `Value '${inBody}' in content does not agree with value '${inQuery}'. ` +
      'This can happen when a value set through a parameter is inconsistent with a value set in the request.',
  )
}

/** The answer of a finished insert. */
export function insertAnswer(context: OperationContext, bucket: Bucket, object: StoredObject): GcsAnswer {
  const projection = projectionOf(context, context.request.query['predefinedAcl'] !== undefined)
  return answerFields(context, objectResource(context, bucket, object, projection), { etag: etagOf(object) })
}

/** `uploadType=media`: the body is the object. */
export function insertMedia(context: OperationContext): GcsAnswer {
  const { request } = context
  const bucket = needBucket(context)
  needLength(context)
  const write = readInsert(context, {}, request.headers['content-type'])
  const object = storeObject(context, bucket, request.body, write, expectedByHeaders(request.headers))
  return insertAnswer(context, bucket, object)
}

/** `uploadType=multipart`: the resource, then the bytes. */
export function insertMultipart(context: OperationContext): GcsAnswer {
  const { request } = context
  const bucket = needBucket(context)
  needLength(context)
  const parts = splitParts(request.body, request.headers['content-type'] ?? '', 'multipart/related')
  const [first, second] = parts
  if (first === undefined || second === undefined || parts.length !== 2) {
    throw new GcsError(400, 'badRequest', `Malformed multipart body: expected 2 parts, got ${parts.length}.`)
  }
  if (!/^application\/json\s*(;|$)/i.test(first.headers['content-type'] ?? '')) {
    throw new GcsError(400, 'badRequest', 'Malformed multipart body: the first part is not application/json.')
  }
  const resource = parseObject(first.body)
  const write = readInsert(context, resource, second.headers['content-type'])
  const expected = [expectedByResource(resource), expectedByHeaders(request.headers)]
  return insertAnswer(context, bucket, storeObject(context, bucket, second.body, write, ...expected))
}

function needLength(context: OperationContext): void {
  const { headers } = context.request
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) return
  throw new GcsError(411, 'lengthRequired', 'POST requests require a Content-Length header.')
}
