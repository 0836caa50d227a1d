/** The error answers of Dropbox (https://www.dropbox.com/developers/documentation/http/documentation#error-handling). */
import type { Refuse } from '../../faults/faults.ts'
import { jsonAnswer, Refusal, type StrictAnswer } from '../strict/answer.ts'

/** A member of a union, as JSON has it. */
export interface Tagged {
  readonly '.tag': string
  readonly [field: string]: unknown
}

/** An error answer; `code` is the summary without its dots, and `details.error` the error itself in JSON. */
export class DropboxError extends Refusal {}

/** 400 in plain text, behind the name of the function. */
export function badInput(message: string): DropboxError {
  return new DropboxError(400, 'bad_input', message, { form: 'text' })
}

/** The error of a function, of authentication or of a path root: 409, 401, 403 or 422. */
export function unionError(status: number, error: Tagged): DropboxError {
  const summary = summaryOf(error)
  return new DropboxError(status, summary, summary, { error: JSON.stringify(error) })
}

/** 409 with the error of a function. */
export function endpointError(error: Tagged): DropboxError {
  return unionError(409, error)
}

/** An error of the token endpoint (RFC 6749). */
export function oauthError(code: string, description: string): DropboxError {
  return new DropboxError(400, code, description, { form: 'oauth' })
}

/** Tags from the outermost to the innermost as an error. */
export function nested(tags: string, leaf: Readonly<Record<string, unknown>> = {}): Tagged {
  const [tag = '', ...rest] = tags.split('/')
  return rest.length === 0 ? { '.tag': tag, ...leaf } : { '.tag': tag, [tag]: nested(rest.join('/'), leaf) }
}

function summaryOf(error: Tagged): string {
  const inner = error[error['.tag']] ?? error['reason']
  const isTagged = typeof inner === 'object' && inner !== null && '.tag' in inner
  return isTagged ? `${error['.tag']}/${summaryOf(inner as Tagged)}` : error['.tag']
}

/** What stands in the way of a path; the caller says within which member of its error. */
export class PathProblem extends Error {
  /** Tags of a LookupError or a WriteError, with slashes between. */
  readonly tags: string

  constructor(tags: string) {
    super(tags)
    this.tags = tags
  }
}

/** Runs work, whose problems with a path become the error of a function under this member. */
export function within<T>(member: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof PathProblem) throw endpointError(nested(`${member}/${error.tags}`))
    throw error
  }
}

/** The page that the servers in front of Dropbox answer. */
const HTML = '<!DOCTYPE html>\n<html><head><title>Dropbox - 5xx</title></head><body><h1>Error</h1></body></html>\n'

/** The answer of a refusal; `route` is the name of the function, where there is one. */
export function errorAnswer(refusal: Refusal, route: string | undefined, requestId: string): StrictAnswer {
  const { status, code, message, details, headers } = refusal
  const text = (body: string, type = 'text/plain; charset=utf-8'): StrictAnswer => ({
    status,
    headers: { 'content-type': type, ...headers },
    body,
  })
  if (details['form'] === 'oauth') {
    return jsonAnswer({ error: code, error_description: message }, { status, headers })
  }
  if (details['form'] === 'text' || status === 400) {
    return text(route === undefined ? message : `Error in call to API function "${route}": ${message}`)
  }
  if (status >= 500) return text(message.startsWith('Test server') ? message : HTML, 'text/html; charset=utf-8')
  const dots = '.'.repeat(Number.parseInt(requestId.slice(-1), 16) % 4)
  const error =
    status === 429 ? { reason: { '.tag': code } } : JSON.parse(details['error'] ?? JSON.stringify(nested(code)))
  return jsonAnswer({ error_summary: `${code}/${dots}`, error }, { status, headers })
}

/** 429 as the service itself tells it. */
export function tooMany(reason: string, retryAfterSecs: number): DropboxError {
  return new DropboxError(429, reason, reason, {}, { 'retry-after': String(retryAfterSecs) })
}

/** How a planned 429 looks. */
export interface RateLimit {
  /** Default too_many_requests. */
  readonly reason?: 'too_many_requests' | 'too_many_write_operations'
  /** Seconds in the header Retry-After; none by default. */
  readonly header?: number
  /** Seconds in the JSON of the body; none by default. */
  readonly inBody?: number
  /** Default JSON. */
  readonly form?: 'json' | 'text' | 'html' | 'empty'
}

/** A planned 429. */
export function rateLimited({ reason = 'too_many_requests', header, inBody, form = 'json' }: RateLimit = {}): Refuse {
  const error = { reason: { '.tag': reason }, ...(inBody === undefined ? {} : { retry_after: inBody }) }
  const bodies = {
    json: ['application/json', JSON.stringify({ error_summary: `${reason}/..`, error })],
    text: ['text/plain; charset=utf-8', 'Too many requests.'],
    html: ['text/html; charset=utf-8', HTML],
    empty: ['text/plain', ''],
  } as const
  const [type, body] = bodies[form]
  const retry = header === undefined ? {} : { 'retry-after': String(header) }
  return { do: 'refuse', status: 429, code: reason, headers: { 'content-type': type, ...retry }, body }
}

/** A planned 5xx with a page of HTML. */
export function htmlError(status = 502): Refuse {
  return { do: 'refuse', status, headers: { 'content-type': 'text/html; charset=utf-8' }, body: HTML }
}

/** A planned 409 with tags from the outermost to the innermost, and fields of the innermost. */
export function refused(tags: string, leaf: Readonly<Record<string, unknown>> = {}): Refuse {
  const body = JSON.stringify({ error_summary: `${tags}/..`, error: nested(tags, leaf) })
  return { do: 'refuse', status: 409, code: tags, headers: { 'content-type': 'application/json' }, body }
}
