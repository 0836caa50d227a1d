import { StorageError, withOutcome } from '../core/errors.ts'
import { type HttpRequest, type HttpResponse, shownUrl } from '../http/request.ts'

/**
 * What a successful answer to a request looks like. Any other answer below status 300 is an error, and the outcome of a write is `unknown`.
 */
export interface Expected {
  readonly statuses: readonly number[]
  /** Headers that the answer always has, in any case. */
  readonly headers?: readonly string[] | undefined
  /** Headers of which the answer for a stored file always has at least one. The page of a proxy and an empty success have none of them. */
  readonly fileHas?: readonly string[] | undefined
  /** Whether an answer with a length and without a type also counts as that of a file: an HTML page always has a type. */
  readonly orBare?: boolean | undefined
  /** Names of the root element of its XML document. */
  readonly root?: readonly string[] | undefined
  /** Whether names in its XML document may contain characters that XML forbids. They become U+FFFD; otherwise the document is refused. */
  readonly replacesForbidden?: boolean | undefined
  /** Names of fields that its JSON object, or of elements with text that the root of its XML document, always has. */
  readonly fields?: readonly string[] | undefined
  /** Names of fields that the answer always has and that are arrays. */
  readonly lists?: readonly string[] | undefined
}

/** Returns what is wrong with an answer; undefined for a success. */
export function problemOf(
  { statuses, headers, fileHas, orBare = false }: Expected,
  response: HttpResponse,
): string | undefined {
  if (!statuses.includes(response.status)) return `status ${response.status} is not expected.`
  const missing = headers?.find(name => !response.headers[name.toLowerCase()])
  if (missing !== undefined) return `the answer has no ${missing}.`
  const isBare = orBare && response.headers['content-length'] !== undefined && !response.headers['content-type']
  if (!isBare && fileHas?.every(name => !response.headers[name.toLowerCase()]))
    return `the answer has no ${fileHas.join(' and no ')}.`
  return undefined
}

/** Whether an answer means that the request was refused. A 304 is a refusal only if the request was conditional. */
export function isRefusal({ headers }: HttpRequest, { status }: HttpResponse): boolean {
  if (status !== 304) return status >= 300
  return headers['if-none-match'] !== undefined || headers['if-modified-since'] !== undefined
}

/** The fields of a request that show whether it changes anything. */
export interface Intent {
  readonly method: string
  /** Whether the request only reads, if its method does not show it. Default: true for GET and HEAD. */
  readonly reads?: boolean | undefined
}

/** Whether a request changes nothing. */
export function isRead({ method, reads }: Intent): boolean {
  return reads ?? (method === 'GET' || method === 'HEAD')
}

/** The error of an answer that is not one of the service. */
export function noAnswer(
  wire: Intent & Pick<HttpRequest, 'url'>,
  { status }: Pick<HttpResponse, 'status'>,
  text: string,
): StorageError {
  const outcome = isRead(wire) ? 'not_applied' : 'unknown'
  return new StorageError('unavailable', `${wire.method} ${shownUrl(wire.url)}: ${text}`, { status, outcome })
}

/** The error of a document that could not be read. The outcome of a write is unknown. */
export function unread(request: Intent, error: unknown): unknown {
  return isRead(request) ? error : withOutcome(error, 'unknown')
}

/**
 * The value of a JSON text; undefined for any other text. The parser's own error is dropped: it quotes the document, which may contain
 * secrets.
 */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text.trimStart())
  } catch {
    return undefined
  }
}

/** A text that is not empty; undefined for any other value. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
