import { type ErrorCode, StorageError } from '../../core/errors.ts'
import type { HttpRequest, HttpResponse } from '../../http/request.ts'
import { textOf } from '../../remote/answers.ts'
import { classifyHttp } from '../../remote/codes.ts'
import { dateOf } from '../../remote/headers.ts'
import { type HttpErrorDetails, HttpStatusError } from '../../remote/http-error.ts'
import type { Hide } from '../../remote/redact.ts'
import { isSkewed, type Refusal, readRefusal, skewHint } from '../../remote/refusal.ts'

/** The details of a refused request. (https://cloud.google.com/storage/docs/json_api/v1/status-codes) */
export interface GcsErrorDetails extends HttpErrorDetails {
  /** Whether the error means that the bucket does not exist. */
  readonly lacksBucket?: boolean | undefined
}

/** An answer by which Cloud Storage refused a request. `serviceCode` is the reason of the JSON API or the code of the XML API. */
export class GcsError extends HttpStatusError {
  readonly lacksBucket: boolean

  static {
    GcsError.prototype.name = 'GcsError'
  }

  constructor(request: Pick<HttpRequest, 'method' | 'url'>, details: GcsErrorDetails) {
    super(request, details)
    this.lacksBucket = details.lacksBucket === true
  }
}

/** Makes an error from a refusal. A 404 that does not come from the service does not mean that a file is missing. */
export async function gcsError(
  request: Pick<HttpRequest, 'method' | 'url'>,
  response: HttpResponse,
  { hide, seeksFile }: { readonly hide: Hide; readonly seeksFile: boolean },
): Promise<GcsError> {
  const refusal = await readRefusal(request, response)
  const { reason, message } = saidIn(refusal)
  const { status, headers } = refusal
  const isPrevented = status === 412 && /public access prevention/i.test(message ?? '')
  const serviceCode = isPrevented ? 'publicAccessPrevented' : reason
  const lacksBucket = status === 404 && (reason === 'NoSuchBucket' || /\bbucket does not exist\b/i.test(message ?? ''))
  const isOwn = reason !== undefined || (refusal.isOwn && refusal.bodyText.trim() === '')
  return new GcsError(request, {
    ...refusal,
    headers: status === 429 ? patient(headers) : headers,
    hide,
    serviceCode,
    serviceMessage: message,
    seeksFile: seeksFile && isOwn && !lacksBucket,
    lacksBucket,
    hint: hintFor(status, serviceCode, message, dateOf(headers.date)),
  })
}

/** An object accepts about one change per second; an immediate repeat would prolong the refusal. */
function patient(headers: HttpResponse['headers']): HttpResponse['headers'] {
  return headers['retry-after'] === undefined ? { ...headers, 'retry-after': (1 + Math.random()).toFixed(3) } : headers
}

/** Reason and message of an error in JSON, in XML, or in the plain text that sessions and downloads return. */
function saidIn({ json, root, bodyText, headers }: Refusal): {
  reason?: string | undefined
  message?: string | undefined
} {
  const error = json?.['error']
  if (typeof error === 'object' && error !== null) {
    const { errors, message, status } = error as Record<string, unknown>
    const first: unknown = Array.isArray(errors) ? errors[0] : undefined
    const reason = typeof first === 'object' && first !== null ? (first as Record<string, unknown>)['reason'] : status
    return { reason: textOf(reason) ?? 'error', message: textOf(message) }
  }
  const code = root?.child('Code')?.text
  if (code !== undefined) return { reason: code, message: root?.child('Message')?.text }
  const isPlain = /^text\//i.test(headers['content-type'] ?? '') && !bodyText.trimStart().startsWith('<')
  return isPlain ? { message: bodyText.trim() || undefined } : {}
}

const UNIFORM =
  'The bucket has uniform access, so that its files have no ACLs: unset defaultAcl (GS_DEFAULT_ACL) and the parameter `acl`. ' +
  'Plain URLs need no ACL: querystringAuth (GS_QUERYSTRING_AUTH) false gives them'

function hintFor(
  status: number,
  reason: string | undefined,
  message: string | undefined,
  serverTime: Date | undefined,
): string | undefined {
  if (/uniform bucket-?level access/i.test(message ?? '')) return UNIFORM
  if (reason === 'publicAccessPrevented') {
    return 'The bucket or its organisation prevents public access: unset defaultAcl (GS_DEFAULT_ACL) and the parameter `acl`'
  }
  if (isSkewed(serverTime) && /RequestTimeTooSkewed|ExpiredToken|authError/.test(reason ?? ''))
    return skewHint(serverTime)
  if (status === 401) return 'The credentials are missing or were refused: see GS_CREDENTIALS'
  if (status === 403 && reason === 'forbidden') {
    return 'The account lacks the permission: reading and writing need the role Storage Object User, creating a bucket Storage Admin'
  }
  if (status === 429) return 'An object accepts about one change per second'
  return undefined
}

/** Error codes by the service's own error words, which are more precise than the status. */
const CODES: ReadonlyMap<string, ErrorCode> = new Map(
  Object.entries<ErrorCode>({
    rateLimitExceeded: 'throttled',
    userRateLimitExceeded: 'throttled',
    quotaExceeded: 'throttled',
    dailyLimitExceeded: 'throttled',
    SlowDown: 'throttled',
    conditionNotMet: 'precondition_failed',
    PreconditionFailed: 'precondition_failed',
    publicAccessPrevented: 'permission_denied',
    backendError: 'unavailable',
    internalError: 'unavailable',
    InternalError: 'unavailable',
    ServiceUnavailable: 'unavailable',
    NoSuchBucket: 'improperly_configured',
    NoSuchKey: 'not_found',
    InvalidRange: 'invalid_range',
    requestedRangeNotSatisfiable: 'invalid_range',
    retentionPolicyNotMet: 'permission_denied',
    objectUnderActiveHold: 'permission_denied',
    ObjectUnderActiveHold: 'permission_denied',
    uploadTooLarge: 'too_large',
    EntityTooLarge: 'too_large',
    RequestTimeTooSkewed: 'permission_denied',
    SignatureDoesNotMatch: 'permission_denied',
  }),
)

/** The code of an answer of the service, or of a `StorageError`; undefined for any other value. */
export function classifyGcs(error: unknown): ErrorCode | undefined {
  if (error instanceof GcsError && error.status === 400 && isChecksum(error)) return 'checksum_mismatch'
  return classifyHttp(error, CODES)
}

/** Whether the error reports a wrong checksum of the received bytes. */
function isChecksum({ serviceCode, message }: GcsError): boolean {
  return serviceCode === 'BadDigest' || /\b(?:crc32c|md5)\b.{0,60}\b(?:match|doesn't)/i.test(message)
}

/** The service's own error, also if it is the cause of a `StorageError`. */
export function gcsErrorOf(error: unknown): GcsError | undefined {
  const native = error instanceof StorageError ? error.cause : error
  return native instanceof GcsError ? native : undefined
}
