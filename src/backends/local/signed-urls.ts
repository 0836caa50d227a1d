import { nodeCrypto } from '../../core/builtin.ts'
import type { SignUrlOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'

/** What a valid signed URL allows. */
export interface SignedUrl {
  readonly method: SignUrlOptions['method']
  readonly key: string
  readonly expiresAt: Date
  /** Query parameters that were signed, such as `response-content-type`; for an upload `content-type`. */
  readonly parameters: Readonly<Record<string, string>>
}

const EXPIRES = 'expires'
const METHOD = 'method'
const SIGNATURE = 'signature'
const RESERVED: ReadonlySet<string> = new Set([EXPIRES, METHOD, SIGNATURE])

/**
 * Signs URLs with HMAC-SHA256 (RFC 2104) over method, key, expiry and every other query parameter, and checks them in constant
 * time. A GET signature is good for HEAD too. Nothing of a query that it did not sign is ever accepted.
 */
export class UrlSigner {
  readonly #secret: string

  constructor(secret: string) {
    this.#secret = secret
  }

  /** The query, without '?', to append to the URL of `key`. */
  sign(key: string, options: SignUrlOptions, now: number = Date.now()): string {
    const expires = String(Math.floor(now / 1000) + Math.floor(options.expiresInSecs))
    const parameters = parametersOf(options)
    const signature = this.#signature(options.method, key, expires, parameters)
    return new URLSearchParams([
      ...Object.entries(parameters),
      [METHOD, options.method],
      [EXPIRES, expires],
      [SIGNATURE, signature],
    ]).toString()
  }

  /** What a URL allows. A wrong signature, another method or key, or a time that is over is `permission_denied`. */
  verify(method: string, key: string, query: URLSearchParams, now: number = Date.now()): SignedUrl {
    const signed = query.get(METHOD)
    const expires = query.get(EXPIRES) ?? ''
    const parameters: Record<string, string> = {}
    const seen = new Set<string>()
    for (const [name, value] of query) {
      if (seen.has(name)) throw denied()
      seen.add(name)
      if (!RESERVED.has(name)) parameters[name] = value
    }
    const expected = Buffer.from(this.#signature(signed ?? '', key, expires, parameters))
    const given = Buffer.from(query.get(SIGNATURE) ?? '')
    if (given.length !== expected.length || !nodeCrypto().timingSafeEqual(given, expected)) throw denied()
    if (!isMethod(signed) || (signed !== method && !(signed === 'GET' && method === 'HEAD'))) throw denied()
    if (!/^\d{1,15}$/.test(expires) || Number(expires) * 1000 <= now) {
      throw new StorageError('permission_denied', 'The signed URL has expired.', { fileName: key })
    }
    return { method: signed, key, expiresAt: new Date(Number(expires) * 1000), parameters }
  }

  #signature(method: string, key: string, expires: string, parameters: Readonly<Record<string, string>>): string {
    const sorted = Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1))
    return nodeCrypto()
      .createHmac('sha256', this.#secret)
      .update(JSON.stringify(['holdall-url-1', method, key, expires, sorted]))
      .digest('base64url')
  }
}

function parametersOf(options: SignUrlOptions): Record<string, string> {
  const upload = options.method === 'PUT'
  const named: Readonly<Record<string, string | undefined>> = {
    [upload ? 'content-type' : 'response-content-type']: options.contentType,
    [upload ? 'content-disposition' : 'response-content-disposition']: options.contentDisposition,
    [upload ? 'cache-control' : 'response-cache-control']: options.cacheControl,
    [upload ? 'content-encoding' : 'response-content-encoding']: options.contentEncoding,
    [upload ? 'content-language' : 'response-content-language']: options.contentLanguage,
  }
  const parameters: Record<string, string> = {}
  for (const [name, value] of Object.entries({ ...named, ...options.parameters })) {
    if (value === undefined) continue
    if (RESERVED.has(name))
      throw new StorageError('invalid_argument', `The parameter '${name}' belongs to the signature.`)
    parameters[name] = String(value)
  }
  return parameters
}

function isMethod(method: string | null): method is SignUrlOptions['method'] {
  return method === 'GET' || method === 'HEAD' || method === 'PUT' || method === 'DELETE'
}

function denied(): StorageError {
  return new StorageError('permission_denied', 'The signature of the URL is not valid.')
}
