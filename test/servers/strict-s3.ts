/**
 * A strict S3 server in memory, for tests. It verifies signatures, hashes and conditions the way Amazon S3 documents them
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/) and answers with its error documents.
 */
import { createHash } from 'node:crypto'
import type { LoggedRequest } from './strict/log.ts'
import { type StrictServer, type StrictService, startStrictServer } from './strict/server.ts'
import { authenticate, type Identity } from './strict-s3/access.ts'
import type { ServerState, StrictS3Options } from './strict-s3/context.ts'
import { errorDocument } from './strict-s3/errors.ts'
import { checkWriteConditions } from './strict-s3/object-headers.ts'
import { parseRequest, type S3Request, unwrap } from './strict-s3/request.ts'
import { operationName, runOperation } from './strict-s3/routes.ts'
import { checkPayload, type S3Credentials } from './strict-s3/sigv4.ts'
import { Bucket, type BucketOptions, type StoredObject } from './strict-s3/store.ts'

export type { BucketOptions, LoggedRequest, S3Credentials, StoredObject, StrictS3Options }

/** What the log of the server has of each request besides. */
export interface S3Logged {
  readonly bucket: string
  readonly key: string
  readonly anonymous: boolean
}

/** A running strict server; its `url` is the path-style endpoint, and with Host `bucket.localhost` it serves virtual style too. */
export interface StrictS3 extends StrictServer<S3Request, S3Logged> {
  readonly region: string
  readonly credentials: S3Credentials
  /** What was switched on or off by the options. */
  readonly features: Readonly<Record<string, boolean>>
  /** A bucket's state, to look behind the protocol; throws when there is none. */
  bucket(name?: string): Bucket
}

function stateOf(options: StrictS3Options): ServerState {
  const region = options.region ?? 'us-east-1'
  const now = options.now ?? Date.now
  const credentials = options.credentials ?? [{ accessKeyId: 'AKIDSTRICT', secretAccessKey: 'strict+secret/key' }]
  const buckets = new Map<string, Bucket>()
  for (const one of options.buckets ?? ['media']) {
    const bucket = new Bucket(typeof one === 'string' ? { name: one } : one, region, now())
    buckets.set(bucket.name, bucket)
  }
  return { options, region, credentials, buckets, now }
}

function serviceOf(state: ServerState): StrictService<S3Request, Identity, S3Logged> {
  const domains = state.options.domains ?? ['localhost']
  return {
    parse: (message, requestId) => parseRequest(message, domains, requestId),
    operation: operationName,
    authenticate(request, operation) {
      if (operation === 'PostObject') return { accessKeyId: undefined, payload: 'UNSIGNED-PAYLOAD' }
      const identity = authenticate(request, state)
      const bucket = state.buckets.get(request.bucket)
      if (operation === 'PutObject' && bucket !== undefined && identity.accessKeyId !== undefined) {
        checkWriteConditions({ state, request, accessKeyId: identity.accessKeyId }, bucket)
      }
      return identity
    },
    unwrap(request, { payload }) {
      checkPayload(payload, request.body)
      return unwrap(request, payload, state.options.awsChunked ?? false)
    },
    run: (operation, request, { accessKeyId }) => runOperation(operation, { state, request, accessKeyId }),
    errorAnswer(refusal, request, requestId) {
      const { bucket = '', key = '' } = request ?? {}
      const resource = `/${bucket}${key === '' ? '' : `/${key}`}`
      const headers = { 'content-type': 'application/xml', ...refusal.headers }
      return { status: refusal.status, headers, body: errorDocument(refusal, resource, requestId, hostIdOf(requestId)) }
    },
    headers: requestId => ({ 'x-amz-request-id': requestId, 'x-amz-id-2': hostIdOf(requestId), server: 'AmazonS3' }),
    logged: ({ bucket, key }, identity) => ({ bucket, key, anonymous: identity?.accessKeyId === undefined }),
  }
}

function hostIdOf(requestId: string): string {
  return createHash('sha256').update(requestId).digest('base64')
}

/** Starts a strict S3 server on a free loopback port. */
export async function startStrictS3(options: StrictS3Options = {}): Promise<StrictS3> {
  const state = stateOf(options)
  const server = await startStrictServer(serviceOf(state))
  return {
    ...server,
    region: state.region,
    credentials: state.credentials[0] as S3Credentials,
    features: {
      acl: true,
      sigV2: options.signatures?.includes('v2') ?? true,
      sigV4: options.signatures?.includes('v4') ?? true,
      awsChunked: options.awsChunked ?? false,
      conditionalWrites: !options.ignoreConditions && !options.refuseConditions,
      conditionalComplete: !options.ignoreConditions && !options.refuseConditions,
      checksums: options.echoChecksums !== false,
      virtualHost: true,
      versions: true,
    },
    bucket: (name = 'media') => {
      const bucket = state.buckets.get(name)
      if (bucket === undefined) throw new Error(`no bucket ${name}`)
      return bucket
    },
  }
}
