/** V4 signatures, recomputed (https://cloud.google.com/storage/docs/authentication/signatures): RSA and HMAC, in headers and in URLs. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { maxSkewMs, parseAmzDate, uriEncode } from '../strict-s3/sigv4.ts'
import { type Account, rsaVerify } from './accounts.ts'
import type { Identity, ServerState } from './context.ts'
import { GcsError } from './errors.ts'
import { decode, type GcsRequest } from './request.ts'

/** The names of Google's own dialect and of the one that Amazon's clients speak. */
interface Dialect {
  readonly algorithm: string
  /** Of parameters. */
  readonly parameter: string
  /** Of headers. */
  readonly header: string
  readonly secret: string
  readonly service: string
  readonly end: string
}

const google: Dialect = {
  algorithm: 'GOOG4',
  parameter: 'X-Goog-',
  header: 'x-goog-',
  secret: 'GOOG4',
  service: 'storage',
  end: 'goog4_request',
}
const amazon: Dialect = {
  algorithm: 'AWS4',
  parameter: 'X-Amz-',
  header: 'x-amz-',
  secret: 'AWS4',
  service: 's3',
  end: 'aws4_request',
}

/** What a request claims. */
export interface Claim {
  readonly algorithm: string
  readonly credential: string
  readonly timestamp: string
  /** Hexadecimal. */
  readonly signature: string
}

/** Whether a query carries a V4 signature. */
export function isV4Query(query: GcsRequest['query']): boolean {
  return ['X-Goog-Signature', 'X-Goog-Algorithm', 'X-Amz-Signature', 'X-Amz-Algorithm'].some(
    name => query[name] !== undefined,
  )
}

function dialectOf(algorithm: string): Dialect {
  if (algorithm.startsWith('GOOG4-')) return google
  if (algorithm === 'AWS4-HMAC-SHA256') return amazon
  throw invalidQuery(`Unsupported signing algorithm: ${algorithm}`)
}

function invalidQuery(details: string): GcsError {
  return new GcsError(400, 'invalid', 'Invalid argument.', { xml: 'InvalidArgument', Details: details })
}

function mismatch(toSign: string, canonical: string | undefined): GcsError {
  const message = 'Access denied.'
  const details =
    'The request signature we calculated does not match the signature you provided. Check your Google secret key and signing method.'
  const more: Record<string, string> = canonical === undefined ? {} : { CanonicalRequest: canonical }
  return new GcsError(403, 'forbidden', message, {
    xml: 'SignatureDoesNotMatch',
    Details: details,
    StringToSign: toSign,
    ...more,
  })
}

/** The account of a signature over some text; 403 SignatureDoesNotMatch, 400 for a malformed scope. */
export function verifySigned(
  claim: Claim,
  textOf: (scope: string) => string,
  state: ServerState,
  canonical?: string,
): Account {
  const dialect = dialectOf(claim.algorithm)
  const parts = claim.credential.split('/')
  const [date = '', region = '', service, end] = parts.slice(-4)
  const id = parts.slice(0, -4).join('/')
  if (id === '' || region === '' || service !== dialect.service || end !== dialect.end || !/^\d{8}$/.test(date)) {
    throw invalidQuery(`Invalid credential scope ${claim.credential}`)
  }
  if (claim.timestamp.slice(0, 8) !== date) throw invalidQuery('The credential date is not that of the request')
  const text = textOf(`${date}/${region}/${service}/${end}`)
  if (!/^([0-9a-f]{2})+$/.test(claim.signature)) throw mismatch(text, canonical)
  const given = Buffer.from(claim.signature, 'hex')
  if (claim.algorithm === 'GOOG4-RSA-SHA256') {
    const account = state.accounts.find(one => one.email === id)
    if (account === undefined) throw mismatch(text, canonical)
    if (!rsaVerify(account, text, given)) throw mismatch(text, canonical)
    return account
  }
  if (!claim.algorithm.endsWith('4-HMAC-SHA256'))
    throw invalidQuery(`Unsupported signing algorithm: ${claim.algorithm}`)
  const hmac = state.hmacKeys.find(one => one.accessId === id)
  const account = state.accounts.find(one => one.email === hmac?.email)
  if (hmac === undefined || account === undefined) {
    throw new GcsError(403, 'forbidden', 'Access denied.', {
      xml: 'InvalidSecurity',
      Details: 'The access ID is not known.',
    })
  }
  let key: Buffer = createHmac('sha256', `${dialect.secret}${hmac.secret}`).update(date).digest()
  for (const part of [region, service, end]) key = createHmac('sha256', key).update(part).digest()
  const expected = createHmac('sha256', key).update(text).digest()
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) throw mismatch(text, canonical)
  return account
}

function canonicalQuery(request: GcsRequest, dialect: Dialect): string {
  return request.pairs
    .filter(([name]) => name !== `${dialect.parameter}Signature`)
    .map(([name, value]) => [uriEncode(name), uriEncode(value)] as const)
    .sort((a, b) => (a[0] === b[0] ? (a[1] < b[1] ? -1 : 1) : a[0] < b[0] ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

function malformedHeader(name: string, details: string): GcsError {
  const message = 'Your request has a malformed header.'
  return new GcsError(400, 'invalid', message, {
    xml: 'MalformedSecurityHeader',
    ParameterName: name,
    Details: details,
  })
}

function verify(request: GcsRequest, claim: Claim, signedHeaders: string, state: ServerState): Identity {
  const dialect = dialectOf(claim.algorithm)
  const names = signedHeaders.split(';')
  if (names.join(';') !== [...names].sort().join(';') || names.some(name => name !== name.toLowerCase())) {
    throw malformedHeader('SignedHeaders', 'Signed headers must be lower-case and sorted.')
  }
  const { headers } = request
  const absent = names.find(name => headers[name] === undefined)
  if (absent !== undefined)
    throw malformedHeader(absent, 'Header was included in signedheaders, but not in the request.')
  const own = Object.keys(headers).filter(
    name => name === 'host' || name.startsWith('x-goog-') || name.startsWith('x-amz-'),
  )
  const unsigned = own.find(name => !names.includes(name))
  if (unsigned !== undefined)
    throw malformedHeader(unsigned, 'Header was included in the request, but not in signedheaders.')
  const payload = headers[`${dialect.header}content-sha256`] ?? 'UNSIGNED-PAYLOAD'
  if (payload.startsWith('STREAMING-'))
    throw new GcsError(501, 'notImplemented', 'Chunked signatures are not kept here')
  const check = (host: string): Account => {
    const headerValue = (name: string): string => (name === 'host' ? host : (headers[name] as string))
    const canonical = [
      request.method,
      uriEncode(decode(request.rawPath), true),
      canonicalQuery(request, dialect),
      ...names.map(name => `${name}:${headerValue(name).replace(/ +/g, ' ')}`),
      '',
      signedHeaders,
      payload,
    ].join('\n')
    const hash = createHash('sha256').update(Buffer.from(canonical, 'latin1')).digest('hex')
    const textOf = (scope: string): string => [claim.algorithm, claim.timestamp, scope, hash].join('\n')
    return verifySigned(claim, textOf, state, canonical)
  }
  const host = headers['host'] as string
  try {
    return { account: check(host), scopes: undefined, payload }
  } catch (error) {
    // The official client signs the name of a custom endpoint without its port, which the service never has.
    const name = host.replace(/:\d+$/, '')
    if (name === host || !(error instanceof GcsError) || error.details['xml'] !== 'SignatureDoesNotMatch') throw error
    return { account: check(name), scopes: undefined, payload }
  }
}

function checkTime(timestamp: string): number {
  const time = parseAmzDate(timestamp)
  if (Number.isNaN(time)) throw invalidQuery(`Invalid date ${timestamp}`)
  return time
}

/** Verifies the Authorization header. */
export function verifyHeaderV4(request: GcsRequest, state: ServerState): Identity {
  const header = request.headers['authorization'] ?? ''
  const blank = header.indexOf(' ')
  const algorithm = header.slice(0, blank)
  const dialect = dialectOf(algorithm)
  const fields = new Map(
    header
      .slice(blank + 1)
      .split(',')
      .map(part => part.trim().split(/=(.*)/s).slice(0, 2) as [string, string]),
  )
  const credential = fields.get('Credential')
  const signedHeaders = fields.get('SignedHeaders')
  const signature = fields.get('Signature')
  if (!credential || !signedHeaders || !signature) {
    throw malformedHeader('Authorization', 'Credential, SignedHeaders and Signature are needed.')
  }
  const timestamp = request.headers[`${dialect.header}date`] ?? ''
  const time = checkTime(timestamp)
  const identity = verify(request, { algorithm, credential, timestamp, signature }, signedHeaders, state)
  checkSkew(time, state.now())
  return identity
}

/** 403 where the clocks differ by more than 15 minutes. */
export function checkSkew(time: number, now: number): void {
  if (Math.abs(time - now) <= maxSkewMs) return
  const message = 'The difference between the request time and the current time is too large.'
  throw new GcsError(403, 'forbidden', message, { xml: 'RequestTimeTooSkewed' })
}

/** Verifies a signed URL. */
export function verifyQueryV4(request: GcsRequest, state: ServerState): Identity {
  const { query } = request
  const algorithm = query['X-Goog-Algorithm'] ?? query['X-Amz-Algorithm'] ?? ''
  const { parameter } = dialectOf(algorithm)
  const of = (name: string): string => {
    const value = query[`${parameter}${name}`]
    if (value === undefined || value === '') throw invalidQuery(`Missing parameter ${parameter}${name}`)
    return value
  }
  const claim = { algorithm, credential: of('Credential'), timestamp: of('Date'), signature: of('Signature') }
  const signedHeaders = of('SignedHeaders')
  const expires = of('Expires')
  const secs = /^\d{1,9}$/.test(expires) ? Number(expires) : Number.NaN
  if (!(secs >= 1 && secs <= 604800)) throw invalidQuery(`${parameter}Expires must be from 1 to 604800: ${expires}`)
  const start = checkTime(claim.timestamp)
  const now = state.now()
  if (!signedHeaders.split(';').includes('host')) throw malformedHeader('host', 'The host header must be signed.')
  const identity = verify(request, claim, signedHeaders, state)
  if (start - now > maxSkewMs) checkSkew(start, now)
  if (now > start + secs * 1000) {
    const details = `The provided token has expired. Request signature expired at: ${new Date(start + secs * 1000).toISOString()}`
    throw new GcsError(400, 'invalid', 'Invalid argument.', { xml: 'ExpiredToken', Details: details })
  }
  return identity
}
