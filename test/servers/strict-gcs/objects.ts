/** `storage.objects` get, patch, update and delete. */
import { need, needBucket, needObject } from './access.ts'
import { checkAclAllowed } from './acl.ts'
import { editAcl } from './acl-entries.ts'
import type { GcsAnswer, OperationContext } from './context.ts'
import { mediaAnswer } from './download.ts'
import { invalid } from './errors.ts'
import { checkPreconditions, readPreconditions } from './preconditions.ts'
import { jsonBody, numberParameter } from './request.ts'
import { answerFields, objectResource, projectionOf } from './resource.ts'
import { askedAcl, readMetadata, readResource, type SettingsChange } from './settings.ts'
import type { Bucket, ObjectSettings, StoredObject } from './store.ts'
import { checkRate } from './write.ts'

/** GET: the resource, or the bytes with `alt=media`. */
export function getObject(context: OperationContext): GcsAnswer {
  const { request } = context
  const bucket = needBucket(context)
  const object = needObject(context, bucket, request.key, numberParameter(request, 'generation'))
  checkPreconditions(readPreconditions(request), object, { read: true })
  if (request.query['alt'] === 'media') return mediaAnswer(context, object, 'json')
  const projection = projectionOf(context)
  if (projection === 'full') need(context, 'objects.getIamPolicy', bucket)
  return answerFields(context, objectResource(context, bucket, object, projection))
}

/** PATCH: changes what the resource names, and takes away what it names null. */
export function patchObject(context: OperationContext): GcsAnswer {
  return changeObject(context, (object, resource, change) => {
    const { metadata } = resource
    const isMerge = typeof metadata === 'object' && metadata !== null
    const merged = isMerge ? { metadata: mergeMetadata(object.metadata, metadata) } : {}
    const { storageClass, acl } = object
    return { ...object, ...change, ...merged, storageClass, acl }
  })
}

/** PUT: replaces all that can be changed. */
export function updateObject(context: OperationContext): GcsAnswer {
  return changeObject(context, (object, _resource, change) => {
    const metadata = change.metadata === undefined ? undefined : readMetadata(change.metadata)
    const { storageClass, kmsKeyName, acl } = object
    return { ...emptySettings, ...change, metadata, storageClass, kmsKeyName, acl }
  })
}

const emptySettings: Omit<ObjectSettings, 'storageClass' | 'acl'> = {
  contentType: undefined,
  contentEncoding: undefined,
  contentDisposition: undefined,
  contentLanguage: undefined,
  cacheControl: undefined,
  customTime: undefined,
  temporaryHold: undefined,
  eventBasedHold: undefined,
}

function mergeMetadata(old: ObjectSettings['metadata'], change: object): Record<string, string> {
  const merged: Record<string, unknown> = { ...old, ...change }
  for (const [name, value] of Object.entries(merged)) if (value === null) delete merged[name]
  return readMetadata(merged)
}

function changeObject(
  context: OperationContext,
  changed: (object: StoredObject, resource: Record<string, unknown>, change: SettingsChange) => ObjectSettings,
): GcsAnswer {
  const { request, state } = context
  const bucket = needBucket(context)
  const object = findForChange(context, bucket)
  checkPreconditions(readPreconditions(request), object)
  const resource = jsonBody(request)
  const change = readResource(resource)
  if (change.storageClass !== undefined && change.storageClass !== object.storageClass) {
    throw invalid('The storage class of an object is changed by a rewrite, not by a patch.')
  }
  const before = object.customTime
  if (
    before !== undefined &&
    'customTime' in change &&
    !(change.customTime !== undefined && change.customTime >= before)
  ) {
    throw invalid('Custom time cannot be removed or set to an earlier time.')
  }
  const acl = askedAcl(resource, request.query['predefinedAcl'], object.owner)
  if (acl !== undefined) {
    checkAclAllowed(bucket, acl)
    need(context, 'objects.setIamPolicy', bucket)
  }
  checkRate(context, bucket, object.name)
  const settings = changed(object, resource, change)
  const stored = bucket.change(object, acl === undefined ? settings : { ...settings, acl }, state.now())
  const projection = projectionOf(context, acl !== undefined || request.method === 'PUT')
  return answerFields(context, objectResource(context, bucket, stored, projection))
}

/** The object that a change is about: `storage.objects.update`, and 404. */
function findForChange(context: OperationContext, bucket: Bucket): StoredObject {
  const { request } = context
  need(context, 'objects.update', bucket)
  return bucket.need(request.key, numberParameter(request, 'generation'))
}

/** DELETE: 204; 404 where there is nothing. */
export function deleteObject(context: OperationContext): GcsAnswer {
  const { request } = context
  const bucket = needBucket(context)
  removeObject(context, bucket, numberParameter(request, 'generation'), readPreconditions(request))
  return { status: 204 }
}

/** Deletes for the JSON and the XML API alike. */
export function removeObject(
  context: OperationContext,
  bucket: Bucket,
  generation: bigint | undefined,
  conditions: ReturnType<typeof readPreconditions>,
): void {
  const { request, state } = context
  need(context, 'objects.delete', bucket)
  const object = bucket.need(request.key, generation)
  checkPreconditions(conditions, object)
  checkRate(context, bucket, request.key)
  bucket.remove(request.key, generation, state.now())
}

/** The ACL of an object: list, get, insert, patch, update, delete of entries. */
export function objectAcl(context: OperationContext): GcsAnswer {
  const { request, state } = context
  const bucket = needBucket(context)
  checkAclAllowed(bucket, undefined)
  need(context, request.method === 'GET' ? 'objects.getIamPolicy' : 'objects.setIamPolicy', bucket)
  const object = bucket.need(request.key, numberParameter(request, 'generation'))
  return editAcl(context, object.acl, acl => {
    checkAclAllowed(bucket, acl)
    return bucket.change(object, { ...object, acl }, state.now())
  })
}
