/** Who asks: the signature in the headers, or in a shareable URL. */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { AtmosCredentials, AtmosState } from './context.ts'
import { AtmosError } from './errors.ts'
import type { AtmosRequest } from './request.ts'

/** Who asks, and what a shareable URL says besides. */
export interface AtmosIdentity {
  readonly uid: string
  readonly by: 'header' | 'url'
  readonly disposition: string | undefined
}

/** How far the date of a request may be from the server's, milliseconds. */
const WINDOW_MS = 5 * 60 * 1000

/** RFC 1123, as `Thu, 05 Jun 2008 16:38:19 GMT`. */
const HTTP_DATE =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/

/** What is signed of a request with headers. */
export function stringToSign(request: Pick<AtmosRequest, 'method' | 'headers' | 'signedPath' | 'rawQuery'>): string {
  const { method, headers, signedPath, rawQuery } = request
  const resource = signedPath + (rawQuery === '' ? '' : `?${rawQuery}`)
  const own = Object.keys(headers)
    .filter(name => name.startsWith('x-emc-') && name !== 'x-emc-signature')
    .toSorted()
    .map(name => `${name}:${(headers[name] ?? '').replace(/\n/g, '').replace(/ +/g, ' ').trim()}`)
  const first = [method, headers['content-type'] ?? '', headers['range'] ?? '', headers['date'] ?? '']
  return [...first, resource.toLowerCase(), ...own].join('\n')
}

/** Keys by their secrets; to make one takes longer than to sign. */
const keys = new Map<string, KeyObject>()

function keyOf(secret: string): KeyObject {
  const key = keys.get(secret) ?? createSecretKey(Buffer.from(secret, 'base64'))
  keys.set(secret, key)
  return key
}

function checkSignature({ secret }: AtmosCredentials, text: string, signature: string): void {
  const right = createHmac('sha1', keyOf(secret)).update(text, 'utf8').digest()
  const given = Buffer.from(signature, 'base64')
  if (given.toString('base64') !== signature || given.length !== right.length || !timingSafeEqual(given, right)) {
    throw new AtmosError(1032)
  }
}

function userOf(state: AtmosState, uid: string): AtmosCredentials {
  const found = state.credentials.find(one => one.uid === uid)
  if (found === undefined) throw new AtmosError(1033)
  return found
}

function checkDate(text: string | undefined, state: AtmosState): void {
  if (text === undefined) throw new AtmosError(1054, 'There is neither Date nor x-emc-date.')
  if (!HTTP_DATE.test(text)) throw new AtmosError(1031, 'The date is not of RFC 1123.')
  if (Math.abs(Date.parse(text) - state.now()) > WINDOW_MS) throw new AtmosError(1031)
}

/** The user of a request; 1031, 1032, 1033 and 1054 where there is none. */
export function authenticate(request: AtmosRequest, state: AtmosState): AtmosIdentity {
  const { headers, query } = request
  const signature = headers['x-emc-signature']
  if (signature === undefined && query['signature'] !== undefined) return shared(request, state)
  const uid = headers['x-emc-uid']
  if (uid === undefined || signature === undefined) {
    throw new AtmosError(1054, 'x-emc-uid and x-emc-signature are needed.')
  }
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('x-emc-') && /[^\x20-\x7e]/.test(value)) throw new AtmosError(1002, `${name} is not ASCII.`)
  }
  checkDate(headers['x-emc-date'] ?? headers['date'], state)
  checkSignature(userOf(state, uid), stringToSign(request), signature)
  return { uid, by: 'header', disposition: undefined }
}

/** The user of a shareable URL, which is for reading only. */
function shared(request: AtmosRequest, state: AtmosState): AtmosIdentity {
  const { method, query, signedPath, pairs } = request
  if (method !== 'GET') throw new AtmosError(1009)
  const names = pairs.map(([name]) => name)
  const { uid = '', expires = '', signature = '', disposition } = query
  const isKnown = names.every(name => ['uid', 'expires', 'signature', 'disposition'].includes(name))
  if (!isKnown || new Set(names).size !== names.length || !/^\d{1,12}$/.test(expires)) throw new AtmosError(1002)
  const lines = ['GET', signedPath.toLowerCase(), uid, expires]
  if (disposition !== undefined) lines.push(disposition)
  checkSignature(userOf(state, uid), lines.join('\n'), signature)
  if (Number(expires) * 1000 <= state.now()) throw new AtmosError(1031, 'The URL has expired.')
  return { uid, by: 'url', disposition }
}
