import type { ErrorCode } from '../../core/errors.ts'
import type { HttpRequest, HttpResponse } from '../../http/request.ts'
import { classifyHttp } from '../../remote/codes.ts'
import { dateOf } from '../../remote/headers.ts'
import { type HttpErrorDetails, HttpStatusError } from '../../remote/http-error.ts'
import type { Hide } from '../../remote/redact.ts'
import { readRefusal, skewHint } from '../../remote/refusal.ts'

/** The details of a refused request. */
export interface AtmosErrorDetails extends HttpErrorDetails {
  /** The service's clock. */
  readonly serverTime?: Date | undefined
}

/** An answer by which Atmos refused a request. `serviceCode` is the service's error number: `1003`. */
export class AtmosError extends HttpStatusError {
  readonly serverTime: Date | undefined

  static {
    AtmosError.prototype.name = 'AtmosError'
  }

  constructor(request: Pick<HttpRequest, 'method' | 'url'>, details: AtmosErrorDetails) {
    super(request, details)
    this.serverTime = details.serverTime
  }
}

/**
 * Makes an error from a refusal, by the service's error number. A 404 that does not come from the service does not mean that a file is
 * missing.
 */
export async function atmosError(
  request: Pick<HttpRequest, 'method' | 'url'>,
  response: HttpResponse,
  hide: Hide,
): Promise<AtmosError> {
  const { root, ...answer } = await readRefusal(request, response)
  const { status, headers } = answer
  const serviceCode = codeIn(root?.child('Code')?.text)
  const serverTime = dateOf(headers.date)
  // The vendor's Java client waits this long after this error.
  const isBusy = serviceCode === BUSY && headers['retry-after'] === undefined
  return new AtmosError(request, {
    ...answer,
    headers: isBusy ? { ...headers, 'retry-after': '0.3' } : headers,
    hide,
    serviceCode,
    serviceMessage: root?.child('Message')?.text,
    serverTime,
    seeksFile: serviceCode !== undefined || request.method === 'HEAD',
    hint: hintFor(status, serviceCode, serverTime),
  })
}

function codeIn(text: string | undefined): string | undefined {
  const code = text?.trim() ?? ''
  return /^\d{4}$/.test(code) ? code : undefined
}

const BUSY = '1040'
/** The object does not exist. */
export const MISSING = '1003'
/** The object exists. */
export const EXISTS = '1016'
/** The directory is not empty. */
export const NOT_EMPTY = '1023'
/** The name is too long. */
export const TOO_LONG = '1041'
/** The time of the request differs too much from the service's. */
export const SKEWED = '1031'

/** Refusals of a checksum that the service does not store. */
export const NO_CHECKSUM: ReadonlySet<string | undefined> = new Set(['1042', '1050', '1051', '1052', '1053'])

function hintFor(status: number, code: string | undefined, serverTime: Date | undefined): string | undefined {
  switch (code) {
    case SKEWED:
      return skewHint(serverTime)
    case '1032':
      return 'The shared secret is not that of the token, or the service signs another path: see signPath'
    case '1033':
      return 'There is no such token: it is written subtenant/uid, or uid alone where the subtenant is the default'
    case '1015':
      return 'The token lacks the right'
    case '2003':
      return 'The object is under retention'
    case undefined:
      return status === 404 ? 'The answer is not that of Atmos: see host, port and path' : undefined
    default:
      return undefined
  }
}

/** Error codes by the numbers of Atmos, which have priority over the status. (Atmos Programmer's Guide, "REST error codes") */
const CODES: ReadonlyMap<string, ErrorCode> = new Map(
  Object.entries<ErrorCode>({
    '1001': 'unavailable',
    '1002': 'invalid_argument',
    '1003': 'not_found',
    '1004': 'invalid_range',
    '1005': 'invalid_argument',
    '1006': 'throttled',
    '1007': 'unavailable',
    '1008': 'improperly_configured',
    '1009': 'unsupported',
    '1010': 'too_large',
    '1011': 'unavailable',
    '1012': 'unavailable',
    '1013': 'unavailable',
    '1014': 'invalid_argument',
    '1015': 'permission_denied',
    '1016': 'exists',
    '1019': 'unavailable',
    '1020': 'unavailable',
    '1021': 'not_a_directory',
    '1022': 'is_directory',
    '1023': 'not_empty',
    '1024': 'unavailable',
    '1025': 'unavailable',
    '1026': 'unavailable',
    '1027': 'unavailable',
    '1028': 'unavailable',
    '1029': 'unavailable',
    '1031': 'permission_denied',
    '1032': 'permission_denied',
    '1033': 'permission_denied',
    '1034': 'unavailable',
    '1037': 'invalid_argument',
    '1040': 'throttled',
    '1041': 'suspicious_name',
    '1042': 'unsupported',
    '1043': 'unsupported',
    '1044': 'not_found',
    '1045': 'not_a_directory',
    '1046': 'unsupported',
    '1047': 'invalid_argument',
    '1048': 'is_directory',
    '1049': 'checksum_mismatch',
    '1050': 'unsupported',
    '1051': 'unsupported',
    '1052': 'unsupported',
    '1053': 'unsupported',
    '1054': 'invalid_argument',
    '2003': 'permission_denied',
  }),
)

/** The code of an answer of Atmos, or of a `StorageError`; undefined for any other value. */
export function classifyAtmos(error: unknown): ErrorCode | undefined {
  return classifyHttp(error, CODES)
}
