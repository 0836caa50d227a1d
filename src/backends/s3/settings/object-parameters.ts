import { nodeCrypto } from '../../../core/builtin.ts'
import type { ObjectParameters } from '../../../core/driver.ts'
import { StorageError } from '../../../core/errors.ts'
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from '../../../remote/checksums.ts'
import { metadataHeaders } from '../../../remote/metadata.ts'
import { ParameterTable, parameterOf, recordOf } from '../../../remote/parameters.ts'

/** Parameters of uploads (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html). */
const TABLE: ParameterTable = new ParameterTable('an S3', [
  ['ACL', 'x-amz-acl'],
  ['BucketKeyEnabled', 'x-amz-server-side-encryption-bucket-key-enabled'],
  ['CacheControl', 'cache-control'],
  ['ChecksumAlgorithm', '', noHeader],
  ['ContentDisposition', 'content-disposition', 'disposition'],
  ['ContentEncoding', 'content-encoding'],
  ['ContentLanguage', 'content-language'],
  ['ContentType', 'content-type'],
  ['ExpectedBucketOwner', 'x-amz-expected-bucket-owner'],
  ['Expires', 'expires', 'http-date'],
  ['GrantFullControl', 'x-amz-grant-full-control'],
  ['GrantRead', 'x-amz-grant-read'],
  ['GrantReadACP', 'x-amz-grant-read-acp'],
  ['GrantWriteACP', 'x-amz-grant-write-acp'],
  ['Metadata', '', addMetadata],
  ['ObjectLockLegalHoldStatus', 'x-amz-object-lock-legal-hold'],
  ['ObjectLockMode', 'x-amz-object-lock-mode'],
  ['ObjectLockRetainUntilDate', 'x-amz-object-lock-retain-until-date', 'iso-date'],
  ['RequestPayer', 'x-amz-request-payer'],
  ['SSECustomerAlgorithm', 'x-amz-server-side-encryption-customer-algorithm'],
  ['SSECustomerKey', 'x-amz-server-side-encryption-customer-key', addKey],
  ['SSECustomerKeyMD5', 'x-amz-server-side-encryption-customer-key-md5'],
  ['SSEKMSEncryptionContext', 'x-amz-server-side-encryption-context', 'json'],
  ['SSEKMSKeyId', 'x-amz-server-side-encryption-aws-kms-key-id'],
  ['ServerSideEncryption', 'x-amz-server-side-encryption'],
  ['StorageClass', 'x-amz-storage-class'],
  ['Tagging', 'x-amz-tagging', 'query'],
  ['WebsiteRedirectLocation', 'x-amz-website-redirect-location'],
])

/** Prefix of the headers with user metadata. */
export const METADATA_PREFIX: string = 'x-amz-meta-'

/** The kind of a request, by the parameters that it supports. */
export type ParameterUse = 'write' | 'read' | 'part' | 'base'

const BASE: readonly string[] = ['ExpectedBucketOwner', 'RequestPayer']
const PART: ReadonlySet<string> = new Set([...BASE, 'SSECustomerAlgorithm', 'SSECustomerKey', 'SSECustomerKeyMD5'])

/** The parameters of each request other than PUT and CreateMultipartUpload. */
const USES: Readonly<Record<ParameterUse, ReadonlySet<string> | undefined>> = {
  write: undefined,
  read: PART,
  part: PART,
  base: new Set(BASE),
}

/** The parameter's own spelling, found in any case. Code `invalid_argument`, with the name, for an unknown one. */
export function parameterName(name: string): string {
  return TABLE.nameOf(name)
}

/** The parameter that a header, in lower case, stands for. */
export function headerParameter(header: string): string | undefined {
  return TABLE.ofHeader(header)
}

/** Adds the headers of S3 parameters (`CacheControl`, `storageClass` ...); null and undefined are left out. */
export function addParameters(headers: Record<string, string>, parameters: ObjectParameters, use: ParameterUse): void {
  TABLE.add(headers, parameters, USES[use])
}

/** Refuses parameters that no upload can have: unknown names, and values that no header can carry. */
export function checkParameters(parameters: ObjectParameters): void {
  addParameters({}, parameters, 'write')
  checksumOption(parameters)
}

/** The algorithm in `ChecksumAlgorithm`. Code `invalid_argument` for an unsupported algorithm. */
export function checksumOption(
  parameters: Readonly<Record<string, unknown>> | undefined,
): ChecksumAlgorithm | undefined {
  const wanted = parameters === undefined ? undefined : parameterOf(parameters, 'ChecksumAlgorithm')
  if (wanted === undefined || wanted === null) return undefined
  const found = CHECKSUM_ALGORITHMS.find(name => name === wanted)
  if (found !== undefined) return found
  const known = CHECKSUM_ALGORITHMS.join(', ')
  throw new StorageError('invalid_argument', `ChecksumAlgorithm must be one of ${known}, not '${wanted}'.`)
}

function addMetadata(headers: Record<string, string>, value: unknown): void {
  metadataHeaders(headers, recordOf('Metadata', value), METADATA_PREFIX)
}

function noHeader(): void {}

/** Adds a customer's key in base64 with its MD5. It may be 32 bytes, 32 characters or base64 of 32 bytes. */
function addKey(headers: Record<string, string>, value: unknown): void {
  const header = 'x-amz-server-side-encryption-customer-key'
  const given = typeof value === 'string' ? keyBytes(value) : ArrayBuffer.isView(value) ? bytesOf(value) : undefined
  if (given === undefined || given.length !== 32) {
    throw new StorageError('invalid_argument', 'SSECustomerKey must have 32 bytes.')
  }
  headers[header] = given.toString('base64')
  headers[`${header}-md5`] ??= nodeCrypto().hash('md5', given, 'base64')
  headers['x-amz-server-side-encryption-customer-algorithm'] ??= 'AES256'
}

function keyBytes(text: string): Buffer {
  return text.length === 44 ? Buffer.from(text, 'base64') : Buffer.from(text, 'utf8')
}

function bytesOf(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength)
}
