/** Who asks, and whether they may. Every key pair belongs to the one owner of all buckets. */
import type { OperationContext, ServerState } from './context.ts'
import { accessDenied, invalidRequest, S3Error } from './errors.ts'
import type { S3Request } from './request.ts'
import { verifyHeaderV2, verifyQueryV2 } from './sigv2.ts'
import { type Verifier, verifyHeaderV4, verifyQueryV4 } from './sigv4.ts'
import type { Bucket, StoredObject } from './store.ts'

/** The outcome of authentication. */
export interface Identity {
  readonly accessKeyId: string | undefined
  /** Hash to verify once the body is there. */
  readonly payload: string
}

/** Answers that send the caller to a bucket's own region. */
export function permanentRedirect(bucket: Bucket): S3Error {
  const message =
    'The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.'
  const endpoint = `${bucket.name}.s3.${bucket.region}.amazonaws.com`
  const details = { Endpoint: endpoint, Bucket: bucket.name }
  return new S3Error(301, 'PermanentRedirect', message, details, { 'x-amz-bucket-region': bucket.region })
}

/** Verifies the signature, if there is one. */
export function authenticate(request: S3Request, state: ServerState): Identity {
  const { options } = state
  const bucket = state.buckets.get(request.bucket)
  const verifier: Verifier = {
    credentials: state.credentials,
    region: bucket?.region ?? state.region,
    now: state.now(),
    allowAwsChunked: options.awsChunked ?? false,
    wrongRegion: region => {
      if (bucket !== undefined && bucket.region !== state.region && region === state.region)
        throw permanentRedirect(bucket)
    },
  }
  const allowed = options.signatures ?? ['v2', 'v4']
  const need = (version: 'v2' | 'v4'): void => {
    if (allowed.includes(version)) return
    const wanted = version === 'v2' ? 'AWS4-HMAC-SHA256' : 'AWS'
    throw invalidRequest(`The authorization mechanism you have provided is not supported. Please use ${wanted}.`)
  }
  const header = request.headers['authorization']
  const v4Query = request.query['X-Amz-Signature'] !== undefined || request.query['X-Amz-Algorithm'] !== undefined
  const v2Query = request.query['Signature'] !== undefined || request.query['AWSAccessKeyId'] !== undefined
  if (Number(header !== undefined) + Number(v4Query) + Number(v2Query) > 1) {
    const message =
      'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified'
    throw new S3Error(400, 'InvalidArgument', message, { ArgumentName: 'Authorization' })
  }
  if (v4Query) {
    need('v4')
    const payload = verifyQueryV4(request, verifier)
    return { accessKeyId: (request.query['X-Amz-Credential'] as string).split('/')[0], payload }
  }
  if (v2Query) {
    need('v2')
    verifyQueryV2(request, verifier)
    return { accessKeyId: request.query['AWSAccessKeyId'], payload: 'UNSIGNED-PAYLOAD' }
  }
  if (header === undefined) return { accessKeyId: undefined, payload: 'UNSIGNED-PAYLOAD' }
  if (header.startsWith('AWS4-HMAC-SHA256')) {
    need('v4')
    const payload = verifyHeaderV4(request, verifier)
    return { accessKeyId: /Credential=([^/]+)/.exec(header)?.[1], payload }
  }
  if (header.startsWith('AWS ')) {
    need('v2')
    verifyHeaderV2(request, verifier)
    return { accessKeyId: /^AWS ([^:]+)/.exec(header)?.[1], payload: 'UNSIGNED-PAYLOAD' }
  }
  throw new S3Error(400, 'InvalidArgument', 'Unsupported Authorization Type', { ArgumentName: 'Authorization' })
}

/** The bucket of a request; 404 NoSuchBucket. */
export function needBucket(context: OperationContext): Bucket {
  const { request, state } = context
  const bucket = state.buckets.get(request.bucket)
  if (bucket !== undefined) return bucket
  if (state.options.foreignBuckets?.includes(request.bucket)) throw accessDenied()
  const details = { BucketName: request.bucket }
  throw new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist', details)
}

/** Throws 403 unless the request is signed. */
export function needOwner(context: OperationContext): void {
  if (context.accessKeyId === undefined) throw accessDenied()
}

/** Throws 403 unless the caller may list the bucket. */
export function needList(context: OperationContext, bucket: Bucket): void {
  if (context.accessKeyId === undefined && !bucket.acl.startsWith('public-read')) throw accessDenied()
}

/** Throws 403 unless the caller may write to the bucket. */
export function needWrite(context: OperationContext, bucket: Bucket): void {
  if (context.accessKeyId === undefined && bucket.acl !== 'public-read-write') throw accessDenied()
}

/** Throws 403 unless the caller may read the object. */
export function needRead(context: OperationContext, object: StoredObject): void {
  if (context.accessKeyId === undefined && !object.acl.startsWith('public-read')) throw accessDenied()
}
