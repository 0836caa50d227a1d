/** Whether who asks may do what they ask for: roles, scopes and ACLs. */
import type { Account, Role } from './accounts.ts'
import type { OperationContext } from './context.ts'
import { GcsError, noSuchBucket, noSuchObject, unauthorized } from './errors.ts'
import type { AclEntry, Bucket, StoredObject } from './store.ts'

/** What IAM calls them, without `storage.`. */
export type Permission =
  | 'buckets.create'
  | 'buckets.delete'
  | 'buckets.get'
  | 'buckets.list'
  | 'buckets.update'
  | 'objects.create'
  | 'objects.delete'
  | 'objects.get'
  | 'objects.getIamPolicy'
  | 'objects.list'
  | 'objects.setIamPolicy'
  | 'objects.update'

const roles: Readonly<Record<Role, (permission: Permission) => boolean>> = {
  admin: () => true,
  objectAdmin: permission => permission.startsWith('objects.'),
  objectCreator: permission => permission === 'objects.create',
  objectViewer: permission => permission === 'objects.get' || permission === 'objects.list',
  none: () => false,
}

const base = 'https://www.googleapis.com/auth/'
const readScopes = [`${base}devstorage.read_only`, `${base}cloud-platform.read-only`]
const writeScopes = [`${base}devstorage.read_write`]
const fullScopes = [`${base}devstorage.full_control`, `${base}cloud-platform`]

function scopesFor(permission: Permission): readonly string[] {
  if (/\.(get|list)$/.test(permission)) return [...readScopes, ...writeScopes, ...fullScopes]
  if (/\.(create|delete)$/.test(permission)) return [...writeScopes, ...fullScopes]
  return fullScopes
}

/** 403 where the token was given for less. */
export function needScope(scopes: readonly string[] | undefined, wanted: readonly string[]): void {
  if (scopes === undefined || scopes.some(scope => wanted.includes(scope))) return
  const headers = {
    'www-authenticate': `Bearer realm="https://accounts.google.com/", error="insufficient_scope", scope="${wanted.join(' ')}"`,
  }
  const message = 'Provided scope(s) are not authorized'
  throw new GcsError(403, 'forbidden', message, { domain: 'global', xml: 'AccessDenied' }, headers)
}

/** The scopes of Google Cloud as a whole, which IAM wants. */
export const cloudPlatform: string = `${base}cloud-platform`

function isNamed(entry: AclEntry, account: Account | undefined): boolean {
  if (entry.entity === 'allUsers') return true
  if (account === undefined) return false
  return entry.entity === 'allAuthenticatedUsers' || entry.entity === `user-${account.email}`
}

function grantedByAcl(
  permission: Permission,
  account: Account | undefined,
  bucket: Bucket,
  object?: StoredObject,
): boolean {
  if (bucket.publicRead && (permission === 'objects.get' || permission === 'objects.list')) return true
  if (bucket.uniform) return false
  if (permission === 'objects.get') return object?.acl.some(entry => isNamed(entry, account)) ?? false
  const wanted = permission === 'objects.list' ? ['READER', 'WRITER', 'OWNER'] : ['WRITER', 'OWNER']
  if (!['objects.list', 'objects.create', 'objects.delete'].includes(permission)) return false
  return bucket.acl.some(entry => wanted.includes(entry.role) && isNamed(entry, account))
}

/** Whether the caller has a permission. */
export function isAllowed(
  context: OperationContext,
  permission: Permission,
  bucket?: Bucket,
  object?: StoredObject,
): boolean {
  const { account } = context.identity
  if (account !== undefined && roles[account.role](permission)) return true
  return bucket !== undefined && grantedByAcl(permission, account, bucket, object)
}

/** 403, or 401 for an anonymous caller, unless the caller has the permission and a token for it. */
export function need(context: OperationContext, permission: Permission, bucket?: Bucket, object?: StoredObject): void {
  const { account, scopes } = context.identity
  if (isAllowed(context, permission, bucket, object)) {
    if (account !== undefined) needScope(scopes, scopesFor(permission))
    return
  }
  const kind = permission.startsWith('objects.') ? 'object' : 'bucket'
  const who = account === undefined ? 'Anonymous caller' : account.email
  const message =
    `${who} does not have storage.${permission} access to the Google Cloud Storage ${kind}. ` +
    `Permission 'storage.${permission}' denied on resource (or it may not exist).`
  if (account === undefined && context.request.api !== 'xml') throw unauthorized(message, 'required')
  throw new GcsError(403, 'forbidden', message, { xml: 'AccessDenied' })
}

/** The bucket of a request; 404. */
export function needBucket(context: OperationContext, name: string = context.request.bucket): Bucket {
  const bucket = context.state.buckets.get(name)
  if (bucket === undefined) throw noSuchBucket()
  return bucket
}

/** The object that a caller may read; 404, or 403 for one who may not know that it is missing. */
export function needObject(
  context: OperationContext,
  bucket: Bucket,
  name: string,
  generation: bigint | undefined,
): StoredObject {
  const object = bucket.find(name, generation)
  if (object === undefined) {
    if (!isAllowed(context, 'objects.list', bucket)) need(context, 'objects.get', bucket)
    throw noSuchObject(bucket.name, name)
  }
  need(context, 'objects.get', bucket, object)
  return object
}

/** Who becomes the owner of what the caller makes. */
export function ownerOf(context: OperationContext): string {
  return context.identity.account?.email ?? 'anonymous@strict.invalid'
}
