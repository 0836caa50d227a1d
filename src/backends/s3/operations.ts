import type { HttpRequest } from '../../http/request.ts'
import type { Expected } from '../../remote/answers.ts'
import { BUCKETS } from '../../remote/bucket-listing.ts'
import type { ServiceRequest } from '../../remote/service.ts'
import type { Query } from '../../remote/sign/query.ts'

/** One request of the S3 protocol. */
export interface S3Request extends Pick<ServiceRequest, 'conflicts'> {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** Absent for a request to the bucket itself. */
  readonly key?: string | undefined
  readonly query?: Exclude<Query, string> | undefined
  /** Lower-case names; the client adds the headers for signing. */
  readonly headers?: Record<string, string> | undefined
  /** A stream can be sent only once and needs `content-length` in the headers. */
  readonly body?: HttpRequest['body']
  /** Whether another region is an error. Default: the client follows to that region. */
  readonly stay?: boolean | undefined
}

/** Headers of every object (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html). */
const OF_OBJECTS = ['ETag', 'Last-Modified']

const OBJECT: Expected = { statuses: [200], fileHas: OF_OBJECTS }
/** Services that return neither header are small; the size that they report is accepted. */
const HEAD: Expected = { ...OBJECT, orBare: true }
const RANGE: Expected = { statuses: [200, 206], fileHas: OF_OBJECTS }
const UPLOAD: Expected = { statuses: [200], headers: ['ETag'] }
const BUCKET: Expected = { statuses: [200, 201] }
const DELETION: Expected = { statuses: [200, 204] }
/**
 * A service that does not encode keys writes control characters, which XML cannot contain: they spoil only their own keys. Ceph repeats
 * `start-after` unencoded.
 */
const LISTING: Expected = { ...documentOf(['ListBucketResult']), replacesForbidden: true }
const UPLOADS = documentOf(['ListMultipartUploadsResult'])
const PARTS = documentOf(['ListPartsResult'])
const ACL = documentOf(['AccessControlPolicy'])
const CHANGED: Expected = { statuses: [200] }
const CREATION = documentOf(['InitiateMultipartUploadResult'], ['UploadId'])
const COMPLETION = documentOf(['CompleteMultipartUploadResult'], ['ETag'])
const BATCH = documentOf(['DeleteResult'])
const COPY = documentOf(['CopyObjectResult'], ['ETag'])
const PART_COPY = documentOf(['CopyPartResult', 'CopyObjectResult'], ['ETag'])

/** The expected answer of S3 to a successful request (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html). */
export function expectedOf({ method, key, query, headers }: S3Request): Expected {
  switch (method) {
    case 'HEAD':
      return HEAD
    case 'DELETE':
      return DELETION
    case 'GET':
      if (key === undefined && has(query, 'max-buckets')) return BUCKETS
      if (key === undefined) return has(query, 'uploads') ? UPLOADS : LISTING
      if (has(query, 'uploadId')) return PARTS
      if (has(query, 'acl')) return ACL
      return headers?.['range'] === undefined ? OBJECT : RANGE
    case 'POST':
      if (has(query, 'uploads')) return CREATION
      return has(query, 'delete') ? BATCH : COMPLETION
    case 'PUT':
      if (key === undefined) return BUCKET
      if (has(query, 'acl')) return CHANGED
      if (headers?.['x-amz-copy-source'] === undefined) return UPLOAD
      return has(query, 'partNumber') ? PART_COPY : COPY
  }
}

/** Whether a 404 to the request means that a file is missing: for reads, deletions, the source of a copy, and `If-Match`. */
export function seeksFile({ method, key, query, headers }: S3Request): boolean {
  if (has(query, 'acl')) return true
  if (method !== 'PUT' && method !== 'POST') return key !== undefined
  return headers?.['x-amz-copy-source'] !== undefined || headers?.['if-match'] !== undefined
}

function documentOf(root: readonly string[], fields: readonly string[] = []): Expected {
  return { statuses: [200], root, fields }
}

function has(query: S3Request['query'], wanted: string): boolean {
  return query?.some(([name]) => name === wanted) === true
}
