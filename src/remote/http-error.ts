import type { IncomingHttpHeaders } from 'node:http'
import type { ErrorCode } from '../core/errors.ts'
import { type HttpRequest, shownUrl } from '../http/request.ts'
import { dateOf } from './headers.ts'
import { type Hide, hideSignatures } from './redact.ts'

/** Details of a refused request. */
export interface HttpErrorDetails {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bodyText?: string | undefined
  /** The service's id of the request, from the body. Default: the id in the headers. */
  readonly requestId?: string | undefined
  /** The service's own error word: `NoSuchKey`. */
  readonly serviceCode?: string | undefined
  /** The service's error message. */
  readonly serviceMessage?: string | undefined
  /** One sentence about the likely cause, after the service's message. */
  readonly hint?: string | undefined
  /** Overrides what the code implies: `unknown` if the same request was sent before and may have been carried out then. */
  readonly outcome?: 'unknown' | 'not_applied' | undefined
  /** Whether a 404 means that a file is missing. Default: true for GET, HEAD and DELETE. */
  readonly seeksFile?: boolean | undefined
  /** Hides the secrets of the request in texts of the service. Default: hides values with well-known names, such as `Signature=...`. */
  readonly hide?: Hide | undefined
}

/** An answer with an error status. Its message, and what loggers print, contain no headers, no body and no query. */
export class HttpStatusError extends Error {
  readonly status: number
  /** The service's id of the request. */
  readonly requestId: string | undefined
  readonly serviceCode: string | undefined
  readonly hint: string | undefined
  /** How long the service asked to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined
  readonly outcome: 'unknown' | 'not_applied' | undefined
  /** Whether a 404 means that a file is missing, not a container or an address. */
  readonly seeksFile: boolean
  /** The code, if it depends on the request and not on the status alone: for a container. */
  code: ErrorCode | undefined
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
    const text = `${request.method} ${shownUrl(request.url)}: status ${status}${said && `, ${said}`}`
    super(details.hint === undefined ? text : `${text.endsWith('.') ? text.slice(0, -1) : text}. ${details.hint}`)
    this.status = status
    this.requestId = shown(details.requestId ?? requestIdOf(headers))
    this.serviceCode = serviceCode
    this.hint = details.hint
    this.retryAfterMs = retryAfterOf(headers)
    this.outcome = details.outcome
    this.seeksFile = details.seeksFile ?? /^(?:GET|HEAD|DELETE)$/.test(request.method)
    this.#headers = headers
    this.#bodyText = bodyText
  }

  /** Headers of the answer. A method of the prototype, so that loggers do not print it. */
  get headers(): IncomingHttpHeaders {
    return this.#headers
  }

  /** Body of the answer. It may quote what was signed, so loggers do not print it. */
  get bodyText(): string {
    return this.#bodyText
  }
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

// RFC 9110 section 10.2.3: seconds, or a date by the server's clock. Azure also sends milliseconds.
function retryAfterOf(headers: IncomingHttpHeaders): number | undefined {
  const exact = headers['x-ms-retry-after-ms'] ?? headers['retry-after-ms']
  if (typeof exact === 'string' && /^\d{1,12}$/.test(exact)) return Number(exact)
  const value = headers['retry-after']
  if (value === undefined || value.length > MAX_RETRY_AFTER) return undefined
  if (/^\d{1,9}(\.\d{1,9})?$/.test(value)) return Number(value) * 1000
  const then = dateOf(value)?.getTime()
  return then === undefined ? undefined : Math.max(0, then - (dateOf(headers.date)?.getTime() ?? Date.now()))
}

/** Maximum number of characters; a date has 29. */
const MAX_RETRY_AFTER = 64
/** Maximum number of characters of a text in a message. */
const MAX_SHOWN = 300

/** A service's text for use in a message: one line, shortened if it is long, without secrets and queries. */
export function shownText(text: string, hide: Hide = hideSignatures): string {
  const line = hide(text)
    .replace(/\s+/g, ' ')
    .replace(/\?[^\s'"]*/g, '')
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}...` : line
}
