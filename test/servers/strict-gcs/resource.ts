/** Objects and buckets as JSON resources (https://cloud.google.com/storage/docs/json_api/v1/objects#resource). */

import { jsonAnswer, type StrictAnswer } from '../strict/answer.ts'
import type { OperationContext } from './context.ts'
import { invalid } from './errors.ts'
import { etagOf } from './etag.ts'
import { parseFields, select } from './fields.ts'
import type { AclEntry, Bucket, StoredObject } from './store.ts'

/** The full resource: with the ACL and the owner. */
type Projection = 'full' | 'noAcl'

const time = (ms: number): string => new Date(ms).toISOString()

/** A segment of a path. */
export function segment(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** One entry of an object's ACL. */
export function aclResource(entry: AclEntry, bucket: string, object?: StoredObject): Record<string, unknown> {
  const kind = object === undefined ? 'storage#bucketAccessControl' : 'storage#objectAccessControl'
  const more = object === undefined ? {} : { object: object.name, generation: String(object.generation) }
  const email = /^user-(.+)$/.exec(entry.entity)?.[1]
  return { kind, bucket, ...more, ...entry, ...(email === undefined ? {} : { email }), etag: 'CAE=' }
}

/** An object. */
export function objectResource(
  context: OperationContext,
  bucket: Bucket,
  object: StoredObject,
  projection: Projection = 'noAcl',
): Record<string, unknown> {
  const { url } = context.state.running
  const path = `b/${segment(bucket.name)}/o/${segment(object.name)}`
  const { generation, metageneration, metadata, acl, deleted } = object
  const isFull = projection === 'full' && !bucket.uniform
  const resource: Record<string, unknown> = {
    kind: 'storage#object',
    id: `${bucket.name}/${object.name}/${generation}`,
    selfLink: `${url}/storage/v1/${path}`,
    mediaLink: `${url}/download/storage/v1/${path}?generation=${generation}&alt=media`,
    name: object.name,
    bucket: bucket.name,
    generation: String(generation),
    metageneration: String(metageneration),
    contentType: object.contentType,
    storageClass: object.storageClass,
    size: String(object.body.length),
    md5Hash: object.md5,
    crc32c: object.crc32c,
    etag: etagOf(object),
    contentEncoding: object.contentEncoding,
    contentDisposition: object.contentDisposition,
    contentLanguage: object.contentLanguage,
    cacheControl: object.cacheControl,
    metadata: metadata === undefined || Object.keys(metadata).length === 0 ? undefined : metadata,
    customTime: object.customTime,
    temporaryHold: object.temporaryHold,
    eventBasedHold: object.eventBasedHold,
    kmsKeyName: object.kmsKeyName,
    componentCount: object.componentCount,
    timeCreated: time(object.created),
    updated: time(object.updated),
    timeStorageClassUpdated: time(object.created),
    timeFinalized: time(object.created),
    timeDeleted: deleted === undefined ? undefined : time(deleted),
    acl: isFull ? acl.map(entry => aclResource(entry, bucket.name, object)) : undefined,
    owner: isFull ? { entity: `user-${object.owner}` } : undefined,
  }
  return Object.fromEntries(Object.entries(resource).filter(([, value]) => value !== undefined))
}

/** A bucket. */
export function bucketResource(
  context: OperationContext,
  bucket: Bucket,
  projection: Projection,
): Record<string, unknown> {
  const { url } = context.state.running
  const isFull = projection === 'full' && !bucket.uniform
  return {
    kind: 'storage#bucket',
    id: bucket.name,
    selfLink: `${url}/storage/v1/b/${bucket.name}`,
    projectNumber: '1',
    name: bucket.name,
    metageneration: String(bucket.metageneration),
    location: bucket.location,
    locationType: bucket.location.length <= 4 ? 'multi-region' : 'region',
    storageClass: bucket.storageClass,
    etag: 'CAE=',
    timeCreated: time(bucket.created),
    updated: time(bucket.updated),
    iamConfiguration: {
      uniformBucketLevelAccess: { enabled: bucket.uniform },
      publicAccessPrevention: bucket.preventPublic ? 'enforced' : 'inherited',
    },
    ...(bucket.versioning ? { versioning: { enabled: true } } : {}),
    ...(Object.keys(bucket.labels).length === 0 ? {} : { labels: bucket.labels }),
    ...(isFull ? { acl: bucket.acl.map(entry => aclResource(entry, bucket.name)) } : {}),
  }
}

/** The projection that a request asks for; a body with an ACL asks for the full one. */
export function projectionOf(context: OperationContext, asked = false): Projection {
  const text = context.request.query['projection']
  if (text === undefined) return asked ? 'full' : 'noAcl'
  if (text === 'full' || text === 'noAcl') return text
  throw invalid(`Invalid value for: ${text} is not a valid value`, 'projection')
}

/** An answer in JSON with only the `fields` that the request asks for. */
export function answerFields(
  context: OperationContext,
  value: Record<string, unknown>,
  headers: Readonly<Record<string, string>> = {},
): StrictAnswer {
  const { fields } = context.request.query
  const kept = fields === undefined ? value : select(value, parseFields(fields))
  return jsonAnswer(kept, { headers: { 'content-type': 'application/json; charset=UTF-8', ...headers } })
}
