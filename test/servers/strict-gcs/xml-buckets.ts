/** Buckets of the XML API: list of all, create, head, delete, and the listing of objects. */
import { childText, document, element, parseBody } from '../strict/xml.ts'
import { need, needBucket, ownerOf } from './access.ts'
import { predefinedXml } from './acl.ts'
import { createBucket, deleteBucket } from './buckets.ts'
import type { GcsAnswer, OperationContext } from './context.ts'
import { GcsError, invalid } from './errors.ts'
import { etagOf } from './etag.ts'
import { pageOf, readLimit } from './listing.ts'
import { segment } from './resource.ts'
import { compareNames, type StoredObject } from './store.ts'
import { googleHeaders } from './xml-headers.ts'

/** The namespace that the service still uses. */
const NAMESPACE = 'http://doc.s3.amazonaws.com/2006-03-01'

function xmlAnswer(root: string, inner: string): GcsAnswer {
  const headers = { 'content-type': 'application/xml; charset=UTF-8' }
  return { status: 200, headers, body: document(root, inner, NAMESPACE) }
}

/** GET /: 400 without a project, which no default stands in for. */
export function xmlListBuckets(context: OperationContext): GcsAnswer {
  const { state, request } = context
  const project = googleHeaders(request.headers)['x-goog-project-id']
  need(context, 'buckets.list')
  if (project === undefined) {
    throw new GcsError(400, 'invalid', 'x-goog-project-id is missing', { xml: 'MissingSecurityHeader' })
  }
  if (project !== state.projectId && project !== '1') throw invalid(`Unknown project ${project}`)
  const all = [...state.buckets.values()].sort((a, b) => compareNames(a.name, b.name))
  const list = all.map(
    bucket =>
      `<Bucket>${element('Name', bucket.name)}${element('CreationDate', new Date(bucket.created).toISOString())}</Bucket>`,
  )
  return xmlAnswer(
    'ListAllMyBucketsResult',
    `<Owner>${element('ID', ownerOf(context))}</Owner><Buckets>${list.join('')}</Buckets>`,
  )
}

/** PUT of a bucket. */
export function xmlCreateBucket(context: OperationContext): GcsAnswer {
  const { request } = context
  const acl = googleHeaders(request.headers)['x-goog-acl']
  const root = request.body.length === 0 ? undefined : parseBody(request.body, 'CreateBucketConfiguration')
  if (request.body.length > 0 && root === undefined) {
    throw new GcsError(400, 'invalid', 'The XML you provided was not well-formed.', {
      xml: 'MalformedBucketConfiguration',
    })
  }
  const read = (name: string): string | undefined => (root === undefined ? undefined : childText(root, name))
  createBucket(context, {
    name: request.bucket,
    location: read('LocationConstraint'),
    storageClass: read('StorageClass'),
    acl: predefinedXml(acl ?? 'project-private', ownerOf(context), 'bucket'),
  })
  return { status: 200 }
}

/** DELETE of a bucket. */
export function xmlDeleteBucket(context: OperationContext): GcsAnswer {
  return deleteBucket(context)
}

/** HEAD of a bucket. */
export function xmlHeadBucket(context: OperationContext): GcsAnswer {
  need(context, 'objects.list', needBucket(context))
  return { status: 200, headers: { 'content-type': 'application/xml; charset=UTF-8' } }
}

/** GET of a bucket: version 1 with `marker`, or version 2 with `continuation-token`. */
export function xmlListObjects(context: OperationContext): GcsAnswer {
  const { query } = context.request
  const bucket = needBucket(context)
  need(context, 'objects.list', bucket)
  const isSecond = query['list-type'] === '2'
  const token = query['continuation-token']
  const after = isSecond
    ? token === undefined
      ? query['start-after']
      : Buffer.from(token, 'base64url').toString('utf8')
    : query['marker']
  const delimiter = query['delimiter'] ?? ''
  const prefix = query['prefix'] ?? ''
  const limit = readLimit(context, 'max-keys')
  const encode = encodingOf(query['encoding-type'])
  const versions = query['versions'] !== undefined
  const offsets = { startOffset: '', endOffset: '', trailingDelimiter: false }
  const page = pageOf(bucket, {
    prefix,
    delimiter,
    limit,
    after: after === '' ? undefined : after,
    versions,
    ...offsets,
  })
  const parts = [element('Name', bucket.name), element('Prefix', encode(prefix))]
  if (delimiter !== '') parts.push(element('Delimiter', encode(delimiter)))
  if (isSecond) {
    parts.push(element('KeyCount', page.objects.length + page.prefixes.length))
    if (page.next !== undefined)
      parts.push(element('NextContinuationToken', Buffer.from(page.next).toString('base64url')))
  } else {
    parts.push(element('Marker', encode(query['marker'] ?? '')))
    if (page.next !== undefined) parts.push(element('NextMarker', encode(page.next)))
  }
  parts.push(element('MaxKeys', limit), element('IsTruncated', page.next !== undefined))
  for (const object of page.objects) parts.push(contents(encode, object))
  for (const one of page.prefixes) parts.push(`<CommonPrefixes>${element('Prefix', encode(one))}</CommonPrefixes>`)
  return xmlAnswer('ListBucketResult', parts.join(''))
}

function encodingOf(type: string | undefined): (text: string) => string {
  if (type === undefined) return text => text
  if (type !== 'url') throw invalid(`Invalid encoding-type ${type}`)
  return text => text.split('/').map(segment).join('/')
}

function contents(encode: (text: string) => string, object: StoredObject): string {
  const parts = [
    element('Key', encode(object.name)),
    element('Generation', String(object.generation)),
    element('MetaGeneration', String(object.metageneration)),
    element('LastModified', new Date(object.updated).toISOString()),
    element('ETag', etagOf(object, 'xml')),
    element('Size', object.body.length),
  ]
  return `<Contents>${parts.join('')}</Contents>`
}
