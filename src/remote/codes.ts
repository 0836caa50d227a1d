import { type ErrorCode, StorageError } from '../core/errors.ts'
import { HttpStatusError } from './http-error.ts'

/** Error codes by the service's own error words, which are more precise than the status. */
export type ServiceCodes = ReadonlyMap<string, ErrorCode>

/** Codes by status (RFC 9110, section 15). */
const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  304: 'precondition_failed',
  400: 'invalid_argument',
  401: 'permission_denied',
  403: 'permission_denied',
  404: 'not_found',
  405: 'unsupported',
  407: 'permission_denied',
  408: 'timeout',
  409: 'precondition_failed',
  410: 'not_found',
  411: 'invalid_argument',
  412: 'precondition_failed',
  413: 'too_large',
  414: 'invalid_argument',
  415: 'invalid_argument',
  416: 'invalid_range',
  422: 'invalid_argument',
  425: 'unavailable',
  429: 'throttled',
  501: 'unsupported',
  504: 'timeout',
  507: 'no_space',
}

const THROTTLED = /slow ?down|throttl|busy|too ?many|rate|limit/i

/**
 * The code of an `HttpStatusError`: by the service's own error word if `codes` has it, otherwise by the status. A `StorageError` keeps its
 * own code; undefined for any other value. A 404 to a request that is not about a file (an upload, a batch, a listing) means that the
 * container or the address is wrong: `improperly_configured`.
 */
export function classifyHttp(error: unknown, codes?: ServiceCodes): ErrorCode | undefined {
  if (error instanceof StorageError) return error.code
  if (!(error instanceof HttpStatusError)) return undefined
  const { status, serviceCode = '', seeksFile } = error
  if (error.code !== undefined) return error.code
  const code = codes?.get(serviceCode) ?? codeOfStatus(status, serviceCode)
  return code === 'not_found' && !seeksFile ? 'improperly_configured' : code
}

function codeOfStatus(status: number, serviceCode: string): ErrorCode | undefined {
  if (status === 409 && /exists/i.test(serviceCode)) return 'exists'
  if (status === 503 && THROTTLED.test(serviceCode)) return 'throttled'
  if (status >= 300 && status < 400 && status !== 304) return 'improperly_configured'
  return BY_STATUS[status] ?? (status >= 500 ? 'unavailable' : undefined)
}

/** The service's own error word, also of an error that is the cause of a `StorageError`; undefined if there is none. */
export function serviceCodeOf(error: unknown): string | undefined {
  const native = error instanceof StorageError ? error.cause : error
  return native instanceof HttpStatusError ? native.serviceCode : undefined
}
