import { nodeCrypto } from '../../core/builtin.ts'
import { checkLifetime } from '../../core/urls.ts'
import { encodeComponent } from './encode.ts'
import type { EncodedPair, SignableRequest, SigningCredentials } from './query.ts'
import { compare, encodedPairs, joinPairs } from './query.ts'

/** The time and the resource of a version 2 signature. */
export interface SignV2Options {
  readonly now: Date
  /** The encoded path with the bucket in front, `/bucket/key`, if the bucket is in the host. Default: the request's path. */
  readonly resource?: string | undefined
}

/** The options of `presignV2` besides the request and the keys. */
export interface PresignV2Options extends SignV2Options {
  /** From 1 to 315360000. Version 2 itself has no limit. */
  readonly expiresInSecs: number
}

/** The longest lifetime of a version 2 URL, in seconds: ten years. */
const MAX_V2_SECS = 315_360_000

/** Query parameters that are part of the signed resource, including the `response-*` overrides. */
const SUB_RESOURCES: ReadonlySet<string> = new Set(
  (
    'accelerate acl analytics cors defaultObjectAcl delete inventory lifecycle location logging metrics notification ' +
    'object-lock partNumber policy replication requestPayment response-cache-control response-content-disposition ' +
    'response-content-encoding response-content-language response-content-type response-expires restore select ' +
    'select-type storageClass tagging torrent uploadId uploads versionId versioning versions website'
  ).split(' '),
)

/**
 * Signs a request with AWS Signature Version 2 in its `authorization` header
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html). Returns the headers to add. A `date` or `x-amz-date` of
 * the request is signed unchanged; otherwise a `date` is added.
 */
export function signV2(
  request: SignableRequest,
  credentials: SigningCredentials,
  options: SignV2Options,
): Record<string, string> {
  const added: Record<string, string> = {}
  const headers = lowerCased(request.headers)
  if (headers['date'] === undefined && headers['x-amz-date'] === undefined) {
    added['date'] = options.now.toUTCString()
  }
  if (credentials.sessionToken) added['x-amz-security-token'] = credentials.sessionToken
  Object.assign(headers, added)
  const date = headers['x-amz-date'] === undefined ? headers['date']! : ''
  const signature = hmac(stringToSign(request, headers, date, options.resource), credentials.secretAccessKey)
  added['authorization'] = `AWS ${credentials.accessKeyId}:${signature}`
  return added
}

/**
 * Signs a request with AWS Signature Version 2 in its query. Returns the whole query string without `?`: the request's own parameters, then
 * `AWSAccessKeyId`, `Signature`, signed headers and `Expires` (Unix time in seconds).
 */
export function presignV2(
  request: SignableRequest,
  credentials: SigningCredentials,
  options: PresignV2Options,
): string {
  const secs = checkLifetime(options.expiresInSecs, MAX_V2_SECS, 'a version 2 signature')
  const headers = lowerCased(request.headers)
  if (credentials.sessionToken) {
    delete headers['x-amz-security-token']
    headers['x-amz-security-token'] = credentials.sessionToken
  }
  const expires = String(Math.floor(options.now.getTime() / 1000) + secs)
  const signature = hmac(stringToSign(request, headers, expires, options.resource), credentials.secretAccessKey)
  const pairs = encodedPairs(request.query)
  pairs.push(['AWSAccessKeyId', encodeComponent(credentials.accessKeyId)], ['Signature', encodeComponent(signature)])
  for (const name in headers) {
    if (name.startsWith('x-amz-') || name === 'content-md5' || name === 'content-type') {
      pairs.push([name, encodeComponent(headers[name]!)])
    }
  }
  pairs.push(['Expires', expires])
  return joinPairs(pairs)
}

function lowerCased(headers: SignableRequest['headers']): Record<string, string> {
  const lower: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) lower[name.toLowerCase()] = value
  }
  return lower
}

function stringToSign(
  request: SignableRequest,
  headers: Readonly<Record<string, string>>,
  date: string,
  resource: string | undefined,
): string {
  const md5 = headers['content-md5']?.trim() ?? ''
  const type = headers['content-type']?.trim() ?? ''
  let text = `${request.method}\n${md5}\n${type}\n${date.trim()}\n`
  const amz = Object.keys(headers).filter(name => name.startsWith('x-amz-'))
  for (const name of amz.sort(compare)) text += `${name}:${headers[name]!.trim()}\n`
  return text + (resource ?? request.path) + subResources(request)
}

function subResources(request: SignableRequest): string {
  const wanted = encodedPairs(request.query).filter(([name]) => SUB_RESOURCES.has(name))
  if (wanted.length === 0) return ''
  wanted.sort((a, b) => compare(a[0], b[0]))
  return `?${joinPairs(wanted.map(([name, value]): EncodedPair => [name, value && decodeURIComponent(value)]))}`
}

function hmac(text: string, secret: string): string {
  return nodeCrypto().createHmac('sha1', secret).update(text).digest('base64')
}
