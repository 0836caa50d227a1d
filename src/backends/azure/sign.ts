import { ImproperlyConfigured } from '../../core/errors.ts'
import { HmacSha256 } from '../../remote/sign/hmac.ts'
import { compare } from '../../remote/sign/query.ts'

/** An account and its key, which is never shown: it signs requests, service SAS and account SAS. */
export class SharedKey {
  readonly account: string
  readonly #hmac: HmacSha256

  /** The key is in base64, as the portal shows it; `improperly_configured` names `setting` for any other text, and never the text. */
  constructor(account: string, key: string, setting = 'accountKey') {
    this.account = account
    this.#hmac = new HmacSha256(keyBytes(key, setting))
  }

  /** The signature of a text (HMAC-SHA256), in base64. */
  sign(text: string): string {
    return this.#hmac.sign(text, 'base64')
  }
}

/** What the signature of a request covers. */
export interface SharedKeyRequest {
  /** In capitals. */
  readonly method: string
  /** The path exactly as it is sent, encoded and without the query: a path-style one begins with the account, which then counts twice. */
  readonly path: string
  /** Parameters, not encoded. One without a value is signed as empty: the service and its emulators differ there, so it is best left out. */
  readonly query?: ReadonlyArray<readonly [name: string, value?: string | undefined]> | undefined
  /** All headers of the request but `date`, with the length of the body where there is one; names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** The headers that a signature adds. */
export interface SharedKeyHeaders {
  readonly 'x-ms-date': string
  readonly authorization: string
}

/** Headers that stand in every signature by their place, empty or not. Instead of `date` there is `x-ms-date`. */
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
  const date = now.toUTCString()
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

/** A key from base64, with its padding or without; with the alphabet of URLs, blanks inside or a character too many it is no key. */
function keyBytes(key: string, setting: string): Buffer {
  const text = key.replace(/={1,2}$/, '')
  if (/^[A-Za-z0-9+/]{2,}$/.test(text) && text.length % 4 !== 1) return Buffer.from(text, 'base64')
  throw new ImproperlyConfigured(`${setting} must be an account key in base64, as the portal shows it`)
}

function canonicalHeaders(headers: SharedKeyRequest['headers'], date: string): string {
  const names = ['x-ms-date']
  for (const name in headers) if (name.startsWith('x-ms-') && name !== 'x-ms-date') names.push(name)
  let text = ''
  for (const name of names.sort(compareNames)) {
    const value = name === 'x-ms-date' ? date : headers[name]
    if (value !== undefined) text += `${name}:${value.trim()}\n`
  }
  return text
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

/** The order in which the service sorts names of headers: a `-` and a `'` do not count, unless all else is the same. */
const ORDER = '!#$%&*.^_`|~+0123456789abcdefghijklmnopqrstuvwxyz'
const RANKS: readonly number[] = Array.from({ length: 128 }, (_, code) => ORDER.indexOf(String.fromCharCode(code)) + 1)

/** Compares two names of headers, in lower case, by the collation of the service. */
function compareNames(a: string, b: string): number {
  let i = 0
  let j = 0
  for (;;) {
    while (i < a.length && !RANKS[a.charCodeAt(i)]) i++
    while (j < b.length && !RANKS[b.charCodeAt(j)]) j++
    if (i === a.length || j === b.length) break
    const order = RANKS[a.charCodeAt(i++)]! - RANKS[b.charCodeAt(j++)]!
    if (order !== 0) return order
  }
  if (i < a.length || j < b.length) return i < a.length ? 1 : -1
  return compareIgnored(a, b)
}

/** Names with the same letters: the one with the earlier `-` or `'` comes later, a `-` later than a `'`. */
function compareIgnored(a: string, b: string): number {
  for (let at = 0; at < a.length && at < b.length; at++) {
    const order = weight(a, at) - weight(b, at)
    if (order !== 0) return order
  }
  return a.length - b.length
}

function weight(name: string, at: number): number {
  const char = name[at]
  return char === '-' ? 2 : char === "'" ? 1 : 0
}
