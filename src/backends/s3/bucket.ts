import { S3Error } from './errors.ts'
import type { S3Request } from './operations.ts'
import type { Preset } from './settings/presets.ts'

/** Options for creating the bucket. */
export interface BucketOptions {
  readonly preset: Preset
  readonly regionName?: string | null | undefined
  /** Whether to create the bucket when a request finds it missing. */
  readonly autoCreateBucket?: boolean | undefined
  /** Whether all writes are forbidden, including creating a bucket. */
  readonly readOnly?: boolean | undefined
  /** Canned ACL of a new bucket. */
  readonly bucketAcl?: string | null | undefined
}

/** CreateBucket in the region of the settings. */
export function bucketRequest({ bucketAcl, regionName, preset }: BucketOptions): S3Request {
  const headers: Record<string, string> = bucketAcl ? { 'x-amz-acl': bucketAcl } : {}
  const located = preset.provider === 'aws' && regionName && regionName !== 'us-east-1'
  const body = located
    ? `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${regionName}</LocationConstraint></CreateBucketConfiguration>`
    : ''
  return { method: 'PUT', headers, body, stay: true }
}

/** Whether CreateBucket failed because the bucket exists and belongs to this account. */
export function isOwnBucket(error: unknown): boolean {
  return error instanceof S3Error && error.serviceCode === 'BucketAlreadyOwnedByYou'
}
