import { ImproperlyConfigured } from '../core/errors.ts'
import { failure } from './failure.ts'

/** Which pages of other origins may use the files. (WHATWG Fetch, section 3.2: CORS protocol) */
export interface CorsOptions {
  /** Origins such as `https://app.example.com`, without a path; or `*` for all origins. */
  readonly origins: '*' | readonly string[]
  /** Time in seconds for which a browser may cache the answer to a preflight; default 600. */
  readonly maxAgeSecs?: number | undefined
}

/** Headers of an answer that scripts can read, besides those that are always readable. */
const EXPOSED = [
  'Accept-Ranges',
  'Content-Disposition',
  'Content-Encoding',
  'Content-Length',
  'Content-Range',
  'ETag',
  'Retry-After',
].join(', ')

/**
 * Returns the same handler for pages of other origins too: it answers preflights and adds the headers that let them read answers. An origin
 * that is not in the list gets none of these headers, and a 403 to its preflight. Credentials (cookies) are never allowed. An invalid
 * origin is `improperly_configured`.
 */
export function allowOrigins(
  handler: (request: Request) => Promise<Response>,
  options: CorsOptions,
  methods: readonly string[],
): (request: Request) => Promise<Response> {
  const { maxAgeSecs = 600 } = options
  const origins = checkedOrigins(options.origins)
  if (!Number.isSafeInteger(maxAgeSecs) || maxAgeSecs < 0) {
    throw new ImproperlyConfigured(`cors.maxAgeSecs: expected a whole number of seconds, got ${String(maxAgeSecs)}.`)
  }
  /** Returns the value of Access-Control-Allow-Origin; undefined where it is left out. */
  const allowedFor = (origin: string | null): string | undefined => {
    if (origins === '*') return '*'
    return origin !== null && origins.has(origin) ? origin : undefined
  }

  function preflight(request: Request, allowed: string | undefined): Response {
    if (allowed === undefined) return failure(403)
    const headers = {
      'access-control-allow-methods': methods.join(', '),
      // `*` means every header except Authorization, since no credentials are allowed.
      'access-control-allow-headers': '*',
      'access-control-max-age': String(maxAgeSecs),
    }
    return new Response(null, { status: 204, headers: request.headers.has('origin') ? headers : {} })
  }

  return async request => {
    const allowed = allowedFor(request.headers.get('origin'))
    const isPreflight = request.method === 'OPTIONS' && request.headers.has('access-control-request-method')
    const answer = isPreflight ? preflight(request, allowed) : await handler(request)
    if (origins !== '*') answer.headers.append('vary', 'Origin')
    if (isPreflight) answer.headers.append('vary', 'Access-Control-Request-Method, Access-Control-Request-Headers')
    if (allowed !== undefined) {
      answer.headers.set('access-control-allow-origin', allowed)
      if (!isPreflight) answer.headers.set('access-control-expose-headers', EXPOSED)
    }
    return answer
  }
}

function checkedOrigins(origins: unknown): '*' | ReadonlySet<string> {
  if (origins === '*') return '*'
  if (!Array.isArray(origins)) {
    throw new ImproperlyConfigured("cors.origins: expected '*' or a list of origins such as 'https://app.example.com'.")
  }
  for (const origin of origins as unknown[]) {
    const url = typeof origin === 'string' ? URL.parse(origin) : null
    if (url !== null && url.origin === origin) continue
    const hint = url === null || url.origin === 'null' ? '' : `; did you mean '${url.origin}'?`
    throw new ImproperlyConfigured(
      `cors.origins: expected an origin such as 'https://app.example.com', got '${String(origin)}'${hint}.`,
    )
  }
  return new Set(origins as string[])
}
