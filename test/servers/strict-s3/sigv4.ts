/** Verifies AWS Signature Version 4 (AmazonS3 API reference, "Authenticating Requests"): header and presigned. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { accessDenied, invalidRequest, notImplemented, S3Error } from './errors.ts'
import { decode, type S3Request } from './request.ts'

/** One key pair that the server accepts. */
export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** What a verification needs to know. */
export interface Verifier {
  readonly credentials: readonly S3Credentials[]
  /** The region that must be in the credential scope. */
  readonly region: string
  /** Milliseconds since 1970. */
  readonly now: number
  readonly allowAwsChunked: boolean
  /** Called when the scope's region is another one; may throw its own answer. */
  readonly wrongRegion?: ((region: string) => void) | undefined
}

/** Milliseconds that clocks may differ. */
export const maxSkewMs: number = 15 * 60 * 1000

/** Percent-encodes everything except unreserved characters. */
export function uriEncode(text: string, keepSlash = false): string {
  if (/^[A-Za-z0-9\-._~]*$/.test(text)) return text
  let result = ''
  for (const byte of Buffer.from(text, 'utf8')) {
    const char = String.fromCharCode(byte)
    if (/[A-Za-z0-9\-._~]/.test(char) || (keepSlash && char === '/')) result += char
    else result += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return result
}

const signingKeys = new Map<string, Buffer>()

/** The signing key for a scope; it is the same for each request of a day. */
export function signingKey(secret: string, date: string, region: string, service: string): Buffer {
  const scope = [secret, date, region, service].join('\n')
  let key = signingKeys.get(scope)
  if (key === undefined) {
    key = createHmac('sha256', `AWS4${secret}`).update(date).digest()
    for (const part of [region, service, 'aws4_request']) key = createHmac('sha256', key).update(part).digest()
    signingKeys.set(scope, key)
  }
  return key
}

/** Finds the key pair; 403 InvalidAccessKeyId or InvalidToken. */
export function findCredentials(all: readonly S3Credentials[], id: string, token: string | undefined): S3Credentials {
  const found = all.find(one => one.accessKeyId === id)
  if (found === undefined || (found.sessionToken !== undefined && token === undefined)) {
    const message = 'The AWS Access Key Id you provided does not exist in our records.'
    throw new S3Error(403, 'InvalidAccessKeyId', message, { AWSAccessKeyId: id })
  }
  if (token !== found.sessionToken) {
    throw new S3Error(400, 'InvalidToken', 'The provided token is malformed or otherwise invalid.')
  }
  return found
}

/** Throws 403 RequestTimeTooSkewed when the clocks differ by more than 15 minutes. */
export function checkClock(time: number, sent: string, now: number): void {
  if (Math.abs(time - now) <= maxSkewMs) return
  const message = 'The difference between the request time and the current time is too large.'
  throw new S3Error(403, 'RequestTimeTooSkewed', message, {
    RequestTime: sent,
    ServerTime: new Date(now).toISOString().replace(/\.\d+Z$/, 'Z'),
    MaxAllowedSkewMilliseconds: String(maxSkewMs),
  })
}

/** Throws 403 SignatureDoesNotMatch unless both are equal. */
export function compareSignatures(expected: string, given: string, details: Readonly<Record<string, string>>): void {
  const a = Buffer.from(expected)
  const b = Buffer.from(given)
  if (a.length === b.length && timingSafeEqual(a, b)) return
  const message =
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.'
  throw new S3Error(403, 'SignatureDoesNotMatch', message, { ...details, SignatureProvided: given })
}

/** Milliseconds of `20130524T000000Z`, or NaN. */
export function parseAmzDate(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  return match === null ? Number.NaN : Date.parse(text.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'))
}

function canonicalQuery(request: S3Request): string {
  return request.pairs
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [uriEncode(name), uriEncode(value)] as const)
    .sort((a, b) => (a[0] === b[0] ? (a[1] < b[1] ? -1 : 1) : a[0] < b[0] ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

interface Claim {
  readonly credential: string
  readonly signedHeaders: string
  readonly signature: string
  readonly timestamp: string
  readonly payload: string
  readonly presigned: boolean
}

function malformed(presigned: boolean, message: string, region?: string): S3Error {
  const code = presigned ? 'AuthorizationQueryParametersError' : 'AuthorizationHeaderMalformed'
  return new S3Error(400, code, message, region === undefined ? {} : { Region: region })
}

function verify(request: S3Request, claim: Claim, verifier: Verifier): void {
  const { presigned } = claim
  const scope = claim.credential.split('/')
  const [date, region, service, end] = scope.slice(-4) as [string, string, string, string]
  const id = scope.slice(0, -4).join('/')
  if (scope.length < 5 || end !== 'aws4_request' || service !== 's3') {
    throw malformed(presigned, 'The authorization header is malformed; the Credential is mal-formed.')
  }
  const token = presigned ? request.query['X-Amz-Security-Token'] : request.headers['x-amz-security-token']
  const credentials = findCredentials(verifier.credentials, id, token)
  if (region !== verifier.region) {
    verifier.wrongRegion?.(region)
    const message = `The authorization header is malformed; the region '${region}' is wrong; expecting '${verifier.region}'`
    throw malformed(presigned, message, verifier.region)
  }
  if (claim.timestamp.slice(0, 8) !== date) {
    throw malformed(presigned, 'Invalid credential date. This date is not the same as X-Amz-Date.')
  }
  const names = claim.signedHeaders.split(';')
  if (names.join(';') !== [...names].sort().join(';') || names.some(name => name !== name.toLowerCase())) {
    throw malformed(presigned, 'SignedHeaders must be lower-case and sorted')
  }
  const unsigned = Object.keys(request.headers).filter(
    name => (name === 'host' || name.startsWith('x-amz-')) && !names.includes(name),
  )
  if (unsigned.length > 0) {
    const message = 'There were headers present in the request which were not signed'
    throw accessDenied(message, { HeadersNotSigned: unsigned.join(', ') })
  }
  const canonical = [
    request.method,
    uriEncode(decode(request.rawPath), true),
    canonicalQuery(request),
    ...names.map(name => `${name}:${(request.headers[name] ?? '').replace(/ +/g, ' ')}`),
    '',
    claim.signedHeaders,
    claim.payload,
  ].join('\n')
  const hash = createHash('sha256').update(canonical).digest('hex')
  const toSign = ['AWS4-HMAC-SHA256', claim.timestamp, `${date}/${region}/s3/aws4_request`, hash].join('\n')
  const key = signingKey(credentials.secretAccessKey, date, region, 's3')
  compareSignatures(createHmac('sha256', key).update(toSign).digest('hex'), claim.signature, {
    AWSAccessKeyId: id,
    StringToSign: toSign,
    CanonicalRequest: canonical,
  })
}

/** Verifies the Authorization header; gives the value of x-amz-content-sha256. */
export function verifyHeaderV4(request: S3Request, verifier: Verifier): string {
  const text = (request.headers['authorization'] ?? '').slice('AWS4-HMAC-SHA256'.length)
  const fields = Object.fromEntries(text.split(',').map(part => part.trim().split(/=(.*)/s).slice(0, 2))) as Record<
    string,
    string | undefined
  >
  const { Credential: credential, SignedHeaders: signedHeaders, Signature: signature } = fields
  if (credential === undefined || signedHeaders === undefined || signature === undefined) {
    throw malformed(
      false,
      'The authorization header is malformed; a Credential, SignedHeaders and Signature are needed.',
    )
  }
  const timestamp = request.headers['x-amz-date'] ?? ''
  const time = parseAmzDate(timestamp)
  if (Number.isNaN(time)) throw accessDenied('AWS authentication requires a valid Date or x-amz-date header')
  const payload = request.headers['x-amz-content-sha256']
  if (payload === undefined) throw invalidRequest('Missing required header for this request: x-amz-content-sha256')
  if (payload.startsWith('STREAMING-')) {
    if (!verifier.allowAwsChunked || payload !== 'STREAMING-UNSIGNED-PAYLOAD-TRAILER') {
      throw notImplemented('x-amz-content-sha256')
    }
  } else if (payload !== 'UNSIGNED-PAYLOAD' && !/^[0-9a-f]{64}$/.test(payload)) {
    const message = 'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-* or a valid sha256 value.'
    throw new S3Error(400, 'InvalidArgument', message, { ArgumentName: 'x-amz-content-sha256', ArgumentValue: payload })
  }
  verify(request, { credential, signedHeaders, signature, timestamp, payload, presigned: false }, verifier)
  checkClock(time, timestamp, verifier.now)
  return payload
}

/** Verifies a presigned query; gives the payload hash or UNSIGNED-PAYLOAD. */
export function verifyQueryV4(request: S3Request, verifier: Verifier): string {
  const { query } = request
  const credential = query['X-Amz-Credential']
  const timestamp = query['X-Amz-Date']
  const expires = query['X-Amz-Expires']
  const signedHeaders = query['X-Amz-SignedHeaders']
  const signature = query['X-Amz-Signature']
  if (!credential || !timestamp || !expires || !signedHeaders || !signature) {
    const names =
      'X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires'
    throw malformed(true, `Query-string authentication version 4 requires the ${names} parameters.`)
  }
  if (query['X-Amz-Algorithm'] !== 'AWS4-HMAC-SHA256') {
    throw malformed(true, 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"')
  }
  const seconds = /^\d+$/.test(expires) ? Number(expires) : Number.NaN
  if (Number.isNaN(seconds)) throw malformed(true, 'X-Amz-Expires should be a number')
  if (seconds > 604800) throw malformed(true, 'X-Amz-Expires must be less than a week (in seconds); that is, 604800')
  const start = parseAmzDate(timestamp)
  if (Number.isNaN(start))
    throw malformed(true, "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
  if (start - verifier.now > maxSkewMs) throw accessDenied('Request is not yet valid')
  if (verifier.now > start + seconds * 1000) {
    throw accessDenied('Request has expired', {
      'X-Amz-Expires': expires,
      Expires: new Date(start + seconds * 1000).toISOString(),
      ServerTime: new Date(verifier.now).toISOString(),
    })
  }
  const payload = query['X-Amz-Content-Sha256'] ?? request.headers['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD'
  if (payload.startsWith('STREAMING-')) throw notImplemented('x-amz-content-sha256')
  verify(request, { credential, signedHeaders, signature, timestamp, payload, presigned: true }, verifier)
  return payload
}

/** Throws 400 XAmzContentSHA256Mismatch when the body is not the one that was signed. */
export function checkPayload(payload: string, body: Uint8Array): void {
  if (!/^[0-9a-f]{64}$/.test(payload)) return
  const actual = createHash('sha256').update(body).digest('hex')
  if (actual === payload) return
  const message = "The provided 'x-amz-content-sha256' header does not match what was computed."
  throw new S3Error(400, 'XAmzContentSHA256Mismatch', message, {
    ClientComputedContentSHA256: payload,
    S3ComputedContentSHA256: actual,
  })
}
