import { nodeCrypto } from '../../core/builtin.ts'
import { StorageError } from '../../core/errors.ts'
import type { EncodedPair, SignableRequest, SigningCredentials } from './canonical.ts'
import { canonicalQuery, canonicalValue, checkLifetime, compare, encodedPairs, joinPairs } from './canonical.ts'
import { encodeComponent } from './encode.ts'
import { HmacSha256 } from './hmac.ts'

/** Name of the algorithm of signature version 4. */
export const ALGORITHM: string = 'AWS4-HMAC-SHA256'
/** The payload hash of a body that is not covered by the signature. */
export const UNSIGNED_PAYLOAD: string = 'UNSIGNED-PAYLOAD'
/** The payload hash of an empty body: SHA-256 of nothing, in hex. */
export const EMPTY_PAYLOAD_HASH: string = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
/** The longest life of a version 4 URL, in seconds: seven days. */
export const MAX_PRESIGN_SECS: number = 604_800

/** Where and when a version 4 signature is valid. */
export interface SigningScope {
  readonly region: string
  /** `s3` unless given. */
  readonly service?: string | undefined
  readonly now: Date
}

/** What `signV4` needs besides the request and the keys. */
export interface SignV4Options extends SigningScope {
  /** SHA-256 of the body in hex, or `UNSIGNED-PAYLOAD`, or a `STREAMING-…` constant. */
  readonly payloadHash: string
}

/** What `presignV4` needs besides the request and the keys. */
export interface PresignV4Options extends SigningScope {
  /** From 1 to 604800. */
  readonly expiresInSecs: number
  /** Headers to sign although presigning leaves them out, in lower case: `content-type` binds an upload to its type. */
  readonly signableHeaders?: readonly string[] | undefined
}

/** Headers that proxies change or that are made here: never signed. */
const UNSIGNED: ReadonlySet<string> = new Set(
  (
    'authorization cache-control connection date expect from keep-alive max-forwards pragma referer te trailer ' +
    'transfer-encoding upgrade user-agent x-amz-date x-amzn-trace-id'
  ).split(' '),
)

/**
 * Signs a request by AWS Signature Version 4 in its `authorization` header
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html); gives the headers to add.
 */
export function signV4(
  request: SignableRequest,
  credentials: SigningCredentials,
  options: SignV4Options,
): Record<string, string> {
  const { amzDate, day } = datesOf(options.now)
  const { payloadHash } = options
  const added: Record<string, string> = { 'x-amz-date': amzDate, 'x-amz-content-sha256': payloadHash }
  if (credentials.sessionToken) added['x-amz-security-token'] = credentials.sessionToken
  const lines = headerLines(request.headers, name => added[name] !== undefined)
  for (const name in added) lines.push([name, canonicalValue(added[name]!)])
  const query = canonicalQuery(encodedPairs(request.query))
  const signed = sign(request, query, lines, payloadHash, credentials.secretAccessKey, options, amzDate, day)
  const credential = `${credentials.accessKeyId}/${credentialScope(options, day)}`
  added['authorization'] =
    `${ALGORITHM} Credential=${credential}, SignedHeaders=${signed.names}, Signature=${signed.signature}`
  return added
}

/**
 * Signs a request by AWS Signature Version 4 in its query
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html); gives the whole query string without `?`.
 * `x-amz-*` headers move into the query, those of server-side encryption excepted: these and all other headers but
 * `content-type` are signed and must be sent. More than 604800 seconds is `invalid_argument`.
 */
export function presignV4(
  request: SignableRequest,
  credentials: SigningCredentials,
  options: PresignV4Options,
): string {
  const secs = checkLifetime(options.expiresInSecs, MAX_PRESIGN_SECS, 'a version 4 signature')
  const { amzDate, day } = datesOf(options.now)
  const parameters = new Map<string, string | undefined>()
  const signable = options.signableHeaders
  const kept: Record<string, string | undefined> = {}
  for (const name in request.headers) {
    const value = request.headers[name]
    const lower = name.toLowerCase()
    if (value === undefined || MADE_HERE.has(lower)) continue
    if (lower.startsWith('x-amz-') && !lower.startsWith('x-amz-server-side-encryption')) {
      parameters.set(encodeComponent(name), encodeComponent(value))
    } else if (lower !== 'content-type' || signable?.includes(lower)) kept[lower] = value
  }
  if (credentials.sessionToken) parameters.set('X-Amz-Security-Token', encodeComponent(credentials.sessionToken))
  const credential = `${credentials.accessKeyId}/${credentialScope(options, day)}`
  const lines = headerLines(kept, name => UNSIGNED.has(name) && !signable?.includes(name), signable)
  parameters.set('X-Amz-Content-Sha256', UNSIGNED_PAYLOAD)
  parameters.set('X-Amz-Algorithm', ALGORITHM)
  parameters.set('X-Amz-Credential', encodeComponent(credential))
  parameters.set('X-Amz-Date', amzDate)
  parameters.set('X-Amz-Expires', String(secs))
  parameters.set('X-Amz-SignedHeaders', encodeComponent(namesOf(lines)))
  const pairs = encodedPairs(request.query).filter(([name]) => !parameters.has(name) && name !== 'X-Amz-Signature')
  for (const pair of parameters) pairs.push(pair)
  const signed: [string, string] = ['X-Amz-Signature', '']
  const sent = sortForUrl([...pairs, signed])
  const query = canonicalQuery(pairs)
  const { secretAccessKey } = credentials
  signed[1] = sign(request, query, lines, UNSIGNED_PAYLOAD, secretAccessKey, options, amzDate, day).signature
  return joinPairs(sent)
}

const MADE_HERE: ReadonlySet<string> = new Set(['authorization', 'date', 'x-amz-date', 'x-amz-content-sha256'])

/** `<day>/<region>/<service>/aws4_request`, the scope of a credential. */
export function credentialScope(scope: SigningScope, day: string): string {
  return `${day}/${scope.region}/${scope.service ?? 's3'}/aws4_request`
}

/** Signs any text, such as a POST policy, with the day's key: hex. */
export function signText(text: string, secretAccessKey: string, scope: SigningScope): string {
  const { day } = datesOf(scope.now)
  return signingKey(secretAccessKey, day, scope.region, scope.service ?? 's3').sign(text)
}

type HeaderLine = readonly [name: string, value: string]

function headerLines(
  headers: SignableRequest['headers'],
  skip: (name: string) => boolean,
  signable?: readonly string[],
): HeaderLine[] {
  const lines: HeaderLine[] = []
  let hasHost = false
  for (const key in headers) {
    const value = headers[key]
    if (value === undefined) continue
    const name = key.toLowerCase()
    if (skip(name)) continue
    if ((UNSIGNED.has(name) || name.startsWith('proxy-') || name.startsWith('sec-')) && !signable?.includes(name))
      continue
    if (name === 'host') hasHost = true
    lines.push([name, canonicalValue(value)])
  }
  if (!hasHost) throw new StorageError('invalid_argument', "a request needs a 'host' header to be signed")
  return lines
}

function namesOf(lines: HeaderLine[]): string {
  lines.sort((a, b) => compare(a[0], b[0]))
  let names = ''
  for (const [name] of lines) names += names === '' ? name : `;${name}`
  return names
}

function sign(
  request: SignableRequest,
  query: string,
  lines: HeaderLine[],
  payloadHash: string,
  secret: string,
  scope: SigningScope,
  amzDate: string,
  day: string,
): { names: string; signature: string } {
  const names = namesOf(lines)
  let text = `${request.method}\n${request.path}\n${query}\n`
  for (const [name, value] of lines) text += `${name}:${value}\n`
  text += `\n${names}\n${payloadHash}`
  const toSign = `${ALGORITHM}\n${amzDate}\n${credentialScope(scope, day)}\n${nodeCrypto().hash('sha256', text, 'hex')}`
  return { names, signature: signingKey(secret, day, scope.region, scope.service ?? 's3').sign(toSign) }
}

/** The official presigner sorts parameters by name before encoding; encoded ASCII and UTF-16 order differ. */
function sortForUrl(pairs: EncodedPair[]): EncodedPair[] {
  if (!pairs.some(([name]) => name.includes('%'))) return pairs.sort((a, b) => compare(a[0], b[0]))
  const named = pairs.map(pair => [decodeURIComponent(pair[0]), pair] as const)
  return named.sort((a, b) => compare(a[0], b[0])).map(([, pair]) => pair)
}

let lastSecond = Number.NaN
let lastDates: { readonly amzDate: string; readonly day: string } = { amzDate: '', day: '' }

/** `YYYYMMDDTHHMMSSZ` and `YYYYMMDD` of a moment in UTC, made once per second. */
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

const MAX_KEYS = 64
const keys = new Map<string, HmacSha256>()

/** The day's signing key, four HMACs, kept for 64 of them. */
function signingKey(secret: string, day: string, region: string, service: string): HmacSha256 {
  const id = `${day}/${region}/${service}/${secret}`
  let key = keys.get(id)
  if (key === undefined) {
    let bytes: Buffer = Buffer.from(`AWS4${secret}`)
    for (const part of [day, region, service, 'aws4_request'])
      bytes = nodeCrypto().createHmac('sha256', bytes).update(part).digest()
    key = new HmacSha256(bytes)
    if (keys.size >= MAX_KEYS) keys.delete(keys.keys().next().value!)
    keys.set(id, key)
  }
  return key
}
