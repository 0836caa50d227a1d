import type { CallContext } from '../../core/call.ts'
import type { RequestOptions, Visibility } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { S3Client } from './client.ts'
import { S3Error } from './errors.ts'
import { otherHeaders } from './headers.ts'

/** The group of all users, with and without credentials. (https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html) */
const EVERYBODY = 'http://acs.amazonaws.com/groups/global/AllUsers'
const READS: ReadonlySet<string | undefined> = new Set(['READ', 'FULL_CONTROL'])

/** GetObjectAcl: whether a grant allows all users to read. */
export async function visibilityOf(
  client: S3Client,
  key: string,
  { objectParameters }: RequestOptions,
  ctx: CallContext,
): Promise<Visibility> {
  const headers = otherHeaders('base', objectParameters)
  const { root } = await client.xml({ method: 'GET', key, query: [['acl']], headers }, ctx).catch(refused)
  const grants = root.child('AccessControlList')?.children('Grant') ?? []
  const isPublic = grants.some(grant => {
    const permission = grant.child('Permission')?.text.trim()
    return READS.has(permission) && grant.child('Grantee')?.child('URI')?.text.trim() === EVERYBODY
  })
  return isPublic ? 'public' : 'private'
}

/** PutObjectAcl with a canned ACL. */
export async function setVisibility(
  client: S3Client,
  key: string,
  visibility: Visibility,
  { objectParameters }: RequestOptions,
  ctx: CallContext,
): Promise<void> {
  const acl = visibility === 'public' ? 'public-read' : 'private'
  const headers = { ...otherHeaders('base', objectParameters), 'x-amz-acl': acl }
  await client.done({ method: 'PUT', key, query: [['acl']], headers, body: '' }, ctx).catch(refused)
}

function refused(error: unknown): never {
  if (!(error instanceof S3Error) || error.serviceCode !== 'AccessControlListNotSupported') throw error
  const text =
    'The bucket has no access rules of single files (Object Ownership is "Bucket owner enforced"): use a bucket policy.'
  throw new StorageError('unsupported', text, { cause: error, status: error.status })
}
