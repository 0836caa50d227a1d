/** What every operation gets and gives. */
import { type StrictAnswer, xmlAnswer } from '../strict/answer.ts'
import type { S3Request } from './request.ts'
import type { S3Credentials } from './sigv4.ts'
import type { Bucket, BucketOptions } from './store.ts'

export { type StrictAnswer as S3Answer, xmlAnswer }

/** Options of the strict server; every one is optional. */
export interface StrictS3Options {
  /** Default us-east-1. */
  readonly region?: string
  readonly credentials?: readonly S3Credentials[]
  /** Default one private bucket `media`. */
  readonly buckets?: readonly (string | BucketOptions)[]
  /** Host suffixes for virtual style; default `localhost`. */
  readonly domains?: readonly string[]
  /** Which signatures are accepted; default both. */
  readonly signatures?: readonly ('v2' | 'v4')[]
  /** The server's clock, milliseconds since 1970; default Date.now. */
  readonly now?: () => number
  /** Bytes every part but the last must have; default 5 MiB. */
  readonly minPartSize?: number
  /** Most bytes of one PUT or part; default 5 GiB. */
  readonly maxPutSize?: number
  /** Most bytes CopyObject takes; default 5 GiB. */
  readonly maxCopySize?: number
  /** Most keys per listing page; default 1000. */
  readonly pageSize?: number
  /** Accept aws-chunked bodies with an unsigned payload and a trailer; default refuse with 501. */
  readonly awsChunked?: boolean
  /** Silently ignore If-None-Match and If-Match on writes, as some compatible servers do. */
  readonly ignoreConditions?: boolean
  /** Silently ignore If-Match on DELETE only. */
  readonly ignoreDeleteConditions?: boolean
  /** Answer 501 to If-None-Match and If-Match on writes. */
  readonly refuseConditions?: boolean
  /** Keep and echo x-amz-checksum-*; default true. */
  readonly echoChecksums?: boolean
  /** Keys that DeleteObjects answers AccessDenied for. */
  readonly undeletable?: readonly string[]
  /** Buckets of other accounts: taken, and closed. */
  readonly foreignBuckets?: readonly string[]
  /** Answer 200 to the creation of a bucket that is there, as Amazon does in us-east-1; default 409 BucketAlreadyOwnedByYou. */
  readonly recreates?: boolean
}

/** The server's state. */
export interface ServerState {
  readonly options: StrictS3Options
  readonly region: string
  readonly credentials: readonly S3Credentials[]
  readonly buckets: Map<string, Bucket>
  now(): number
}

/** One request with its rights. */
export interface OperationContext {
  readonly state: ServerState
  readonly request: S3Request
  /** Undefined for an anonymous request. */
  readonly accessKeyId: string | undefined
}
