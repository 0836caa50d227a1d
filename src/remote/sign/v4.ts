import { nodeCrypto } from '../../core/builtin.ts'
import { StorageError } from '../../core/errors.ts'
import { checkLifetime } from '../../core/urls.ts'
import { AWS4, type SigningDialect } from './dialect.ts'
import { encodeComponent } from './encode.ts'
import type { EncodedPair, SignableRequest, SigningCredentials } from './query.ts'
import { canonicalQuery, canonicalValue, compare, encodedPairs, joinPairs } from './query.ts'
import { type SigningScope, scopeOf, signingKey } from './signing-key.ts'

/** The payload hash of a body that the signature does not cover. */
export const UNSIGNED_PAYLOAD: string = 'UNSIGNED-PAYLOAD'
/** The payload hash of an empty body: SHA-256 of no bytes, in hex. */
export const EMPTY_PAYLOAD_HASH: string = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
/** The longest lifetime of a version 4 URL, in seconds: seven days. */
export const MAX_PRESIGN_SECS: number = 604_800

/** The options of `signV4` besides the request and the keys. */
export interface SignV4Options extends SigningScope {
  /** SHA-256 of the body in hex, or `UNSIGNED-PAYLOAD`, or a `STREAMING-…` constant. */
  readonly payloadHash: string
}

/** The options of `presignV4` besides the request and the keys. */
export interface PresignV4Options extends SigningScope {
  /** From 1 to 604800. */
  readonly expiresInSecs: number
  /** Lower-case names of headers to sign that presigning would leave out: `content-type` binds an upload to its type. */
  readonly signableHeaders?: readonly string[] | undefined
}

/** Headers that proxies change or that the signer makes: never signed. */
const UNSIGNED: ReadonlySet<string> = new Set(
  (
    'authorization cache-control connection date expect from keep-alive max-forwards pragma referer te trailer ' +
    'transfer-encoding upgrade user-agent x-amz-date x-amzn-trace-id x-goog-date'
  ).split(' '),
)

/**
 * Signs a request with signature version 4 in its `authorization` header
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html). Returns the headers to add.
 */
export function signV4(
  request: SignableRequest,
  credentials: SigningCredentials,
  options: SignV4Options,
): Record<string, string> {
  const { amzDate, day } = datesOf(options.now)
  const { payloadHash, dialect = AWS4 } = options
  const added: Record<string, string> = {
    [dialect.dateHeader]: amzDate,
    [dialect.payloadHeader]: payloadHash,
  }
  if (credentials.sessionToken) added[dialect.tokenHeader] = credentials.sessionToken
  const headers = signedHeaders(request.headers, name => added[name] !== undefined)
  for (const name in added) headers.add(name, added[name]!)
  const query = canonicalQuery(encodedPairs(request.query))
  const key = signingKey(credentials.secretAccessKey, options, day)
  const text = textToSign(request, query, headers, payloadHash)
  const signature = key.hmac.sign(stringToSign(dialect, amzDate, key.scope, text))
  const credential = `${credentials.accessKeyId}/${key.scope}`
  added['authorization'] =
    `${dialect.algorithm} Credential=${credential}, SignedHeaders=${headers.names}, Signature=${signature}`
  return added
}

/**
 * Signs a request with signature version 4 in its query (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html).
 * Returns the whole query string without `?`. `x-amz-*` headers move into the query, except those of server-side encryption: these and all
 * other headers but `content-type` are signed and must be sent. More than 604800 seconds is `invalid_argument`.
 */
export function presignV4(
  request: SignableRequest,
  credentials: SigningCredentials,
  options: PresignV4Options,
): string {
  const { text, finish } = planPresign(request, credentials, options)
  return finish(signingKey(credentials.secretAccessKey, options, datesOf(options.now).day).hmac.sign(text))
}

/** A URL without its signature. */
export interface PresignPlan {
  /** The text to sign; the signature is in hex. */
  readonly text: string
  /** The whole query string without `?`. */
  finish(signature: string): string
}

/** Like `presignV4`, for a signature that is made elsewhere: with an RSA key, or by a service. */
export function planPresign(
  request: SignableRequest,
  { accessKeyId, sessionToken }: Omit<SigningCredentials, 'secretAccessKey'>,
  options: PresignV4Options,
): PresignPlan {
  const { dialect = AWS4, signableHeaders: signable } = options
  const secs = checkLifetime(options.expiresInSecs, MAX_PRESIGN_SECS, 'a version 4 signature')
  const { amzDate, day } = datesOf(options.now)
  const scope = scopeOf(options, day)
  const parameters = new Map<string, string | undefined>()
  const kept: Record<string, string | undefined> = {}
  for (const name in request.headers) {
    const value = request.headers[name]
    const lower = name.toLowerCase()
    if (value === undefined || MADE_HERE.has(lower)) continue
    if (dialect.movesHeaders && lower.startsWith('x-amz-') && !lower.startsWith('x-amz-server-side-encryption')) {
      parameters.set(encodeComponent(name), encodeComponent(value))
    } else if (lower !== 'content-type' || signable?.includes(lower)) kept[lower] = value
  }
  const set = (name: string, value: string) => parameters.set(`${dialect.parameter}${name}`, value)
  if (sessionToken) set('Security-Token', encodeComponent(sessionToken))
  const headers = signedHeaders(kept, name => UNSIGNED.has(name) && !signable?.includes(name), signable)
  if (dialect.movesHeaders) set('Content-Sha256', UNSIGNED_PAYLOAD)
  set('Algorithm', dialect.algorithm)
  set('Credential', encodeComponent(`${accessKeyId}/${scope}`))
  set('Date', amzDate)
  set('Expires', String(secs))
  set('SignedHeaders', encodeComponent(headers.names))
  const last = `${dialect.parameter}Signature`
  const pairs = encodedPairs(request.query).filter(([name]) => !parameters.has(name) && name !== last)
  for (const pair of parameters) pairs.push(pair)
  const signed: [string, string] = [last, '']
  const sent = sortForUrl([...pairs, signed])
  const text = textToSign(request, canonicalQuery(pairs), headers, UNSIGNED_PAYLOAD)
  return {
    text: stringToSign(dialect, amzDate, scope, text),
    finish(signature) {
      signed[1] = signature
      return joinPairs(sent)
    },
  }
}

const MADE_HERE: ReadonlySet<string> = new Set(
  'authorization date x-amz-date x-amz-content-sha256 x-goog-date x-goog-content-sha256'.split(' '),
)

/** Headers in the order in which they are signed. */
class SignedHeaders {
  readonly #names: string[] = []
  readonly #lines: string[] = []
  #joined: string | undefined

  add(name: string, value: string): void {
    const names = this.#names
    const lines = this.#lines
    let at = names.length
    for (; at > 0 && names[at - 1]! > name; at--) {
      names[at] = names[at - 1]!
      lines[at] = lines[at - 1]!
    }
    names[at] = name
    lines[at] = `${name}:${canonicalValue(value)}`
  }

  /** All names, in the form of a signature. */
  get names(): string {
    this.#joined ??= this.#names.join(';')
    return this.#joined
  }

  get lines(): string {
    return this.#lines.join('\n')
  }
}

function signedHeaders(
  headers: SignableRequest['headers'],
  skip: (name: string) => boolean,
  signable?: readonly string[],
): SignedHeaders {
  const signed = new SignedHeaders()
  let hasHost = false
  for (const key in headers) {
    const value = headers[key]
    if (value === undefined) continue
    const name = key.toLowerCase()
    if (skip(name)) continue
    if ((UNSIGNED.has(name) || name.startsWith('proxy-') || name.startsWith('sec-')) && !signable?.includes(name))
      continue
    if (name === 'host') hasHost = true
    signed.add(name, value)
  }
  if (!hasHost) throw new StorageError('invalid_argument', "a request needs a 'host' header to be signed")
  return signed
}

/** The canonical request. */
function textToSign(
  { method, path }: SignableRequest,
  query: string,
  headers: SignedHeaders,
  payloadHash: string,
): string {
  return `${method}\n${path}\n${query}\n${headers.lines}\n\n${headers.names}\n${payloadHash}`
}

function stringToSign({ algorithm }: SigningDialect, amzDate: string, scope: string, text: string): string {
  return `${algorithm}\n${amzDate}\n${scope}\n${nodeCrypto().hash('sha256', text, 'hex')}`
}

/** The official presigner sorts parameters by name before encoding; encoded ASCII and UTF-16 have different orders. */
function sortForUrl(pairs: EncodedPair[]): EncodedPair[] {
  if (!pairs.some(([name]) => name.includes('%'))) return pairs.sort((a, b) => compare(a[0], b[0]))
  const named = pairs.map(pair => [decodeURIComponent(pair[0]), pair] as const)
  return named.sort((a, b) => compare(a[0], b[0])).map(([, pair]) => pair)
}

let lastSecond = Number.NaN
let lastDates: { readonly amzDate: string; readonly day: string } = { amzDate: '', day: '' }

/** `YYYYMMDDTHHMMSSZ` and `YYYYMMDD` of a time in UTC, made once per second. */
export function datesOf(now: Date): { readonly amzDate: string; readonly day: string } {
  const second = Math.floor(now.getTime() / 1000)
  if (second !== lastSecond) {
    const iso = now.toISOString()
    const day = iso.slice(0, 4) + iso.slice(5, 7) + iso.slice(8, 10)
    lastDates = { amzDate: `${day}T${iso.slice(11, 13)}${iso.slice(14, 16)}${iso.slice(17, 19)}Z`, day }
    lastSecond = second
  }
  return lastDates
}
