import { nodeCrypto } from '../../core/builtin.ts'
import type { CallContext } from '../../core/call.ts'
import type { SignUrlOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { checkUrlMethod } from '../../core/urls.ts'
import { addAttributes } from '../../remote/attribute-headers.ts'
import { type DownloadOptions, downloadQuery } from '../../remote/download-query.ts'
import { GOOG4, GOOG4_RSA } from '../../remote/sign/dialect.ts'
import { encodeKey } from '../../remote/sign/encode.ts'
import { type PostForm, type PostPolicyOptions, planPolicy, postPolicy } from '../../remote/sign/post-policy.ts'
import type { Query, SigningCredentials } from '../../remote/sign/query.ts'
import { planPresign, presignV4, signV4, UNSIGNED_PAYLOAD } from '../../remote/sign/v4.ts'
import type { TextSigner } from './credentials/signer.ts'
import { METADATA_PREFIX } from './resource.ts'

/** The base of a bucket's URLs. */
export interface UrlBase {
  readonly scheme: string
  /** With the port, unless it is the default of the scheme. */
  readonly host: string
  /** The path before the key, without a slash at its end. */
  readonly path: string
}

/** A URL to sign. */
export interface UrlRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE' | 'POST'
  readonly key: string
  readonly query: ReadonlyArray<readonly [name: string, value: string]>
  /** Signed headers, which must be sent. Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** From 1 to 604800. */
  readonly expiresInSecs: number
}

/** An HMAC key, or a signer with the key of a service account, which may be remote. */
export type KeyOrSigner = SigningCredentials | TextSigner

/** The URL of a key, without a signature. */
export function plainUrl({ scheme, host, path }: UrlBase, key: string): string {
  return `${scheme}://${host}${path}/${encodeKey(key)}`
}

/** A URL of version 4. (https://cloud.google.com/storage/docs/access-control/signing-urls-manually) */
export async function signedUrl(
  base: UrlBase,
  { method, key, query, headers, expiresInSecs }: UrlRequest,
  signer: KeyOrSigner,
  ctx: CallContext,
): Promise<string> {
  const request = {
    method,
    path: `${base.path}/${encodeKey(key)}`,
    query,
    headers: { ...headers, host: base.host },
  }
  const options = { region: 'auto', now: new Date(), expiresInSecs, signableHeaders: Object.keys(headers) }
  const url = plainUrl(base, key)
  if ('secretAccessKey' in signer) return `${url}?${presignV4(request, signer, { ...options, dialect: GOOG4 })}`
  const plan = planPresign(request, { accessKeyId: signer.email }, { ...options, dialect: GOOG4_RSA })
  return `${url}?${plan.finish(await signer.sign(plan.text, ctx))}`
}

/** A form with which a browser uploads one file. (https://cloud.google.com/storage/docs/xml-api/post-object-forms) */
export async function signedForm(
  options: Omit<PostPolicyOptions, 'dialect' | 'region' | 'now'>,
  signer: KeyOrSigner,
  ctx: CallContext,
): Promise<PostForm> {
  const scoped = { ...options, region: 'auto', now: new Date() }
  if ('secretAccessKey' in signer) return postPolicy(signer, { ...scoped, dialect: GOOG4 })
  const plan = planPolicy({ accessKeyId: signer.email }, { ...scoped, dialect: GOOG4_RSA })
  return plan.finish(await signer.sign(plan.text, ctx))
}

const OVERRIDES = {
  contentDisposition: 'response-content-disposition',
  contentType: 'response-content-type',
  cacheControl: '',
  contentEncoding: '',
  contentLanguage: '',
} as const
const NO_OVERRIDES = ['cacheControl', 'contentEncoding', 'contentLanguage'] as const

/** The query of a download: type and disposition of the answer, and the caller's parameters. */
export function responseQuery(options: DownloadOptions): Array<[string, string]> {
  const odd = NO_OVERRIDES.find(name => options[name] !== undefined)
  if (odd !== undefined) {
    throw new StorageError('unsupported', `A URL of Google Cloud Storage cannot set ${odd}: set it in the upload.`)
  }
  return downloadQuery(options, OVERRIDES, name => (name === 'versionId' ? 'generation' : name))
}

/**
 * The request that a URL is signed for. A URL for uploading fixes the headers that the request must send: the content type and the other
 * attributes, and headers of the service (`x-goog-...`) among the parameters.
 */
export function urlRequest(key: string, options: SignUrlOptions): UrlRequest {
  const { method, expiresInSecs, parameters = {} } = options
  checkUrlMethod(method)
  if (method !== 'PUT') return { method, key, query: responseQuery(options), headers: {}, expiresInSecs }
  const headers: Record<string, string> = {}
  const query: Array<[string, string]> = []
  addAttributes(headers, options, METADATA_PREFIX)
  for (const [name, value] of Object.entries(parameters)) {
    if (/^x-goog-/i.test(name)) headers[name.toLowerCase()] = String(value)
    else query.push([name, String(value)])
  }
  return { method, key, query, headers, expiresInSecs }
}

/** An HMAC key and its signature algorithm. (https://cloud.google.com/storage/docs/authentication/hmackeys) */
export interface HmacKey extends SigningCredentials {
  readonly version: 'GOOG4' | 'GOOG1'
}

/** The parts of a request that are signed. */
export interface HmacRequest {
  readonly method: string
  /** Encoded, as it is sent. */
  readonly path: string
  /** The path before the bucket. */
  readonly basePath: string
  readonly query?: Query | undefined
  readonly host: string
  readonly headers: Readonly<Record<string, string>>
}

/** The headers that authorise a request of the XML API. Headers that proxies may change are not signed. */
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
