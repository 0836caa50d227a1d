import { nodeCrypto } from '../../core/builtin.ts'
import type { DirectUpload, DirectUploadLimits } from '../../core/direct-uploads.ts'
import type { SignUrlOptions, WriteOptions } from '../../core/driver.ts'
import { ImproperlyConfigured, StorageError } from '../../core/errors.ts'
import { checkLifetime, checkUrlMethod, isUrlMethod, withSlash } from '../../core/urls.ts'

/** The permission of a valid signed URL. */
export interface SignedUrl {
  readonly method: SignUrlOptions['method']
  readonly key: string
  readonly expiresAt: Date
  /** Query parameters that were signed, such as `response-content-type`; for an upload `content-type`. Without a prototype. */
  readonly parameters: Readonly<Record<string, string>>
}

/** Longest lifetime of a signed URL, in seconds: 366 days. */
export const MAX_URL_SECS = 31_622_400
/** Minimum length of a secret in bytes of UTF-8. */
const MIN_SECRET_BYTES = 16
/** Permitted difference of the clocks of signer and verifier, in seconds. */
const CLOCK_SLACK_SECS = 3600

const EXPIRES = 'expires'
const METHOD = 'method'
const SIGNATURE = 'signature'
const RESERVED: ReadonlySet<string> = new Set([EXPIRES, METHOD, SIGNATURE])

type Parameters = ReadonlyArray<[name: string, value: string]>

/** Parses the secret that signs URLs; null = no signatures. A text under 16 bytes, including an empty one, throws. */
export function parseUrlSecret(raw: unknown): string | null {
  if (raw === null) return null
  if (typeof raw === 'string' && Buffer.byteLength(raw) >= MIN_SECRET_BYTES) return raw
  throw new Error(`expected a urlSecret of at least ${MIN_SECRET_BYTES} bytes`)
}

/**
 * Signs the URLs of one storage with HMAC-SHA256 (RFC 2104) over the storage's base URL, method, key, expiry and every other query
 * parameter, and verifies them in constant time. A GET signature is also valid for HEAD. Unsigned query parameters are refused.
 */
export class UrlSigner {
  readonly #secret: string
  readonly #base: string

  /** Code `improperly_configured` for a secret under 16 bytes. */
  constructor(secret: string, baseUrl: string) {
    if (Buffer.byteLength(secret) < MIN_SECRET_BYTES) {
      throw new ImproperlyConfigured(`urlSecret: expected at least ${MIN_SECRET_BYTES} bytes.`)
    }
    this.#secret = secret
    this.#base = canonicalBase(baseUrl)
  }

  /**
   * The query, without '?', for the URL of `key`. Code `invalid_argument` for a lifetime that is not a whole number of seconds from 1 to
   * `MAX_URL_SECS`.
   */
  sign(key: string, options: SignUrlOptions, now: number = Date.now()): string {
    const { method } = options
    checkUrlMethod(method)
    wellFormed('the name', key)
    const expires = String(Math.floor(now / 1000) + checkLifetime(options.expiresInSecs, MAX_URL_SECS, 'a signed URL'))
    const parameters = parametersOf(options)
    const signature = this.#signature(method, key, expires, parameters)
    return new URLSearchParams([...parameters, [METHOD, method], [EXPIRES, expires], [SIGNATURE, signature]]).toString()
  }

  /** Verifies a URL. Code `permission_denied` for a wrong signature, another method, key or storage, or an expired URL. */
  verify(method: string, key: string, query: URLSearchParams, now: number = Date.now()): SignedUrl {
    const all = new Map(query)
    const signed = all.get(METHOD) ?? ''
    const expires = all.get(EXPIRES) ?? ''
    // A parameter that occurs twice is ambiguous: readers differ in which value they use.
    if (all.size !== query.size) throw denied()
    const parameters = [...all].filter(([name]) => !RESERVED.has(name))
    const expected = Buffer.from(this.#signature(signed, key, expires, parameters))
    const given = Buffer.from(all.get(SIGNATURE) ?? '')
    if (given.length !== expected.length || !nodeCrypto().timingSafeEqual(given, expected)) throw denied()
    if (!isUrlMethod(signed) || (signed !== method && !(signed === 'GET' && method === 'HEAD'))) throw denied()
    const left = /^[1-9]\d{0,11}$/.test(expires) ? Number(expires) - now / 1000 : Number.NaN
    if (!(left <= MAX_URL_SECS + CLOCK_SLACK_SECS)) throw denied()
    if (left <= 0) throw new StorageError('permission_denied', 'The signed URL has expired.', { fileName: key })
    const found: Record<string, string> = Object.create(null)
    for (const [name, value] of parameters) found[name] = value
    return { method: signed, key, expiresAt: new Date(Number(expires) * 1000), parameters: found }
  }

  /** Signs JSON of a fixed form, with the parameters sorted by name: different parts never make the same text. */
  #signature(method: string, key: string, expires: string, parameters: Parameters): string {
    const sorted = [...parameters].sort(([a], [b]) => (a < b ? -1 : 1))
    return nodeCrypto()
      .createHmac('sha256', this.#secret)
      .update(JSON.stringify(['holdall-url-2', this.#base, method, key, expires, sorted]))
      .digest('base64url')
  }
}

/** A signed PUT of one file. The handler refuses another content type, and more bytes than `max-bytes`. */
export async function directUpload(
  key: string,
  options: WriteOptions,
  { expiresInSecs, maxSize }: DirectUploadLimits,
  signUrl: (key: string, request: SignUrlOptions) => Promise<string>,
): Promise<DirectUpload> {
  const { contentType, contentDisposition, cacheControl, contentEncoding, contentLanguage, metadata } = options
  if (metadata !== undefined) {
    throw new StorageError('unsupported', 'metadata: the file handler stores uploads without metadata of the user.')
  }
  const attributes = { contentType, contentDisposition, cacheControl, contentEncoding, contentLanguage }
  const parameters = maxSize === undefined ? {} : { 'max-bytes': maxSize }
  const url = await signUrl(key, { method: 'PUT', expiresInSecs, ...attributes, parameters })
  return { method: 'PUT', url, headers: contentType === undefined ? {} : { 'content-type': contentType } }
}

/** A base URL with its trailing slash. An absolute one is normalised like a WHATWG URL (host in lower case, no default port). */
function canonicalBase(baseUrl: string): string {
  const base = withSlash(baseUrl)
  return URL.canParse(base) ? new URL(base).href : base
}

function parametersOf(options: SignUrlOptions): Parameters {
  const prefix = options.method === 'PUT' ? '' : 'response-'
  const all = new Map<string, unknown>([
    [`${prefix}content-type`, options.contentType],
    [`${prefix}content-disposition`, options.contentDisposition],
    [`${prefix}cache-control`, options.cacheControl],
    [`${prefix}content-encoding`, options.contentEncoding],
    [`${prefix}content-language`, options.contentLanguage],
  ])
  for (const [name, value] of Object.entries(options.parameters ?? {})) all.set(name, value)
  const parameters: Array<[string, string]> = []
  for (const [name, value] of all) {
    if (value === undefined) continue
    if (RESERVED.has(name)) throw invalid(`parameters: '${name}' belongs to the signature`)
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw invalid(`parameters: expected a text, number or boolean as '${name}'`)
    }
    parameters.push([wellFormed('parameters', name), wellFormed(name, String(value))])
  }
  return parameters
}

/** A lone surrogate cannot be sent: it would arrive as another character than was signed. */
function wellFormed(what: string, text: string): string {
  if (text.isWellFormed()) return text
  throw invalid(`${what}: expected well-formed Unicode`)
}

function invalid(message: string): StorageError {
  return new StorageError('invalid_argument', `${message}.`)
}

function denied(): StorageError {
  return new StorageError('permission_denied', 'The signature of the URL is not valid.')
}
