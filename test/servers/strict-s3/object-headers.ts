/** The headers that set up an object, and those that describe it again. */
import { createHash } from 'node:crypto'
import type { OperationContext } from './context.ts'
import { accessDenied, invalidArgument, invalidRequest, notImplemented, preconditionFailed, S3Error } from './errors.ts'
import { type Bucket, cannedAcls, type Encryption, type ObjectSettings, type StoredObject } from './store.ts'

type Headers = Readonly<Record<string, string>>

const systemNames: readonly string[] = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
  'x-amz-website-redirect-location',
]

const storageClasses: readonly string[] =
  'STANDARD,REDUCED_REDUNDANCY,STANDARD_IA,ONEZONE_IA,INTELLIGENT_TIERING,GLACIER,DEEP_ARCHIVE,GLACIER_IR,EXPRESS_ONEZONE'.split(
    ',',
  )

/** Reads `x-amz-acl`; refuses what the bucket's ownership or public access block forbids. */
export function readAcl(headers: Headers, bucket: Bucket): string {
  const acl = headers['x-amz-acl']
  const grants = Object.keys(headers).filter(name => name.startsWith('x-amz-grant-'))
  if (bucket.ownershipEnforced && (grants.length > 0 || (acl !== undefined && acl !== 'bucket-owner-full-control'))) {
    throw new S3Error(400, 'AccessControlListNotSupported', 'The bucket does not allow ACLs')
  }
  if (acl === undefined) return 'private'
  if (!cannedAcls.includes(acl)) throw invalidArgument('x-amz-acl', acl, 'Invalid canned ACL')
  if (bucket.blockPublicAcls && acl.startsWith('public-')) throw accessDenied()
  return acl
}

/** Reads `a=b&c=d`; 400 for more than ten tags. */
export function readTags(text: string | undefined): Record<string, string> {
  const tags = Object.fromEntries(new URLSearchParams(text ?? ''))
  if (Object.keys(tags).length > 10) throw new S3Error(400, 'BadRequest', 'Object tags cannot be greater than 10')
  for (const [name, value] of Object.entries(tags)) {
    if (name === '' || name.length > 128)
      throw new S3Error(400, 'InvalidTag', 'The TagKey you have provided is invalid')
    if (value.length > 256) throw new S3Error(400, 'InvalidTag', 'The TagValue you have provided is invalid')
  }
  return tags
}

/** Checks an SSE-C key against its MD5; gives the MD5, or undefined when there are no such headers. */
export function readCustomerKey(
  headers: Headers,
  prefix = 'x-amz-server-side-encryption-customer-',
): string | undefined {
  const algorithm = headers[`${prefix}algorithm`]
  const key = headers[`${prefix}key`]
  const md5 = headers[`${prefix}key-md5`]
  if (algorithm === undefined && key === undefined && md5 === undefined) return undefined
  if (algorithm !== 'AES256') {
    const message =
      'Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.'
    throw invalidArgument('x-amz-server-side-encryption', String(algorithm), message)
  }
  const bytes = Buffer.from(key ?? '', 'base64')
  if (bytes.length !== 32)
    throw invalidArgument(`${prefix}key`, '', 'The secret key was invalid for the specified algorithm.')
  if (createHash('md5').update(bytes).digest('base64') !== md5) {
    throw invalidArgument(
      `${prefix}key-md5`,
      String(md5),
      'The calculated MD5 hash of the key did not match the hash that was provided.',
    )
  }
  return md5
}

function readEncryption(headers: Headers): Encryption {
  const algorithm = headers['x-amz-server-side-encryption']
  const kmsKeyId = headers['x-amz-server-side-encryption-aws-kms-key-id']
  const customerKeyMd5 = readCustomerKey(headers)
  if (algorithm !== undefined && !['AES256', 'aws:kms', 'aws:kms:dsse'].includes(algorithm)) {
    throw invalidArgument('x-amz-server-side-encryption', algorithm, 'The encryption method specified is not supported')
  }
  if (kmsKeyId !== undefined && !algorithm?.startsWith('aws:kms')) {
    const message =
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms'
    throw invalidArgument('x-amz-server-side-encryption', String(algorithm), message)
  }
  if (algorithm !== undefined && customerKeyMd5 !== undefined) {
    const message =
      'Server Side Encryption with Customer provided key is incompatible with the encryption method specified'
    throw invalidArgument('x-amz-server-side-encryption', algorithm, message)
  }
  return { algorithm, kmsKeyId, customerKeyMd5 }
}

/** Reads everything a PUT or CreateMultipartUpload says besides the bytes. */
export function readSettings(headers: Headers, bucket: Bucket): ObjectSettings {
  const system: Record<string, string> = {}
  for (const name of systemNames) {
    const value = headers[name]
    if (value !== undefined && value !== '') system[name] = value
  }
  const encoding = system['content-encoding']?.split(/\s*,\s*/).filter(part => part !== 'aws-chunked')
  if (encoding?.length === 0) delete system['content-encoding']
  else if (encoding !== undefined) system['content-encoding'] = encoding.join(',')
  system['content-type'] ??= 'binary/octet-stream'
  const metadata: Record<string, string> = {}
  let size = 0
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith('x-amz-meta-')) continue
    metadata[name.slice(11)] = value
    size += name.length - 11 + value.length
  }
  if (size > 2048) {
    const message = 'Your metadata headers exceed the maximum allowed metadata size'
    throw new S3Error(400, 'MetadataTooLarge', message, { Size: String(size), MaxSizeAllowed: '2048' })
  }
  const storageClass = headers['x-amz-storage-class'] ?? 'STANDARD'
  if (!storageClasses.includes(storageClass)) {
    throw new S3Error(400, 'InvalidStorageClass', 'The storage class you specified is not valid', {
      StorageClassRequested: storageClass,
    })
  }
  const tags = readTags(headers['x-amz-tagging'])
  return { system, metadata, acl: readAcl(headers, bucket), tags, storageClass, encryption: readEncryption(headers) }
}

/** The encryption headers of an answer. */
export function encryptionHeaders(encryption: Encryption): Record<string, string> {
  const headers: Record<string, string> = {}
  if (encryption.algorithm !== undefined) headers['x-amz-server-side-encryption'] = encryption.algorithm
  if (encryption.kmsKeyId !== undefined) headers['x-amz-server-side-encryption-aws-kms-key-id'] = encryption.kmsKeyId
  if (encryption.customerKeyMd5 !== undefined) {
    headers['x-amz-server-side-encryption-customer-algorithm'] = 'AES256'
    headers['x-amz-server-side-encryption-customer-key-MD5'] = encryption.customerKeyMd5
  }
  return headers
}

/** The headers of GET and HEAD. */
export function describe(object: StoredObject, bucket: Bucket): Record<string, string> {
  const headers: Record<string, string> = {
    ...object.system,
    'accept-ranges': 'bytes',
    etag: `"${object.etag}"`,
    'last-modified': new Date(object.lastModified).toUTCString(),
    ...encryptionHeaders(object.encryption),
  }
  for (const [name, value] of Object.entries(object.metadata)) headers[`x-amz-meta-${name}`] = value
  if (object.storageClass !== 'STANDARD') headers['x-amz-storage-class'] = object.storageClass
  if (bucket.versioning !== undefined) headers['x-amz-version-id'] = object.versionId
  const tags = Object.keys(object.tags).length
  if (tags > 0) headers['x-amz-tagging-count'] = String(tags)
  if (object.partSizes.length > 0) headers['x-amz-mp-parts-count'] = String(object.partSizes.length)
  return headers
}

/** The checksum headers of an answer. */
export function checksumHeaders(object: Pick<StoredObject, 'checksums' | 'checksumType'>): Record<string, string> {
  const entries = Object.entries(object.checksums)
  if (entries.length === 0) return {}
  const headers: Record<string, string> = { 'x-amz-checksum-type': object.checksumType }
  for (const [name, value] of entries) headers[`x-amz-checksum-${name}`] = value
  return headers
}

/** Whether an If-Match or If-None-Match list names this ETag. */
export function matches(list: string, etag: string): boolean {
  return list.split(',').some(part => {
    const wanted = part
      .trim()
      .replace(/^W\//, '')
      .replace(/^"(.*)"$/, '$1')
    return wanted === '*' || wanted === etag
  })
}

/** Enforces If-None-Match and If-Match on a write, as the server's options say. */
export function checkWriteConditions(context: OperationContext, bucket: Bucket): void {
  const { request, state } = context
  const none = request.headers['if-none-match']
  const match = request.headers['if-match']
  if (none === undefined && match === undefined) return
  if (state.options.refuseConditions) throw notImplemented(none === undefined ? 'If-Match' : 'If-None-Match')
  if (state.options.ignoreConditions) return
  const current = bucket.current(request.key)
  if (none !== undefined) {
    if (none !== '*') throw notImplemented('If-None-Match')
    if (current !== undefined) throw preconditionFailed('If-None-Match')
  }
  if (match !== undefined) {
    if (current === undefined)
      throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.', { Key: request.key })
    if (!matches(match, current.etag)) throw preconditionFailed('If-Match')
  }
}

/** Throws 400 unless the request brings the key an SSE-C object was stored with. */
export function needCustomerKey(object: StoredObject, headers: Headers, prefix?: string): void {
  const given = readCustomerKey(headers, prefix)
  const wanted = object.encryption.customerKeyMd5
  if (given === wanted) return
  if (given === undefined) {
    throw invalidRequest(
      'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
    )
  }
  if (wanted === undefined) {
    throw invalidRequest('The encryption parameters are not applicable to this object.')
  }
  throw accessDenied()
}
