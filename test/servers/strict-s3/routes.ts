/** Which operation a request asks for. */
import * as buckets from './buckets.ts'
import type { OperationContext, S3Answer } from './context.ts'
import { copyObject } from './copy.ts'
import { S3Error } from './errors.ts'
import { listObjects, listVersions } from './listing.ts'
import * as multipart from './multipart.ts'
import * as objects from './objects.ts'
import { postForm } from './post-form.ts'
import type { S3Request } from './request.ts'

const operations: Readonly<Record<string, (context: OperationContext) => S3Answer>> = {
  ListBuckets: buckets.listBuckets,
  CreateBucket: buckets.createBucket,
  HeadBucket: buckets.headBucket,
  DeleteBucket: buckets.deleteBucket,
  GetBucketLocation: buckets.bucketLocation,
  GetBucketVersioning: buckets.bucketVersioning,
  PutBucketVersioning: buckets.bucketVersioning,
  GetBucketAcl: buckets.accessControl,
  PutBucketAcl: buckets.accessControl,
  ListObjects: listObjects,
  ListObjectsV2: listObjects,
  ListObjectVersions: listVersions,
  ListMultipartUploads: multipart.listUploads,
  DeleteObjects: objects.deleteObjects,
  PostObject: postForm,
  PutObject: objects.putObject,
  GetObject: objects.getObject,
  HeadObject: objects.getObject,
  DeleteObject: objects.deleteObject,
  CopyObject: copyObject,
  GetObjectAcl: buckets.accessControl,
  PutObjectAcl: buckets.accessControl,
  GetObjectTagging: buckets.objectTagging,
  PutObjectTagging: buckets.objectTagging,
  DeleteObjectTagging: buckets.objectTagging,
  CreateMultipartUpload: multipart.createUpload,
  UploadPart: multipart.uploadPart,
  UploadPartCopy: multipart.uploadPart,
  CompleteMultipartUpload: multipart.completeUpload,
  AbortMultipartUpload: multipart.abortUpload,
  ListParts: multipart.listParts,
}

const verbs: Readonly<Record<string, string>> = { GET: 'Get', PUT: 'Put', DELETE: 'Delete' }

function bucketOperation(request: S3Request, has: (name: string) => boolean): string {
  const { method } = request
  if (has('acl')) return `${verbs[method]}BucketAcl`
  if (has('versioning')) return `${verbs[method]}BucketVersioning`
  if (method === 'PUT') return 'CreateBucket'
  if (method === 'HEAD') return 'HeadBucket'
  if (method === 'DELETE') return 'DeleteBucket'
  if (method === 'POST') return has('delete') ? 'DeleteObjects' : 'PostObject'
  if (has('location')) return 'GetBucketLocation'
  if (has('uploads')) return 'ListMultipartUploads'
  if (has('versions')) return 'ListObjectVersions'
  return request.query['list-type'] === undefined ? 'ListObjects' : 'ListObjectsV2'
}

/** The operation's name in the API reference, or 'Unknown'. */
export function operationName(request: S3Request): string {
  const has = (name: string): boolean => request.query[name] !== undefined
  const { method } = request
  let name: string
  if (request.bucket === '') name = method === 'GET' ? 'ListBuckets' : 'Unknown'
  else if (request.key === '') name = bucketOperation(request, has)
  else if (has('acl')) name = `${verbs[method]}ObjectAcl`
  else if (has('tagging')) name = `${verbs[method]}ObjectTagging`
  else if (method === 'POST') name = has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload'
  else if (has('uploadId')) {
    const part = request.headers['x-amz-copy-source'] === undefined ? 'UploadPart' : 'UploadPartCopy'
    name = { PUT: part, DELETE: 'AbortMultipartUpload', GET: 'ListParts' }[method] ?? 'Unknown'
  } else if (method === 'PUT') name = request.headers['x-amz-copy-source'] === undefined ? 'PutObject' : 'CopyObject'
  else name = { GET: 'GetObject', HEAD: 'HeadObject', DELETE: 'DeleteObject' }[method] ?? 'Unknown'
  return name in operations ? name : 'Unknown'
}

/** Runs an operation; 405 for an unknown one. */
export function runOperation(name: string, context: OperationContext): S3Answer {
  const operation = operations[name]
  if (operation !== undefined) return operation(context)
  throw new S3Error(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.', {
    Method: context.request.method,
  })
}
