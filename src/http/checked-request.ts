import { Readable } from 'node:stream'
import { StorageError } from '../core/errors.ts'
import { bodySize, type HttpRequest, shownUrl } from './request.ts'

/** The values of a request that are determined before it is sent. */
export interface CheckedRequest {
  /** Scheme, host and port, as in the URL. */
  readonly origin: string
  /** Path and query. */
  readonly path: string
  /** Headers that frame the body: `content-length`, or `transfer-encoding` for a stream of unknown length. */
  readonly headers: Record<string, string>
  /** Size of the body in bytes; undefined for a stream of unknown length, 0 without a body. */
  readonly length: number | undefined
  /** Whether the request waits for the server's `100 Continue` before it sends the body. */
  readonly expects: boolean
}

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
const LOWER = /^[\d!#$%&'*+.^`|~a-z_-]+$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const LENGTH = /^\d{1,15}$/
const TARGET = /^[\x21\x22\x24-\x7e]+$/
/** Matches any text. */
const ORIGIN = /^(?:[^/?#]*:\/\/)?[^/?#]*/

/**
 * Checks a request. A request that would arrive as another one is `invalid_argument`: an invalid name or value, a duplicate header, a
 * length that differs from the body's. (RFC 9112 sections 3 and 6, RFC 9110 section 5)
 */
export function checkRequest({ method, url, headers, body }: HttpRequest): CheckedRequest {
  const [origin] = ORIGIN.exec(url)!
  const rest = url.slice(origin.length)
  const path = rest.startsWith('/') ? rest : `/${rest}`
  if (!TOKEN.test(method)) throw refused(method, 'it is no method')
  if (!TARGET.test(path)) throw refused(method, 'its path has a character that must be percent-encoded')
  let sent = headers as Record<string, string>
  let capitals: Set<string> | undefined
  let length: number | undefined
  let chunked = false
  let expects = false
  for (const name in headers) {
    const value = headers[name] as string
    let lower = name
    if (!LOWER.test(name)) {
      if (!TOKEN.test(name)) throw refused(method, `'${name}' cannot name a header`)
      lower = name.toLowerCase()
      capitals ??= new Set()
      if (Object.hasOwn(headers, lower) || capitals.has(lower)) throw refused(method, `it has two headers '${lower}'`)
      capitals.add(lower)
    }
    if (typeof value !== 'string' || !VALUE.test(value))
      throw refused(method, `the header '${name}' has a character that HTTP does not allow`)
    if (lower === 'content-length') {
      if (!LENGTH.test(value)) throw refused(method, 'its content-length is no number')
      length = Number(value)
    } else if (lower === 'transfer-encoding') chunked = true
    else if (lower === 'expect') expects = value.toLowerCase() === '100-continue'
  }
  const isStream = body instanceof Readable
  if (chunked && (!isStream || length !== undefined)) {
    throw refused(method, 'only a stream without content-length goes in chunked coding')
  }
  const size = isStream ? length : body === undefined ? 0 : bodySize(body)
  if (size === undefined) {
    if (!chunked) sent = { ...sent, 'transfer-encoding': 'chunked' }
  } else if (length === undefined) {
    const isFramed = size > 0 || method === 'PUT' || method === 'POST' || method === 'PATCH'
    if (isFramed) sent = { ...sent, 'content-length': String(size) }
  } else if (length !== size && method !== 'HEAD') {
    throw refused(method, `the content has ${size} bytes, but ${length} were announced`)
  }
  return { origin, path, headers: sent, length: size, expects: expects && size !== 0 }
}

/** Parses an origin; `invalid_argument` for another scheme, and for one with a user or a password. */
export function parseOrigin(origin: string): URL {
  const url = URL.canParse(origin) ? new URL(origin) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol) && !url.username && !url.password) return url
  const text = `'${shownUrl(origin)}' is not the beginning of an http or https URL without user and password.`
  throw new StorageError('invalid_argument', text)
}

function refused(method: string, why: string): StorageError {
  return new StorageError('invalid_argument', `${method}: this request cannot be sent: ${why}.`)
}
