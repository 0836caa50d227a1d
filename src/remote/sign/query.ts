import { encodeComponent } from './encode.ts'

/** Pairs before encoding (no value: `?acl` without `=`), or a query string encoded with `encodeQuery`, without `?`. */
export type Query = string | ReadonlyArray<readonly [name: string, value?: string | undefined]>

/** The parts of a request that are signed. */
export interface SignableRequest {
  /** In upper case. */
  readonly method: string
  /** The path of the URL exactly as it is sent, already encoded, without the query. */
  readonly path: string
  readonly query?: Query | undefined
  /** All headers to be signed, `host` among them. */
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** The keys for signing. Their owner keeps them out of messages. */
export interface SigningCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** Returns the keys for signing, without a promise if they are already loaded; null means unsigned requests. */
export interface CredentialSource {
  get(): SigningCredentials | null | Promise<SigningCredentials | null>
  /** Forgets expired keys that the service has refused, so that `get` loads new ones. Absent: there are no other keys. */
  drop?(keys: SigningCredentials): void
}

/** A query parameter with both parts percent-encoded. No value means that there was no `=`. */
export type EncodedPair = readonly [name: string, value: string | undefined]

/** Splits or encodes a query into pairs, in the same order. */
export function encodedPairs(query: Query | undefined): EncodedPair[] {
  if (query === undefined || query.length === 0) return []
  if (typeof query !== 'string') {
    return query.map(([name, value]) => [
      encodeComponent(name),
      value === undefined ? undefined : encodeComponent(value),
    ])
  }
  const pairs: EncodedPair[] = []
  for (const part of query.split('&')) {
    if (part === '') continue
    const at = part.indexOf('=')
    pairs.push(at === -1 ? [part, undefined] : [part.slice(0, at), part.slice(at + 1)])
  }
  return pairs
}

/** The query string for these parameters, in their order and without `?`. */
export function encodeQuery(query: Query): string {
  return typeof query === 'string' ? query : joinPairs(encodedPairs(query))
}

/** Writes encoded pairs as a query string. */
export function joinPairs(pairs: readonly EncodedPair[]): string {
  let text = ''
  for (const [name, value] of pairs) {
    if (text !== '') text += '&'
    text += value === undefined ? name : `${name}=${value}`
  }
  return text
}

/** The canonical query of signature version 4: sorted by encoded name, then by value; an absent value is written as empty. */
export function canonicalQuery(pairs: EncodedPair[]): string {
  if (pairs.length === 0) return ''
  if (pairs.length > 1) pairs.sort((a, b) => compare(a[0], b[0]) || compare(a[1] ?? '', b[1] ?? ''))
  let text = ''
  for (const [name, value] of pairs) text += `${text === '' ? '' : '&'}${name}=${value ?? ''}`
  return text
}

/** Orders by UTF-16 code units. For ASCII that is the byte order of the services. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** A header value for signing: runs of blanks become one space, and blanks at the ends are removed. */
export function canonicalValue(value: string): string {
  let before = 32
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at)
    if (code <= 32 && (code !== 32 || before === 32)) return squeeze(value)
    before = code
  }
  return before === 32 ? squeeze(value) : value
}

function squeeze(value: string): string {
  return value
    .replace(/[\r\n]/g, ' ')
    .replace(/[ \t]+/g, ' ')
    .replace(/^ | $/g, '')
}
