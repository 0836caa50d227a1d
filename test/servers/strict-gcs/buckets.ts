/** `storage.buckets`: insert, get, list, patch, delete, and their ACLs. */
import { need, needBucket, ownerOf } from './access.ts'
import { checkAclAllowed, predefined } from './acl.ts'
import { editAcl } from './acl-entries.ts'
import type { GcsAnswer, OperationContext } from './context.ts'
import { conditionNotMet, GcsError, invalid, missing } from './errors.ts'
import { checkBucketName } from './names.ts'
import { jsonBody, numberParameter } from './request.ts'
import { answerFields, bucketResource, projectionOf } from './resource.ts'
import { storageClasses } from './settings.ts'
import { Bucket, compareNames } from './store.ts'

function text(resource: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = resource[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw invalid(`Invalid value for: ${name}`)
  return value
}

function flag(resource: Readonly<Record<string, unknown>>, ...path: readonly string[]): boolean | undefined {
  let value: unknown = resource
  for (const name of path) value = (value as Record<string, unknown> | undefined)?.[name]
  return typeof value === 'boolean' ? value : undefined
}

/** POST: 409 for a name that is taken. */
export function insertBucket(context: OperationContext): GcsAnswer {
  const { state, request } = context
  const { query } = request
  if (query['project'] === undefined || query['project'] === '') throw missing('project')
  if (query['project'] !== state.projectId && query['project'] !== '1')
    throw invalid(`Unknown project id: ${query['project']}`, 'project')
  const resource = jsonBody(request)
  const name = text(resource, 'name')
  if (name === undefined) throw missing('name')
  const storageClass = text(resource, 'storageClass')?.toUpperCase()
  if (storageClass !== undefined && !storageClasses.includes(storageClass))
    throw invalid(`Invalid storage class ${storageClass}`)
  const uniform = flag(resource, 'iamConfiguration', 'uniformBucketLevelAccess', 'enabled') ?? false
  const owner = ownerOf(context)
  const acl = query['predefinedAcl']
  const defaultAcl = query['predefinedDefaultObjectAcl']
  if (uniform && (acl !== undefined || defaultAcl !== undefined)) {
    throw invalid('Cannot use ACL API to set bucket policy when uniform bucket-level access is enabled.')
  }
  const bucket = createBucket(context, {
    name,
    location: text(resource, 'location'),
    storageClass,
    uniform,
    versioning: flag(resource, 'versioning', 'enabled'),
    acl: uniform ? [] : predefined(acl ?? 'projectPrivate', owner, 'bucket'),
    defaultObjectAcl: uniform || defaultAcl === undefined ? [] : predefined(defaultAcl, owner, 'object').slice(1),
    labels: (resource['labels'] as Record<string, string> | undefined) ?? {},
  })
  return answerFields(context, bucketResource(context, bucket, projectionOf(context, acl !== undefined)))
}

/** Makes a bucket for either API. */
export function createBucket(context: OperationContext, options: ConstructorParameters<typeof Bucket>[0]): Bucket {
  const { state } = context
  need(context, 'buckets.create')
  checkBucketName(options.name)
  if (state.buckets.has(options.name)) {
    const message = 'Your previous request to create the named bucket succeeded and you already own it.'
    throw new GcsError(409, 'conflict', message, { xml: 'BucketAlreadyOwnedByYou' })
  }
  const bucket = new Bucket(options, state.now())
  state.buckets.set(bucket.name, bucket)
  return bucket
}

function checkBucketConditions(context: OperationContext, bucket: Bucket): void {
  const match = numberParameter(context.request, 'ifMetagenerationMatch')
  const notMatch = numberParameter(context.request, 'ifMetagenerationNotMatch')
  if (match !== undefined && match !== bucket.metageneration) throw conditionNotMet(412)
  if (notMatch !== undefined && notMatch === bucket.metageneration) {
    throw conditionNotMet(context.request.method === 'GET' ? 304 : 412)
  }
}

/** GET. */
export function getBucket(context: OperationContext): GcsAnswer {
  const bucket = needBucket(context)
  need(context, 'buckets.get', bucket)
  checkBucketConditions(context, bucket)
  return answerFields(context, bucketResource(context, bucket, projectionOf(context)))
}

/** GET of all buckets of a project. */
export function listBuckets(context: OperationContext): GcsAnswer {
  const { state, request } = context
  const { project, prefix = '', pageToken } = request.query
  if (project === undefined || project === '') throw missing('project')
  need(context, 'buckets.list')
  const most = Number(numberParameter(request, 'maxResults') ?? state.options.pageSize ?? 1000)
  const after = pageToken === undefined ? '' : Buffer.from(pageToken, 'base64url').toString('utf8')
  const names = [...state.buckets.keys()].sort(compareNames).filter(name => name.startsWith(prefix) && name > after)
  const page = names.slice(0, most)
  const projection = projectionOf(context)
  const items = page.map(name => bucketResource(context, state.buckets.get(name) as Bucket, projection))
  const next = names.length > page.length ? { nextPageToken: Buffer.from(page.at(-1) ?? '').toString('base64url') } : {}
  return answerFields(context, { kind: 'storage#buckets', ...next, ...(items.length === 0 ? {} : { items }) })
}

/** PATCH: versioning, uniform access, public access prevention, labels, storage class. */
export function patchBucket(context: OperationContext): GcsAnswer {
  const { state, request } = context
  const bucket = needBucket(context)
  need(context, 'buckets.update', bucket)
  checkBucketConditions(context, bucket)
  const resource = jsonBody(request)
  bucket.versioning = flag(resource, 'versioning', 'enabled') ?? bucket.versioning
  bucket.uniform = flag(resource, 'iamConfiguration', 'uniformBucketLevelAccess', 'enabled') ?? bucket.uniform
  const prevention = (resource['iamConfiguration'] as Record<string, unknown> | undefined)?.['publicAccessPrevention']
  if (prevention !== undefined) bucket.preventPublic = prevention === 'enforced'
  bucket.storageClass = text(resource, 'storageClass') ?? bucket.storageClass
  if (typeof resource['labels'] === 'object' && resource['labels'] !== null) {
    bucket.labels = { ...bucket.labels, ...(resource['labels'] as Record<string, string>) }
  }
  bucket.metageneration++
  bucket.updated = state.now()
  return answerFields(context, bucketResource(context, bucket, projectionOf(context)))
}

/** DELETE: 409 for a bucket that is not empty. */
export function deleteBucket(context: OperationContext): GcsAnswer {
  const bucket = needBucket(context)
  need(context, 'buckets.delete', bucket)
  checkBucketConditions(context, bucket)
  if (bucket.objects.size > 0) {
    throw new GcsError(409, 'conflict', 'The bucket you tried to delete is not empty.', { xml: 'BucketNotEmpty' })
  }
  context.state.buckets.delete(bucket.name)
  return { status: 204 }
}

/** Entries of a bucket's ACL, or of the ACL that new objects get. */
export function bucketAcl(context: OperationContext): GcsAnswer {
  const bucket = needBucket(context)
  checkAclAllowed(bucket, undefined)
  need(context, 'buckets.update', bucket)
  const field = context.request.segments[2] === 'acl' ? 'acl' : 'defaultObjectAcl'
  return editAcl(context, bucket[field], acl => {
    checkAclAllowed(bucket, acl)
    bucket[field] = acl
    return undefined
  })
}
