import { nodeCrypto } from '../../core/builtin.ts'
import type { SignUrlOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { encodeKey } from '../../remote/sign/encode.ts'
import { encodeQuery } from '../../remote/sign/query.ts'
import type { TempUrlDigest } from './info.ts'

/** The permission of a temporary URL. */
export interface TempUrl {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** The path as the server sees it, decoded: `/v1/AUTH_1/media/a b.txt`; with `isPrefix` the common prefix of all permitted paths. */
  readonly path: string
  /** Seconds since 1970. */
  readonly expires: number
  readonly isPrefix?: boolean | undefined
  /** One address, or a range of them (`10.0.0.0/24`), from which the URL is valid. */
  readonly ipRange?: string | undefined
}

/**
 * The signature of a temporary URL: hexadecimal for SHA-1 and SHA-256, `sha512:` and base64 for SHA-512.
 * (https://docs.openstack.org/swift/latest/api/temporary_url_middleware.html)
 *
 * @example
 * tempUrlSignature({ method: 'GET', path: '/v1/AUTH_1/media/a.txt', expires: 1700000000 }, key, 'sha256')
 */
export function tempUrlSignature(url: TempUrl, key: string, digest: TempUrlDigest): string {
  const { method, path, expires, isPrefix = false, ipRange } = url
  const text = `${ipRange === undefined ? '' : `ip=${ipRange}\n`}${method}\n${expires}\n${isPrefix ? 'prefix:' : ''}${path}`
  const hmac = nodeCrypto().createHmac(digest, key).update(text, 'utf8')
  return digest === 'sha512' ? `sha512:${hmac.digest('base64')}` : hmac.digest('hex')
}

/** The addresses and options of URLs. */
export interface UrlBase {
  /** The public address of the account, without a trailing slash. */
  readonly publicUrl: string
  readonly container: string
  /** Another base for URLs; see `SwiftOptions.baseUrl`. */
  readonly baseUrl: string | null
  readonly autoBaseUrl: boolean
}

/** The part of the address that Swift itself sees: from the version on. */
const ACCOUNT = /\/v\d[\d.]*\/[^/]+$/

/** The path that is signed: the one that Swift sees, decoded, without the path of a proxy in front. */
export function signedPath({ publicUrl, container }: UrlBase, key: string): string {
  const path = publicUrl.replace(/^https?:\/\/[^/]*/i, '')
  const account = ACCOUNT.exec(path)?.[0] ?? path
  return `${decoded(account)}/${container}/${key}`
}

/** The URL of a key without a signature. */
export function plainUrl({ publicUrl, container, baseUrl, autoBaseUrl }: UrlBase, key: string): string {
  const name = encodeKey(key)
  if (baseUrl !== null && !autoBaseUrl) return `${baseUrl.replace(/\/$/, '')}/${name}`
  const account = baseUrl === null ? publicUrl : onHost(publicUrl, baseUrl)
  return `${account}/${encodeKey(container)}/${name}`
}

/** The same address at another host; the path of that host comes first. */
function onHost(publicUrl: string, baseUrl: string): string {
  return baseUrl.replace(/\/$/, '') + publicUrl.replace(/^https?:\/\/[^/]*/i, '')
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/** The query of a temporary URL besides the signature. */
export interface TempUrlQuery {
  readonly prefix: string | undefined
  readonly ipRange: string | undefined
  readonly filename: string | undefined
  readonly inline: boolean
  /** Other parameters of the request. */
  readonly others: ReadonlyArray<readonly [name: string, value: string]>
}

const NAMES: ReadonlyMap<string, 'prefix' | 'ipRange' | 'filename' | 'inline'> = new Map([
  ['prefix', 'prefix'],
  ['temp_url_prefix', 'prefix'],
  ['tempUrlPrefix', 'prefix'],
  ['ipRange', 'ipRange'],
  ['ip_range', 'ipRange'],
  ['temp_url_ip_range', 'ipRange'],
  ['filename', 'filename'],
  ['inline', 'inline'],
])
const RESERVED = /^temp_url_/

/**
 * The query for the options of a temporary URL. A disposition becomes `filename` or `inline`. Swift can set no other header of the answer:
 * `unsupported`. A content type is that of the upload, which the URL does not fix.
 */
export function tempUrlQuery(options: Omit<SignUrlOptions, 'expiresInSecs'>): TempUrlQuery {
  const { method, contentDisposition, parameters = {} } = options
  if (method === 'GET' || method === 'HEAD') {
    for (const name of ['contentType', 'cacheControl', 'contentEncoding', 'contentLanguage'] as const) {
      if (options[name] === undefined) continue
      throw new StorageError('unsupported', `A URL of Swift cannot set ${name}; it is that of the file.`)
    }
  }
  const found: { -readonly [K in keyof TempUrlQuery]: TempUrlQuery[K] } = {
    prefix: undefined,
    ipRange: undefined,
    ...dispositionIn(contentDisposition),
    others: [],
  }
  for (const [name, value] of Object.entries(parameters)) {
    const own = NAMES.get(name)
    if (own === 'inline') found.inline = value === true || /^(?:true|1|yes|on|)$/i.test(String(value))
    else if (own !== undefined) found[own] = String(value)
    else if (RESERVED.test(name)) throw new StorageError('invalid_argument', `'${name}' is not a parameter of a URL.`)
    else found.others = [...found.others, [name, String(value)]]
  }
  return found
}

/** `inline`, and the file name, of a disposition. */
function dispositionIn(disposition: string | undefined): Pick<TempUrlQuery, 'filename' | 'inline'> {
  if (disposition === undefined) return { filename: undefined, inline: false }
  const inline = /^\s*inline\b/i.test(disposition)
  const [, quoted] = /;\s{0,9}filename="((?:[^"\\]|\\.){0,1024})"/i.exec(disposition) ?? []
  const [, encoded] = /;\s{0,9}filename\*=utf-8''([^;\s]{1,3072})/i.exec(disposition) ?? []
  const [, bare] = /;\s{0,9}filename=([^";\s]{1,1024})/i.exec(disposition) ?? []
  const filename = encoded === undefined ? (quoted?.replace(/\\(.)/g, '$1') ?? bare) : decoded(encoded)
  return { filename, inline }
}

/** A temporary URL of a key. */
export function temporaryUrl(
  base: UrlBase,
  key: string,
  query: TempUrlQuery,
  how: {
    readonly method: TempUrl['method']
    readonly expires: number
    readonly secret: string
    readonly digest: TempUrlDigest
  },
): string {
  const { prefix, ipRange, filename, inline, others } = query
  if (prefix !== undefined && !key.startsWith(prefix)) {
    throw new StorageError('invalid_argument', `The prefix '${prefix}' is not the beginning of '${key}'.`)
  }
  const { method, expires, secret, digest } = how
  const path = signedPath(base, prefix ?? key)
  const signature = tempUrlSignature({ method, path, expires, isPrefix: prefix !== undefined, ipRange }, secret, digest)
  const pairs: Array<readonly [string, string?]> = [
    ['temp_url_sig', signature],
    ['temp_url_expires', String(expires)],
  ]
  if (prefix !== undefined) pairs.push(['temp_url_prefix', prefix])
  if (ipRange !== undefined) pairs.push(['temp_url_ip_range', ipRange])
  if (filename !== undefined) pairs.push(['filename', filename])
  if (inline) pairs.push(['inline'])
  return `${plainUrl(base, key)}?${encodeQuery([...pairs, ...others])}`
}
