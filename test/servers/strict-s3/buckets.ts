/** Operations on buckets, and the ACL and tagging subresources. */
import { needBucket, needList, needOwner, permanentRedirect } from './access.ts'
import { type OperationContext, type S3Answer, xmlAnswer } from './context.ts'
import { document, element, invalidArgument, S3Error } from './errors.ts'
import { readAcl, readTags } from './object-headers.ts'
import { findObject } from './objects.ts'
import { Bucket, type StoredObject } from './store.ts'
import { childText, parseBody } from './xml-body.ts'

/** GET of the service: all buckets, or pages of them where `max-buckets` is given. */
export function listBuckets(context: OperationContext): S3Answer {
  needOwner(context)
  const { 'max-buckets': most, 'continuation-token': token = '' } = context.request.query
  if (most !== undefined && !(/^\d{1,5}$/.test(most) && Number(most) >= 1 && Number(most) <= 10_000)) {
    throw invalidArgument('max-buckets', most, 'Argument max-buckets must be an integer between 1 and 10000.')
  }
  const after = Buffer.from(token, 'base64url').toString('utf8')
  const names = [...context.state.buckets.keys()].sort().filter(name => name > after)
  const page = names.slice(0, most === undefined ? names.length : Number(most))
  const next = page.length < names.length ? Buffer.from(page.at(-1) as string).toString('base64url') : undefined
  const buckets = page.map(name => {
    const bucket = context.state.buckets.get(name) as Bucket
    const date = element('CreationDate', new Date(bucket.created).toISOString())
    return `<Bucket>${element('Name', bucket.name)}${date}${element('BucketRegion', bucket.region)}</Bucket>`
  })
  const owner = '<Owner><ID>owner</ID><DisplayName>owner</DisplayName></Owner>'
  const more = next === undefined ? '' : element('ContinuationToken', next)
  return xmlAnswer(document('ListAllMyBucketsResult', `${owner}<Buckets>${buckets.join('')}</Buckets>${more}`))
}

/** PUT of a bucket. */
export function createBucket(context: OperationContext): S3Answer {
  const { request, state } = context
  needOwner(context)
  const name = request.bucket
  if (!/^(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) || name.includes('..')) {
    throw new S3Error(400, 'InvalidBucketName', 'The specified bucket is not valid.', { BucketName: name })
  }
  const text =
    request.body.length === 0
      ? undefined
      : childText(parseBody(request.body, 'CreateBucketConfiguration'), 'LocationConstraint')
  const wanted = text === 'EU' ? 'eu-west-1' : text
  if ((wanted ?? 'us-east-1') !== state.region) {
    const message = `The ${wanted ?? 'unspecified'} location constraint is incompatible for the region specific endpoint this request was sent to.`
    throw new S3Error(400, 'IllegalLocationConstraintException', message)
  }
  if (wanted === 'us-east-1') {
    throw new S3Error(400, 'InvalidLocationConstraint', 'The specified location-constraint is not valid', {
      LocationConstraint: wanted,
    })
  }
  if (state.options.foreignBuckets?.includes(name)) {
    const message =
      'The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.'
    throw new S3Error(409, 'BucketAlreadyExists', message, { BucketName: name })
  }
  if (state.buckets.has(name) && state.options.recreates) return { status: 200, headers: { location: `/${name}` } }
  if (state.buckets.has(name)) {
    const message = 'Your previous request to create the named bucket succeeded and you already own it.'
    throw new S3Error(409, 'BucketAlreadyOwnedByYou', message, { BucketName: name })
  }
  const ownershipEnforced = request.headers['x-amz-object-ownership'] === 'BucketOwnerEnforced'
  const bucket = new Bucket({ name, ownershipEnforced }, state.region, state.now())
  bucket.acl = readAcl(request.headers, bucket)
  state.buckets.set(name, bucket)
  return { status: 200, headers: { location: `/${name}` } }
}

/** HEAD of a bucket; 301 when it is in another region. */
export function headBucket(context: OperationContext): S3Answer {
  const bucket = needBucket(context)
  const scope = /Credential=[^,]*?\/\d{8}\/([^/]+)\//.exec(context.request.headers['authorization'] ?? '')?.[1]
  if (bucket.region !== context.state.region && scope !== bucket.region) throw permanentRedirect(bucket)
  needList(context, bucket)
  return { status: 200, headers: { 'x-amz-bucket-region': bucket.region, 'content-type': 'application/xml' } }
}

/** DELETE of a bucket; 409 when it is not empty. */
export function deleteBucket(context: OperationContext): S3Answer {
  const bucket = needBucket(context)
  needOwner(context)
  if (bucket.objects.size > 0) {
    const details = { BucketName: bucket.name }
    throw new S3Error(409, 'BucketNotEmpty', 'The bucket you tried to delete is not empty', details)
  }
  context.state.buckets.delete(bucket.name)
  return { status: 204 }
}

/** GET ?location. */
export function bucketLocation(context: OperationContext): S3Answer {
  const bucket = needBucket(context)
  needOwner(context)
  return xmlAnswer(document('LocationConstraint', bucket.region === 'us-east-1' ? '' : bucket.region))
}

/** GET and PUT ?versioning. */
export function bucketVersioning(context: OperationContext): S3Answer {
  const bucket = needBucket(context)
  needOwner(context)
  if (context.request.method === 'PUT') {
    const status = childText(parseBody(context.request.body, 'VersioningConfiguration'), 'Status')
    bucket.versioning = status === 'Enabled' ? 'Enabled' : 'Suspended'
    return { status: 200 }
  }
  const inner = bucket.versioning === undefined ? '' : element('Status', bucket.versioning)
  return xmlAnswer(document('VersioningConfiguration', inner))
}

function grants(acl: string): string {
  const schema = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
  const group = (name: string, permission: string): string =>
    `<Grant><Grantee ${schema} xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/${name}</URI></Grantee>` +
    `${element('Permission', permission)}</Grant>`
  const owner = `<Grant><Grantee ${schema} xsi:type="CanonicalUser"><ID>owner</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>`
  const read = acl.startsWith('public-read') ? group('AllUsers', 'READ') : ''
  const write = acl === 'public-read-write' ? group('AllUsers', 'WRITE') : ''
  return owner + read + write + (acl === 'authenticated-read' ? group('AuthenticatedUsers', 'READ') : '')
}

/** Replaces one stored version in place. */
function update(bucket: Bucket, key: string, old: StoredObject, change: Partial<StoredObject>): void {
  const versions = bucket.objects.get(key) as StoredObject[]
  versions[versions.indexOf(old)] = { ...old, ...change }
}

/** GET and PUT ?acl of an object or a bucket; PUT takes canned ACLs only. */
export function accessControl(context: OperationContext): S3Answer {
  const { request } = context
  const bucket = needBucket(context)
  needOwner(context)
  const object = request.key === '' ? undefined : findObject(context, bucket, request.key, request.query['versionId'])
  if (request.method !== 'PUT') {
    const list = `<AccessControlList>${grants(object?.acl ?? bucket.acl)}</AccessControlList>`
    return xmlAnswer(document('AccessControlPolicy', `<Owner><ID>owner</ID></Owner>${list}`))
  }
  if (request.headers['x-amz-acl'] === undefined) {
    throw new S3Error(400, 'MissingSecurityHeader', 'Your request was missing a required header', {
      MissingHeaderName: 'x-amz-acl',
    })
  }
  const acl = readAcl(request.headers, bucket)
  if (object === undefined) bucket.acl = acl
  else update(bucket, request.key, object, { acl })
  return { status: 200 }
}

/** GET, PUT and DELETE ?tagging of an object. */
export function objectTagging(context: OperationContext): S3Answer {
  const { request } = context
  const bucket = needBucket(context)
  needOwner(context)
  const object = findObject(context, bucket, request.key, request.query['versionId'])
  if (request.method === 'DELETE') {
    update(bucket, request.key, object, { tags: {} })
    return { status: 204 }
  }
  if (request.method === 'PUT') {
    const set = parseBody(request.body, 'Tagging').children.find(child => child.name === 'TagSet')
    const pairs = (set?.children ?? []).map((tag): [string, string] => [
      childText(tag, 'Key') ?? '',
      childText(tag, 'Value') ?? '',
    ])
    update(bucket, request.key, object, { tags: readTags(new URLSearchParams(pairs).toString()) })
    return { status: 200 }
  }
  const tags = Object.entries(object.tags)
    .map(([name, value]) => `<Tag>${element('Key', name)}${element('Value', value)}</Tag>`)
    .join('')
  return xmlAnswer(document('Tagging', `<TagSet>${tags}</TagSet>`))
}
