import type { IncomingHttpHeaders } from 'node:http'
import { type ErrorCode, StorageError } from '../../core/errors.ts'
import type { HttpRequest, HttpResponse } from '../../http/request.ts'
import { isRead } from '../../remote/answers.ts'
import { classifyHttp } from '../../remote/codes.ts'
import { dateOf, headerTextOf } from '../../remote/headers.ts'
import { type HttpErrorDetails, HttpStatusError, shownText } from '../../remote/http-error.ts'
import type { Hide } from '../../remote/redact.ts'
import { isSkewed, readRefusal, skewHint } from '../../remote/refusal.ts'
import type { XmlNode } from '../../remote/xml.ts'
import { isRegion } from './addressing.ts'

/** The contents of an S3 error document (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). */
export interface S3ErrorDetails extends HttpErrorDetails {
  /** The bucket's own region, if the answer contains it. */
  readonly region?: string | undefined
  /** Another host that the request should go to. */
  readonly endpoint?: string | undefined
  /** The service's clock. */
  readonly serverTime?: Date | undefined
}

/** An answer by which S3 refused a request. Its message contains the likely cause. */
export class S3Error extends HttpStatusError {
  readonly region: string | undefined
  readonly endpoint: string | undefined
  readonly serverTime: Date | undefined

  static {
    S3Error.prototype.name = 'S3Error'
  }

  constructor(request: Pick<HttpRequest, 'method' | 'url'>, details: S3ErrorDetails) {
    super(request, details)
    this.region = details.region
    this.endpoint = details.endpoint
    this.serverTime = details.serverTime
    if (this.requestId !== undefined) this.message += ` (request ${this.requestId})`
  }
}

/** The refused request; its signature contains the region. */
type SentRequest = Pick<HttpRequest, 'method' | 'url'> & Partial<Pick<HttpRequest, 'headers'>>

/** Makes an error from a refusal. A 404 whose body is not S3's does not come from the service, and does not mean that a file is missing. */
export async function s3Error(
  request: SentRequest,
  response: HttpResponse,
  { hide, seeksFile }: { readonly hide: Hide; readonly seeksFile: boolean },
): Promise<S3Error> {
  const { root, isOwn, ...answer } = await readRefusal(request, response)
  return errorOf(request, { ...answer, hide, seeksFile: seeksFile && isOwn }, root)
}

/** The error in a document with status 200, as Copy and Complete may return; undefined for any other document. */
export function errorInside(
  request: SentRequest,
  headers: IncomingHttpHeaders,
  root: XmlNode,
  hide: Hide,
): S3Error | undefined {
  if (root.name !== 'Error') return undefined
  const code = root.child('Code')?.text ?? ''
  const status = /^(InternalError|SlowDown|ServiceUnavailable)$/.test(code) ? 503 : 500
  return errorOf(request, { status, headers, hide }, root)
}

function errorOf(
  request: SentRequest,
  answer: Pick<S3ErrorDetails, 'status' | 'headers' | 'bodyText' | 'outcome' | 'seeksFile'> & { readonly hide: Hide },
  root: XmlNode | undefined,
): S3Error {
  const word = (name: string): string | undefined => root?.child(name)?.text || undefined
  const { headers, hide } = answer
  const serviceCode = word('Code') ?? CODE_HEADERS.map(name => headerTextOf(headers[name])).find(Boolean)
  // A header that came twice is a list.
  const regions = [String(headers['x-amz-bucket-region'] ?? '').split(/,\s*/)[0]!, word('Region') ?? '']
  const region = regions.find(each => isRegion(each) && hide(each) === each)
  const host = word('Endpoint')
  const serverTime = dateOf(word('ServerTime')) ?? dateOf(headers.date)
  // Two writers competed for one key: this one did nothing and may try again.
  const outcome = answer.outcome ?? (serviceCode === 'ConditionalRequestConflict' ? 'not_applied' : undefined)
  const details = { ...answer, outcome, serviceCode, region, serverTime, endpoint: host && shownText(host, hide) }
  return new S3Error(request, {
    ...details,
    serviceMessage: word('Message'),
    requestId: word('RequestId'),
    hint: hintFor(request, details),
  })
}

/** Headers that contain the code if an answer has no body. */
const CODE_HEADERS = ['x-amz-error-code', 'x-minio-error-code']

const HINTS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    SignatureDoesNotMatch: 'The secret key is wrong, or a proxy changes the request',
    InvalidAccessKeyId: 'The access key is not known there: it was deleted, or belongs to another service',
    ExpiredToken: 'The temporary credentials have expired and must be renewed',
    InvalidToken: 'The session token does not belong to the keys: check AWS_SESSION_TOKEN',
    AccessControlListNotSupported: 'The bucket has ACLs switched off: set AWS_DEFAULT_ACL to null',
    InvalidBucketAclWithObjectOwnership: 'New buckets have ACLs switched off: set AWS_BUCKET_ACL to null',
    NoSuchBucket: 'AWS_STORAGE_BUCKET_NAME is not a bucket of this service',
    AuthorizationHeaderMalformed: 'The region signed for is wrong: check AWS_S3_REGION_NAME',
    IllegalLocationConstraintException: 'The endpoint is of another region: check AWS_S3_REGION_NAME',
    InvalidLocationConstraint: 'The service has no such region: check AWS_S3_REGION_NAME',
    PermanentRedirect: 'The bucket is in another region: check AWS_S3_REGION_NAME',
    XAmzContentSHA256Mismatch: 'The body was changed during the transfer',
  }),
)

/** Codes that mean that the bucket is in another region; a HEAD has none. */
const ELSEWHERE: ReadonlySet<string | undefined> = new Set([
  'AuthorizationHeaderMalformed',
  'PermanentRedirect',
  'TemporaryRedirect',
  undefined,
])

type Refusal = Pick<S3ErrorDetails, 'status' | 'serviceCode' | 'region' | 'endpoint' | 'serverTime'>

/** The likely cause in one sentence. */
function hintFor(
  { method, url, headers }: SentRequest,
  { status, serviceCode: code, region, endpoint, serverTime }: Refusal,
): string | undefined {
  if (status === 403) {
    if (code === 'RequestTimeTooSkewed' || isSkewed(serverTime)) return skewHint(serverTime)
    if (code === undefined || code === 'AccessDenied') return deniedHint(method, url)
  }
  if (ELSEWHERE.has(code) && (status === 400 || status === 301 || status === 307)) {
    const signed = /\/\d{8}\/([\w.-]+)\/s3\//.exec(headers?.['authorization'] ?? '')?.[1]
    const other = signed === undefined || signed === region ? '' : `, not in '${signed}'`
    if (region !== undefined) return `The bucket is in the region '${region}'${other}: set AWS_S3_REGION_NAME to it`
    if (endpoint !== undefined) return `The bucket is reached at '${endpoint}': check AWS_S3_REGION_NAME`
  }
  return code === undefined ? undefined : HINTS.get(code)
}

function deniedHint(method: string, url: string): string | undefined {
  if (/[?&]list-type=/.test(url)) return 'Listing needs the permission s3:ListBucket'
  if (!isRead({ method })) return undefined
  return 'For a missing file S3 answers 403, not 404, unless the credentials may do s3:ListBucket'
}

/** Error codes by S3's own error words, which are more precise than the status. */
const CODES: ReadonlyMap<string, ErrorCode> = new Map(
  Object.entries<ErrorCode>({
    AccessDenied: 'permission_denied',
    InvalidAccessKeyId: 'permission_denied',
    SignatureDoesNotMatch: 'permission_denied',
    InvalidArgument: 'invalid_argument',
    InvalidRequest: 'invalid_argument',
    MalformedXML: 'invalid_argument',
    InvalidPart: 'invalid_argument',
    InvalidPartOrder: 'invalid_argument',
    EntityTooSmall: 'invalid_argument',
    NoSuchKey: 'not_found',
    NoSuchVersion: 'not_found',
    NotFound: 'not_found',
    NoSuchBucket: 'improperly_configured',
    NoSuchUpload: 'not_found',
    InvalidBucketName: 'improperly_configured',
    PermanentRedirect: 'improperly_configured',
    AuthorizationHeaderMalformed: 'improperly_configured',
    IllegalLocationConstraintException: 'improperly_configured',
    InvalidLocationConstraint: 'improperly_configured',
    AccessControlListNotSupported: 'improperly_configured',
    InvalidBucketAclWithObjectOwnership: 'improperly_configured',
    BucketAlreadyExists: 'exists',
    BucketAlreadyOwnedByYou: 'exists',
    BucketNotEmpty: 'not_empty',
    PreconditionFailed: 'precondition_failed',
    ConditionalRequestConflict: 'unavailable',
    OperationAborted: 'unavailable',
    SlowDown: 'throttled',
    Throttling: 'throttled',
    ThrottlingException: 'throttled',
    TooManyRequests: 'throttled',
    RequestLimitExceeded: 'throttled',
    BandwidthLimitExceeded: 'throttled',
    ServiceUnavailable: 'unavailable',
    InternalError: 'unavailable',
    RequestTimeout: 'timeout',
    RequestTimeTooSkewed: 'permission_denied',
    ExpiredToken: 'permission_denied',
    ExpiredTokenException: 'permission_denied',
    TokenRefreshRequired: 'permission_denied',
    InvalidToken: 'permission_denied',
    BadDigest: 'checksum_mismatch',
    InvalidDigest: 'checksum_mismatch',
    XAmzContentSHA256Mismatch: 'checksum_mismatch',
    XAmzContentChecksumMismatch: 'checksum_mismatch',
    IncompleteBody: 'unavailable',
    EntityTooLarge: 'too_large',
    InvalidRange: 'invalid_range',
    KeyTooLongError: 'suspicious_name',
    InvalidObjectName: 'suspicious_name',
    XMinioInvalidObjectName: 'suspicious_name',
    MethodNotAllowed: 'unsupported',
    NotImplemented: 'unsupported',
    InvalidObjectState: 'unsupported',
    QuotaExceeded: 'no_space',
    StorageFull: 'no_space',
    XMinioStorageFull: 'no_space',
  }),
)

/** Error words for expired temporary keys. */
const ENDED: ReadonlySet<string | undefined> = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'TokenRefreshRequired',
])

/** Whether a request was refused because its temporary keys have expired. */
export function isExpired(error: unknown): boolean {
  return error instanceof S3Error && ENDED.has(error.serviceCode)
}

const OF_KEYS: ReadonlySet<string | undefined> = new Set([
  'InvalidToken',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'RequestTimeTooSkewed',
])

/** Whether a request was refused because of its keys or signing time, not because of its content. */
export function isOfKeys(error: unknown): boolean {
  return isExpired(error) || (error instanceof S3Error && OF_KEYS.has(error.serviceCode))
}

/** The code of an answer of S3, or of a `StorageError`; undefined for any other value. */
export function classifyS3(error: unknown): ErrorCode | undefined {
  if (error instanceof S3Error && error.serviceCode === 'NoSuchUpload') return 'not_found'
  // A version that is a delete marker is not a file.
  if (error instanceof S3Error && error.status === 405 && error.headers['x-amz-delete-marker'] === 'true')
    return 'not_found'
  return classifyHttp(error, CODES)
}

/** The error of one key in the answer of DeleteObjects. */
export function keyError(key: string, code: string, message: string, hide: Hide): StorageError {
  const known = CODES.get(code) ?? 'unknown'
  const said = shownText(`${code}: ${message}`, hide)
  return new StorageError(known, `delete '${key}': ${said}`, { operation: 'delete', fileName: key })
}
