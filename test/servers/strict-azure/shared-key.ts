/** Shared Key (https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key), version 2015-02-21 and later. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { AzureError, invalidHeader, notAuthenticated } from './errors.ts'
import type { AzureRequest } from './request.ts'

const SIGNED =
  'content-encoding,content-language,content-length,content-md5,content-type,date,if-modified-since,if-match,if-none-match,if-unmodified-since,range'.split(
    ',',
  )
const SKEW_MS = 15 * 60_000

/** HMAC-SHA256 in base64. */
export function hmac(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text, 'utf8').digest('base64')
}

/** Compares two signatures. */
export function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** What is signed of a request. */
export function stringToSign({ method, headers, rawPath, pairs, account }: AzureRequest): string {
  const values = SIGNED.map(name => {
    const value = headers[name] ?? ''
    if (name === 'content-length' && value === '0') return ''
    return name === 'date' && headers['x-ms-date'] !== undefined ? '' : value
  })
  const own = Object.keys(headers).filter(name => name.startsWith('x-ms-'))
  const lines = own.sort(compareHeaders).map(name => `${name}:${headers[name]}\n`)
  const query = new Map<string, string[]>()
  for (const [name, value] of pairs) query.set(name.toLowerCase(), [...(query.get(name.toLowerCase()) ?? []), value])
  const resource = [...query]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, all]) => `\n${name}:${all.sort().join(',')}`)
  return `${[method, ...values].join('\n')}\n${lines.join('')}/${account}${rawPath}${resource.join('')}`
}

/** The service orders as .NET does in the culture en-US: a hyphen does not count, and `_` comes before digits and letters. */
function compareHeaders(a: string, b: string): number {
  const [left, right] = [a, b].map(name => name.replaceAll('-', '').replaceAll('_', '!')) as [string, string]
  if (left !== right) return left < right ? -1 : 1
  return a < b ? -1 : 1
}

/** Verifies the header `SharedKey account:signature`. */
export function verifySharedKey(request: AzureRequest, keys: readonly Buffer[], now: number): void {
  const { headers } = request
  const match = /^SharedKey ([^:]+):([A-Za-z0-9+/]{43}=)$/.exec(headers['authorization'] ?? '')
  if (match === null) throw invalidHeader('Authorization', '', 'InvalidAuthenticationInfo')
  if (match[1] !== request.account) throw notAuthenticated('The account name is not that of the URL.')
  const date = Date.parse(headers['x-ms-date'] ?? headers['date'] ?? '')
  if (Number.isNaN(date)) throw notAuthenticated('Neither Date nor x-ms-date is a date.')
  if (Math.abs(date - now) > SKEW_MS) throw notAuthenticated('Request date header too old.')
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('x-ms-') && /[^\x20-\x7e\t]/.test(value))
      throw notAuthenticated(`The header ${name} is not ASCII.`)
  }
  const text = stringToSign(request)
  if (keys.some(key => isSame(hmac(key, text), match[2] as string))) return
  const shown = JSON.stringify(text)
  throw new AzureError(403, 'AuthenticationFailed', 'Server failed to authenticate the request.', {
    AuthenticationErrorDetail: `The MAC signature found in the HTTP request is not the same as any computed signature. Server used following string to sign: ${shown}.`,
  })
}
