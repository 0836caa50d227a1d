import { ImproperlyConfigured } from '../../core/errors.ts'
import { isBase64 } from '../../remote/sign/encode.ts'
import { HmacSha256 } from '../../remote/sign/hmac.ts'
import { compare } from '../../remote/sign/query.ts'

/** An account and its key, which is never printed. It signs requests, service SAS and account SAS. */
export class SharedKey {
  readonly account: string
  readonly #hmac: HmacSha256

  /** The key is in base64, as in the portal. Code `improperly_configured` with `setting`, and never with the text, for any other text. */
  constructor(account: string, key: string, setting = 'accountKey') {
    this.account = account
    this.#hmac = new HmacSha256(keyBytes(key, setting))
  }

  /** The signature of a text (HMAC-SHA256), in base64. */
  sign(text: string): string {
    return this.#hmac.sign(text, 'base64')
  }
}

/** The parts of a request that the signature covers. */
export interface SharedKeyRequest {
  /** In upper case. */
  readonly method: string
  /** The path exactly as it is sent, encoded and without the query. A path-style one begins with the account, which then occurs twice. */
  readonly path: string
  /** Parameters, not encoded. One without a value is signed as empty; the service and its emulators differ there, so avoid it. */
  readonly query?: ReadonlyArray<readonly [name: string, value?: string | undefined]> | undefined
  /** All headers of the request except `date`, and the length of the body if there is one; names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** The headers that a signature adds. */
export interface SharedKeyHeaders {
  readonly 'x-ms-date': string
  readonly authorization: string
}

/** Headers with a fixed position in every signature, empty or not. `x-ms-date` is used instead of `date`. */
const PLACES = [
  'content-encoding',
  'content-language',
  'content-length',
  'content-md5',
  'content-type',
  '',
  'if-modified-since',
  'if-match',
  'if-none-match',
  'if-unmodified-since',
  'range',
]

/** Signs a request with an account's key. (https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key) */
export function signSharedKey(request: SharedKeyRequest, key: SharedKey, now: Date): SharedKeyHeaders {
  const date = dateText(now)
  const { method, path, query, headers } = request
  let text = method
  for (const name of PLACES) {
    const value = headers[name]?.trim() ?? ''
    text += name === 'content-length' && value === '0' ? '\n' : `\n${value}`
  }
  text += `\n${canonicalHeaders(headers, date)}/${key.account}${path}`
  if (query !== undefined && query.length > 0) text += canonicalQuery(query)
  return { 'x-ms-date': date, authorization: `SharedKey ${key.account}:${key.sign(text)}` }
}

let lastSecond = Number.NaN
let lastText = ''

/** The time in header format, made once per second. */
function dateText(now: Date): string {
  const second = Math.floor(now.getTime() / 1000)
  if (second !== lastSecond) {
    lastText = now.toUTCString()
    lastSecond = second
  }
  return lastText
}

/** The bytes of a key in base64. */
function keyBytes(key: string, setting: string): Buffer {
  if (isBase64(key)) return Buffer.from(key, 'base64')
  throw new ImproperlyConfigured(`${setting} must be an account key in base64, as the portal shows it`)
}

function canonicalHeaders(headers: SharedKeyRequest['headers'], date: string): string {
  const names = ['x-ms-date']
  for (const name in headers) {
    if (name.startsWith(PREFIX) && name !== 'x-ms-date' && headers[name] !== undefined) names.push(name)
  }
  let text = ''
  for (const name of names.sort(compareNames)) {
    text += `${name}:${name === 'x-ms-date' ? date : headers[name]!.trim()}\n`
  }
  return text
}

const PREFIX = 'x-ms-'
const DASH = 45
const UNDERSCORE = 95

/** The service's order of these names: a `-` is ignored, and a `_`, which metadata names may have, precedes digits and letters. */
function compareNames(one: string, other: string): number {
  for (let i = PREFIX.length, j = PREFIX.length; ; i++, j++) {
    while (one.charCodeAt(i) === DASH) i++
    while (other.charCodeAt(j) === DASH) j++
    const difference = rankAt(one, i) - rankAt(other, j)
    if (difference !== 0 || i >= one.length) return difference
  }
}

/** The end of a name has the lowest rank. */
function rankAt(name: string, at: number): number {
  if (at >= name.length) return -1
  const code = name.charCodeAt(at)
  return code === UNDERSCORE ? 0 : code
}

function canonicalQuery(query: NonNullable<SharedKeyRequest['query']>): string {
  const values = new Map<string, string>()
  for (const [name, value = ''] of [...query].sort((a, b) => compare(a[1] ?? '', b[1] ?? ''))) {
    const lower = name.toLowerCase()
    const before = values.get(lower)
    values.set(lower, before === undefined ? value : `${before},${value}`)
  }
  let text = ''
  for (const name of [...values.keys()].sort()) text += `\n${name}:${values.get(name)}`
  return text
}
