/** Access controls as resources of their own: `.../acl` and `.../acl/ENTITY` of an object, or of a bucket. */
import { readAclEntry } from './acl.ts'
import type { GcsAnswer, OperationContext } from './context.ts'
import { GcsError } from './errors.ts'
import { jsonBody } from './request.ts'
import { aclResource, answerFields } from './resource.ts'
import type { AclEntry, StoredObject } from './store.ts'

/** Reads or changes a list of entries; `save` keeps a new list and returns the object, if it is one's. */
export function editAcl(
  context: OperationContext,
  acl: readonly AclEntry[],
  save: (acl: readonly AclEntry[]) => StoredObject | undefined,
): GcsAnswer {
  const { request } = context
  const { method, bucket, segments } = request
  const entity = segments.at(-1) === 'acl' ? undefined : segments.at(-1)
  const object = segments[2] === 'o' ? context.state.buckets.get(bucket)?.live(request.key) : undefined
  const found = acl.find(one => one.entity === entity)
  if (method === 'GET' && entity === undefined) {
    const kind = object === undefined ? 'storage#bucketAccessControls' : 'storage#objectAccessControls'
    return answerFields(context, { kind, items: acl.map(one => aclResource(one, bucket, object)) })
  }
  if (method === 'POST') {
    const entry = readAclEntry(jsonBody(request))
    const stored = save([...acl.filter(one => one.entity !== entry.entity), entry])
    return answerFields(context, aclResource(entry, bucket, stored))
  }
  if (found === undefined) throw new GcsError(404, 'notFound', `The specified ACL entry does not exist: ${entity}`)
  if (method === 'GET') return answerFields(context, aclResource(found, bucket, object))
  if (method === 'DELETE') {
    save(acl.filter(one => one !== found))
    return { status: 204 }
  }
  const entry = readAclEntry({ ...found, ...jsonBody(request) })
  const stored = save(acl.map(one => (one === found ? entry : one)))
  return answerFields(context, aclResource(entry, bucket, stored))
}
