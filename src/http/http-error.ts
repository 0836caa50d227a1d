import type { IncomingHttpHeaders } from 'node:http'
import type { ErrorCode } from '../core/errors.ts'
import { type Hide, hideSignatures } from './redact.ts'
import { type HttpRequest, shownUrl } from './request.ts'

/** What a service said when it refused a request. */
export interface HttpErrorDetails {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bodyText?: string | undefined
  /** The service's id of the request, where its body tells it; else that of the headers counts. */
  readonly requestId?: string | undefined
  /** The service's own word for it: `NoSuchKey`. */
  readonly serviceCode?: string | undefined
  /** The service's sentence about it. */
  readonly serviceMessage?: string | undefined
  /** `unknown` where the same request was sent before and may have been carried out then. */
  readonly outcome?: 'unknown' | undefined
  /** Hides the secrets of the request where the service quotes them. Default: what is known by its name, as `Signature=...`. */
  readonly hide?: Hide | undefined
}

/** An answer with an error status. Its text and what loggers see of it have no headers, no body and no query. */
export class HttpStatusError extends Error {
  readonly status: number
  /** The service's id of the request. */
  readonly requestId: string | undefined
  readonly serviceCode: string | undefined
  /** How long the service asked to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined
  readonly outcome: 'unknown' | undefined
  readonly #headers: IncomingHttpHeaders
  readonly #bodyText: string

  static {
    HttpStatusError.prototype.name = 'HttpStatusError'
  }

  constructor(request: Pick<HttpRequest, 'method' | 'url'>, details: HttpErrorDetails) {
    const { status, headers, bodyText = '', hide = hideSignatures } = details
    const shown = (text: string | undefined) => text && shownText(text, hide)
    const serviceCode = shown(details.serviceCode)
    const said = [serviceCode, shown(details.serviceMessage)].filter(Boolean).join(': ')
    super(`${request.method} ${shownUrl(request.url)}: status ${status}${said && `, ${said}`}`)
    this.status = status
    this.requestId = shown(details.requestId ?? requestIdOf(headers))
    this.serviceCode = serviceCode
    this.retryAfterMs = retryAfterOf(headers)
    this.outcome = details.outcome
    this.#headers = headers
    this.#bodyText = bodyText
  }

  /** Of the answer; a method of the prototype, so that loggers do not print it. */
  get headers(): IncomingHttpHeaders {
    return this.#headers
  }

  /** Of the answer; it may quote what was signed, so it is not printed. */
  get bodyText(): string {
    return this.#bodyText
  }
}

/** The code of an `HttpStatusError` by its status (RFC 9110 section 15); undefined for any other value. */
export function classifyHttp(error: unknown): ErrorCode | undefined {
  if (!(error instanceof HttpStatusError)) return undefined
  const { status, serviceCode = '' } = error
  if (status === 409 && /exists/i.test(serviceCode)) return 'exists'
  if (status === 503 && THROTTLED.test(serviceCode)) return 'throttled'
  if (status >= 300 && status < 400 && status !== 304) return 'improperly_configured'
  return BY_STATUS[status] ?? (status >= 500 ? 'unavailable' : undefined)
}

const THROTTLED = /slow ?down|throttl|busy|too ?many|rate|limit/i

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

const REQUEST_IDS = [
  'x-amz-request-id',
  'x-amzn-requestid',
  'x-ms-request-id',
  'x-guploader-uploadid',
  'x-trans-id',
  'x-openstack-request-id',
  'x-dropbox-request-id',
  'x-request-id',
]

function requestIdOf(headers: IncomingHttpHeaders): string | undefined {
  for (const name of REQUEST_IDS) {
    const value = headers[name]
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}

// RFC 9110 section 10.2.3: seconds or a date, which is meant by the server's clock; Azure also tells milliseconds.
function retryAfterOf(headers: IncomingHttpHeaders): number | undefined {
  const exact = headers['x-ms-retry-after-ms'] ?? headers['retry-after-ms']
  if (typeof exact === 'string' && /^\d{1,12}$/.test(exact)) return Number(exact)
  const value = headers['retry-after']
  if (value === undefined || value.length > MAX_RETRY_AFTER) return undefined
  if (/^\d{1,9}(\.\d{1,9})?$/.test(value)) return Number(value) * 1000
  const then = Date.parse(value)
  const now = Date.parse(headers.date ?? '')
  return Number.isNaN(then) ? undefined : Math.max(0, then - (Number.isNaN(now) ? Date.now() : now))
}

/** Characters; a date has 29. */
const MAX_RETRY_AFTER = 64
/** Characters that are shown of a text. */
const MAX_SHOWN = 300

/** What a service wrote, fit to stand in a message: one line, cut where it is long, without secrets and queries. */
export function shownText(text: string, hide: Hide = hideSignatures): string {
  const line = hide(text)
    .replace(/\s+/g, ' ')
    .replace(/\?[^\s'"]*/g, '')
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}...` : line
}
