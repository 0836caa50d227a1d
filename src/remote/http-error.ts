import type { IncomingHttpHeaders } from 'node:http'
import type { ErrorCode } from '../core/errors.ts'
import { type HttpRequest, shownUrl } from '../http/request.ts'
import { dateOf } from './headers.ts'
import { type Hide, hideSignatures } from './redact.ts'

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
  /** One sentence about the likely cause, which follows the service's own. */
  readonly hint?: string | undefined
  /** Overrides what the code implies: `unknown` where the same request was sent before and may have been carried out then. */
  readonly outcome?: 'unknown' | 'not_applied' | undefined
  /** Whether a 404 says that a file is missing. Default: true for GET, HEAD and DELETE. */
  readonly seeksFile?: boolean | undefined
  /** Hides the secrets of the request where the service quotes them. Default: what is known by its name, as `Signature=...`. */
  readonly hide?: Hide | undefined
}

/** An answer with an error status. Its text and what loggers see of it have no headers, no body and no query. */
export class HttpStatusError extends Error {
  readonly status: number
  /** The service's id of the request. */
  readonly requestId: string | undefined
  readonly serviceCode: string | undefined
  readonly hint: string | undefined
  /** How long the service asked to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined
  readonly outcome: 'unknown' | 'not_applied' | undefined
  /** Whether a 404 says that a file is missing, not a container or an address. */
  readonly seeksFile: boolean
  /** The code, where what was asked decides it, and not the status alone: of a container. */
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

  /** Of the answer; a method of the prototype, so that loggers do not print it. */
  get headers(): IncomingHttpHeaders {
    return this.#headers
  }

  /** Of the answer; it may quote what was signed, so it is not printed. */
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

// RFC 9110 section 10.2.3: seconds or a date, which is meant by the server's clock; Azure also tells milliseconds.
function retryAfterOf(headers: IncomingHttpHeaders): number | undefined {
  const exact = headers['x-ms-retry-after-ms'] ?? headers['retry-after-ms']
  if (typeof exact === 'string' && /^\d{1,12}$/.test(exact)) return Number(exact)
  const value = headers['retry-after']
  if (value === undefined || value.length > MAX_RETRY_AFTER) return undefined
  if (/^\d{1,9}(\.\d{1,9})?$/.test(value)) return Number(value) * 1000
  const then = dateOf(value)?.getTime()
  return then === undefined ? undefined : Math.max(0, then - (dateOf(headers.date)?.getTime() ?? Date.now()))
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
