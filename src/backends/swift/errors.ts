import { type ErrorCode, StorageError } from '../../core/errors.ts'
import type { HttpRequest, HttpResponse } from '../../http/request.ts'
import { classifyHttp } from '../../remote/codes.ts'
import { HttpStatusError } from '../../remote/http-error.ts'
import type { Hide } from '../../remote/redact.ts'
import { readRefusal } from '../../remote/refusal.ts'

/** An answer by which Swift refused a request. */
export class SwiftError extends HttpStatusError {
  /** In upper case. */
  readonly method: string

  static {
    SwiftError.prototype.name = 'SwiftError'
  }

  constructor(request: Pick<HttpRequest, 'method' | 'url'>, details: ConstructorParameters<typeof HttpStatusError>[1]) {
    super(request, details)
    this.method = request.method
  }
}

/** Makes an error from a refusal. A 404 that does not come from Swift does not mean that a file is missing. */
export async function swiftError(
  request: Pick<HttpRequest, 'method' | 'url'>,
  response: HttpResponse,
  { hide, seeksFile }: { readonly hide: Hide; readonly seeksFile: boolean },
): Promise<SwiftError> {
  const refusal = await readRefusal(request, response)
  const { status, headers, bodyText } = refusal
  const isOwn = headers['x-trans-id'] !== undefined || headers['x-openstack-request-id'] !== undefined
  return new SwiftError(request, {
    ...refusal,
    hide,
    serviceMessage: messageIn(bodyText, headers['content-type']),
    seeksFile: seeksFile && isOwn,
    hint: hintFor(status, request.method, seeksFile),
  })
}

const PARAGRAPH = /<p>([^<]{1,400})/

/** The message in an HTML error page, or its plain text. */
export function messageIn(text: string, contentType = ''): string | undefined {
  if (text.trimStart().startsWith('<')) return PARAGRAPH.exec(text)?.[1]?.trim()
  return /^(?:text\/|application\/json)/i.test(contentType) ? text.trim() || undefined : undefined
}

function hintFor(status: number, method: string, seeksFile: boolean): string | undefined {
  if (status === 401) return 'The token or the credentials were refused: see username, password and projectName'
  if (status === 403)
    return 'The user lacks the right: the project needs a role that Swift knows, or an ACL of the container'
  if (status === 404 && !seeksFile)
    return 'There is no such container: create it (createContainer), or set SWIFT_AUTO_CREATE_CONTAINER'
  if (status === 409 && (method === 'GET' || method === 'HEAD'))
    return 'A segment of the large object is missing or was changed'
  return undefined
}

/** The code of an answer of Swift, or of a `StorageError`; undefined for any other value. */
export function classifySwift(error: unknown): ErrorCode | undefined {
  if (error instanceof SwiftError) {
    const { status, method } = error
    // Clusters with the middleware `ratelimit` answer 498.
    if (status === 498) return 'throttled'
    // The body did not match the ETag of the request.
    if (status === 422 && method === 'PUT') return 'checksum_mismatch'
    // Some segments of a large object are missing, possibly only for now.
    if (status === 409 && method !== 'DELETE') return 'unavailable'
    // Temporarily, no storage node accepts the object; a quota is 413.
    if (status === 507) return 'unavailable'
  }
  return classifyHttp(error)
}

/** Swift's own error, also if it is the cause of a `StorageError`. */
export function swiftErrorOf(error: unknown): SwiftError | undefined {
  const native = error instanceof StorageError ? error.cause : error
  return native instanceof SwiftError ? native : undefined
}
