import { StorageError, withOutcome } from '../core/errors.ts'
import { type HttpRequest, type HttpResponse, shownUrl } from '../http/request.ts'

/** What a successful answer to a request looks like. Any other one below 300 is no answer, and the outcome of a write is `unknown`. */
export interface Expected {
  readonly statuses: readonly number[]
  /** Headers that it always has, in any case. */
  readonly headers?: readonly string[] | undefined
  /** Headers of which a stored file always has one: a page that something between sent, or an empty success, has none. */
  readonly fileHas?: readonly string[] | undefined
  /** Whether an answer with a length and without a type is taken for that of a file, too: it can be no page. */
  readonly orBare?: boolean | undefined
  /** Names of the root element of its XML document. */
  readonly root?: readonly string[] | undefined
  /** Whether names in its XML document may have characters that XML forbids: they become U+FFFD instead of spoiling the document. */
  readonly replacesForbidden?: boolean | undefined
  /** Names of fields that its JSON object, or of elements with text that the root of its XML document, always has. */
  readonly fields?: readonly string[] | undefined
  /** Names of fields that it always has and that are arrays. */
  readonly lists?: readonly string[] | undefined
}

/** What is wrong with an answer; undefined for a success. */
export function problemOf(
  { statuses, headers, fileHas, orBare = false }: Expected,
  response: HttpResponse,
): string | undefined {
  if (!statuses.includes(response.status)) return `status ${response.status} is no answer to it.`
  const missing = headers?.find(name => !response.headers[name.toLowerCase()])
  if (missing !== undefined) return `the answer has no ${missing}.`
  const isBare = orBare && response.headers['content-length'] !== undefined && !response.headers['content-type']
  if (!isBare && fileHas?.every(name => !response.headers[name.toLowerCase()]))
    return `the answer has no ${fileHas.join(' and no ')}.`
  return undefined
}

/** Whether an answer says that the request was refused. A 304 does only where the request asked for it. */
export function isRefusal({ headers }: HttpRequest, { status }: HttpResponse): boolean {
  if (status !== 304) return status >= 300
  return headers['if-none-match'] !== undefined || headers['if-modified-since'] !== undefined
}

/** What of a request tells whether it changes anything. */
export interface Intent {
  readonly method: string
  /** Whether it changes nothing, where its method does not tell. Default: GET and HEAD change nothing. */
  readonly reads?: boolean | undefined
}

/** Whether a request changes nothing. */
export function isRead({ method, reads }: Intent): boolean {
  return reads ?? (method === 'GET' || method === 'HEAD')
}

/** The error of an answer that is none. */
export function noAnswer(
  wire: Intent & Pick<HttpRequest, 'url'>,
  { status }: Pick<HttpResponse, 'status'>,
  text: string,
): StorageError {
  const outcome = isRead(wire) ? 'not_applied' : 'unknown'
  return new StorageError('unavailable', `${wire.method} ${shownUrl(wire.url)}: ${text}`, { status, outcome })
}

/** The error of a document that could not be read: a write may have been carried out. */
export function unread(request: Intent, error: unknown): unknown {
  return isRead(request) ? error : withOutcome(error, 'unknown')
}

/** The value of a JSON text; undefined for any other. The parser's own error is dropped: it quotes the document, which may hold secrets. */
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
