import { nodeCrypto } from '../../core/builtin.ts'
import { GOOG4 } from '../../remote/sign/dialect.ts'
import type { Query, SigningCredentials } from '../../remote/sign/query.ts'
import { signV4, UNSIGNED_PAYLOAD } from '../../remote/sign/v4.ts'

/** An HMAC key and how it signs. (https://cloud.google.com/storage/docs/authentication/hmackeys) */
export interface HmacKey extends SigningCredentials {
  readonly version: 'GOOG4' | 'GOOG1'
}

/** What is signed. */
export interface HmacRequest {
  readonly method: string
  /** Encoded, as it is sent. */
  readonly path: string
  /** What stands before the bucket in the path. */
  readonly basePath: string
  readonly query?: Query | undefined
  readonly host: string
  readonly headers: Readonly<Record<string, string>>
}

/** The headers that authorise a request of the XML API. Those that something between may change are not signed. */
export function hmacHeaders(request: HmacRequest, key: HmacKey, now: Date): Record<string, string> {
  return key.version === 'GOOG4' ? goog4(request, key, now) : goog1(request, key, now)
}

function goog4({ method, path, query, host, headers }: HmacRequest, key: HmacKey, now: Date): Record<string, string> {
  const signed: Record<string, string> = { host }
  for (const name in headers) if (isSigned(name)) signed[name] = headers[name]!
  const options = { region: 'auto', now, dialect: GOOG4, payloadHash: UNSIGNED_PAYLOAD }
  return signV4({ method, path, query, headers: signed }, key, options)
}

function isSigned(name: string): boolean {
  return name.startsWith('x-goog-') || name === 'content-type' || name === 'content-md5'
}

/** The old signature: HMAC-SHA1. (https://cloud.google.com/storage/docs/migrating#authentication) */
function goog1(
  { method, path, basePath, headers }: HmacRequest,
  { accessKeyId, secretAccessKey }: HmacKey,
  now: Date,
): Record<string, string> {
  const date = now.toUTCString()
  const own = Object.keys(headers).filter(name => name.startsWith('x-goog-'))
  const lines = own.sort().map(name => `${name}:${headers[name]!.trim()}\n`)
  const { 'content-md5': md5 = '', 'content-type': type = '' } = headers
  const text = `${method}\n${md5}\n${type}\n${date}\n${lines.join('')}${path.slice(basePath.length)}`
  const signature = nodeCrypto().createHmac('sha1', secretAccessKey).update(text).digest('base64')
  return { date, authorization: `GOOG1 ${accessKeyId}:${signature}` }
}
