import { nodeCrypto } from '../../../core/builtin.ts'
import { StorageError } from '../../../core/errors.ts'
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from '../../../remote/checksums.ts'
import { metadataHeaders } from '../../../remote/metadata.ts'
import { encodeComponent } from '../../../remote/sign/encode.ts'

type Kind = 'text' | 'date' | 'tags' | 'metadata' | 'flag' | 'key' | 'json' | 'checksum'

interface Parameter {
  readonly name: string
  readonly header: string
  readonly kind: Kind
}

const TABLE: ReadonlyArray<readonly [name: string, header: string, kind?: Kind]> = [
  ['ACL', 'x-amz-acl'],
  ['BucketKeyEnabled', 'x-amz-server-side-encryption-bucket-key-enabled', 'flag'],
  ['CacheControl', 'cache-control'],
  ['ChecksumAlgorithm', '', 'checksum'],
  ['ContentDisposition', 'content-disposition'],
  ['ContentEncoding', 'content-encoding'],
  ['ContentLanguage', 'content-language'],
  ['ContentType', 'content-type'],
  ['ExpectedBucketOwner', 'x-amz-expected-bucket-owner'],
  ['Expires', 'expires', 'date'],
  ['GrantFullControl', 'x-amz-grant-full-control'],
  ['GrantRead', 'x-amz-grant-read'],
  ['GrantReadACP', 'x-amz-grant-read-acp'],
  ['GrantWriteACP', 'x-amz-grant-write-acp'],
  ['Metadata', '', 'metadata'],
  ['ObjectLockLegalHoldStatus', 'x-amz-object-lock-legal-hold'],
  ['ObjectLockMode', 'x-amz-object-lock-mode'],
  ['ObjectLockRetainUntilDate', 'x-amz-object-lock-retain-until-date', 'date'],
  ['RequestPayer', 'x-amz-request-payer'],
  ['SSECustomerAlgorithm', 'x-amz-server-side-encryption-customer-algorithm'],
  ['SSECustomerKey', 'x-amz-server-side-encryption-customer-key', 'key'],
  ['SSECustomerKeyMD5', 'x-amz-server-side-encryption-customer-key-md5'],
  ['SSEKMSEncryptionContext', 'x-amz-server-side-encryption-context', 'json'],
  ['SSEKMSKeyId', 'x-amz-server-side-encryption-aws-kms-key-id'],
  ['ServerSideEncryption', 'x-amz-server-side-encryption'],
  ['StorageClass', 'x-amz-storage-class'],
  ['Tagging', 'x-amz-tagging', 'tags'],
  ['WebsiteRedirectLocation', 'x-amz-website-redirect-location'],
]

const PARAMETERS: ReadonlyMap<string, Parameter> = new Map(
  TABLE.map(([name, header, kind = 'text']) => [name.toLowerCase(), { name, header, kind }]),
)

/** Which parameters belong to a request besides PUT and CreateMultipartUpload. */
const PART: readonly string[] = [
  'expectedbucketowner',
  'requestpayer',
  'ssecustomeralgorithm',
  'ssecustomerkey',
  'ssecustomerkeymd5',
]
const BASE: readonly string[] = ['expectedbucketowner', 'requestpayer']

/** The kind of a request, by the parameters that it takes. */
export type ParameterUse = 'write' | 'read' | 'part' | 'base'

/** The parameter's own spelling, whatever the case it was given in; an unknown one is `invalid_argument` and is named. */
export function parameterName(name: string): string {
  return find(name).name
}

/** The parameter that a header, in lower case, stands for. */
export function headerParameter(header: string): string | undefined {
  return header === '' ? undefined : TABLE.find(row => row[1] === header)?.[0]
}

/** A parameter by name, whatever its case. */
export function parameterOf(parameters: Readonly<Record<string, unknown>>, name: string): unknown {
  if (parameters[name] !== undefined) return parameters[name]
  const wanted = name.toLowerCase()
  for (const key in parameters) if (key.toLowerCase() === wanted) return parameters[key]
  return undefined
}

/** The algorithm that `ChecksumAlgorithm` asks for; another than ours is `invalid_argument`. */
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

/** Adds the headers of S3 parameters (`CacheControl`, `storageClass` ...); null and undefined are left out. */
export function addParameters(
  headers: Record<string, string>,
  parameters: Readonly<Record<string, unknown>>,
  use: ParameterUse,
): void {
  for (const key in parameters) {
    const value = parameters[key]
    if (value === undefined || value === null) continue
    const parameter = find(key)
    const lower = parameter.name.toLowerCase()
    if ((use === 'read' || use === 'part') && !PART.includes(lower)) continue
    if (use === 'base' && !BASE.includes(lower)) continue
    add(headers, parameter, value)
  }
}

function find(key: string): Parameter {
  const parameter = PARAMETERS.get(key.toLowerCase())
  if (parameter !== undefined) return parameter
  throw new StorageError('invalid_argument', `'${key}' is not a parameter of an S3 upload.`)
}

function add(headers: Record<string, string>, { name, header, kind }: Parameter, value: unknown): void {
  switch (kind) {
    case 'checksum':
      return
    case 'metadata':
      metadataHeaders(headers, recordOf(name, value))
      return
    case 'tags':
      headers[header] = typeof value === 'string' ? value : tagsOf(recordOf(name, value))
      return
    case 'key':
      addKey(headers, header, value)
      return
    case 'date':
      headers[header] = dateOf(header, value)
      return
    case 'json':
      headers[header] =
        typeof value === 'string' ? value : Buffer.from(JSON.stringify(recordOf(name, value))).toString('base64')
      return
    default:
      headers[header] = headerText(name, String(value))
  }
}

/** Text that may stand in a header: printable ASCII; else `invalid_argument`. */
export function headerText(name: string, value: string): string {
  if (/^[\t\x20-\x7e]*$/.test(value)) return value
  throw new StorageError(
    'invalid_argument',
    `${name} may have printable ASCII only; encode other characters (RFC 8187).`,
  )
}

function recordOf(name: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new StorageError('invalid_argument', `${name} must be an object.`)
}

function tagsOf(tags: Record<string, unknown>): string {
  const pairs = Object.entries(tags).map(
    ([name, value]) => `${encodeComponent(name)}=${encodeComponent(String(value))}`,
  )
  return pairs.join('&')
}

function dateOf(header: string, value: unknown): string {
  const date = value instanceof Date || typeof value === 'number' ? new Date(value) : undefined
  if (date === undefined) return headerText(header, String(value))
  if (Number.isNaN(date.getTime())) throw new StorageError('invalid_argument', `${header} is not a valid date.`)
  return header === 'expires' ? date.toUTCString() : date.toISOString()
}

/** A customer's key goes as base64 with its MD5, however it was given: 32 bytes, 32 characters or base64 of 32 bytes. */
function addKey(headers: Record<string, string>, header: string, value: unknown): void {
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
