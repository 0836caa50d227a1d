/** Signatures compared with a computation of their own, written from the guide's text apart from the backend's. */
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { AtmosKey, type SignedRequest, shareableQuery, stringToSign } from '../../../src/backends/atmos/index.ts'
import { encodeKey } from '../../../src/remote/sign/encode.ts'
import { seeded } from '../../oracles/seeded.ts'

const SECRET = 'LJLuryj6zs8ste6Y3jTGQp71xq0='
const UID = '6039ac182f194e15b9261d73ce044939/user1'
const DATE = 'Thu, 05 Jun 2008 16:38:19 GMT'

type Headers = Record<string, string | string[]>

/** "One blank for several, no line feeds, nothing at the ends", one character at a time. */
function tidy(value: string): string {
  let out = ''
  for (const char of value) if (char !== '\n' && !(char === ' ' && (out === '' || out.endsWith(' ')))) out += char
  return out.endsWith(' ') ? out.slice(0, -1) : out
}

/** The signature by the six steps of the guide. */
function signature(
  secret: string,
  { method, path, query, headers }: { method: string; path: string; query: string; headers: Headers },
): string {
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value].flat().join(',')]))
  let text = `${method}\n`
  for (const name of ['content-type', 'range', 'date']) text += `${lower.get(name) ?? ''}\n`
  text += (query === '' ? path : `${path}?${query}`).toLowerCase()
  const own = [...lower.keys()].filter(name => name.indexOf('x-emc-') === 0 && name !== 'x-emc-signature')
  own.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  for (const name of own) text += `\n${name}:${tidy(lower.get(name)!)}`
  return createHmac('sha1', Buffer.from(secret, 'base64')).update(Buffer.from(text, 'utf8')).digest().toString('base64')
}

const random = seeded(22)
const below = (limit: number): number => Math.floor(random() * limit)
const oneOf = <T>(items: readonly T[]): T => items[below(items.length)]!
const LETTERS = [
  'a',
  'B',
  'z',
  '0',
  '~',
  '-',
  '.',
  '_',
  ' ',
  '+',
  '%',
  '&',
  '=',
  '?',
  '#',
  "'",
  '"',
  '<',
  'é',
  'Ü',
  '日',
  '🙂',
]
const text = (most: number): string => Array.from({ length: 1 + below(most) }, () => oneOf(LETTERS)).join('')
const secretText = (): string => Buffer.from(Array.from({ length: 1 + below(40) }, () => below(256))).toString('base64')
const uidText = (): string => oneOf([UID, 'user', `${below(1e9).toString(16)}/A user`])
const pathText = (): string =>
  `/rest/namespace/${Array.from({ length: 1 + below(4) }, () => text(9)).join('/')}${oneOf(['', '/'])}`
const VALUES = ['x', 'a=1,b=2', '  two   blanks ', 'UPPER and lower', 'a=%C3%A9', '1']
const NAMES = ['meta', 'listable-meta', 'useracl', 'groupacl', 'path', 'force', 'utf8', 'token', 'limit', 'wschecksum']

describe('the signature of a request', () => {
  it("case 22: is the guide's own for the guide's example", () => {
    const request: SignedRequest = {
      method: 'POST',
      path: '/rest/objects',
      headers: {
        'content-type': 'application/octet-stream',
        date: DATE,
        'x-emc-date': DATE,
        'x-emc-groupacl': 'other=NONE',
        'x-emc-listable-meta': 'part4/part7/part8=quick',
        'x-emc-meta': 'part1=buy',
        'x-emc-uid': UID,
        'x-emc-useracl': 'john=FULL_CONTROL,mary=WRITE',
      },
    }
    expect(new AtmosKey(UID, SECRET).sign(stringToSign(request))).toBe('WHJo1MFevMnK4jCthJ974L3YHoo=')
  })

  it('case 24: collapses blanks, takes line feeds away, joins repeated headers, and ends without a line feed', () => {
    const headers = { 'x-emc-meta': ['  a=1   2 ', 'b=\n3'], 'x-emc-date': DATE, 'x-emc-signature': 'not this' }
    expect(stringToSign({ method: 'GET', path: '/rest/namespace/A%20B', query: 'metadata/user', headers })).toBe(
      `GET\n\n\n\n/rest/namespace/a b?metadata/user\nx-emc-date:${DATE}\nx-emc-meta:a=1 2 ,b=3`,
    )
  })

  it('of 600 random requests is that of the independent computation', () => {
    for (let count = 0; count < 600; count++) {
      const path = pathText()
      const headers: Headers = { 'x-emc-date': DATE, 'x-emc-uid': uidText() }
      for (let many = below(5); many > 0; many--) {
        headers[`x-emc-${oneOf(NAMES)}`] = random() < 0.2 ? [oneOf(VALUES), oneOf(VALUES)] : oneOf(VALUES)
      }
      if (random() < 0.7) headers['content-type'] = oneOf(['application/octet-stream', 'text/plain; charset=utf-8'])
      if (random() < 0.3) headers['range'] = `bytes=${below(99)}-${below(999)}`
      if (random() < 0.3) headers['date'] = DATE
      const method = oneOf(['GET', 'HEAD', 'POST', 'PUT', 'DELETE'])
      const query = oneOf(['', 'metadata/user', 'metadata/system', 'rename', 'acl'])
      const secret = secretText()
      const signed = stringToSign({ method, path: encodeKey(path), query, headers })
      const own = new AtmosKey('uid', secret).sign(signed)
      expect(own, JSON.stringify({ method, path, query, headers })).toBe(
        signature(secret, { method, path, query, headers }),
      )
    }
  })
})

describe('the signature of a shareable URL', () => {
  it('of 600 random URLs is that of the independent computation, and nothing in the query needs more encoding', () => {
    let encoded = 0
    for (let count = 0; count < 600; count++) {
      const [path, uid, secret, expires] = [pathText(), uidText(), secretText(), 1 + below(4e9)]
      const disposition = random() < 0.5 ? undefined : `attachment; filename="${text(8).replaceAll('"', '')}"`
      const query = shareableQuery(new AtmosKey(uid, secret), { path: encodeKey(path), expires, disposition })
      const signed = [
        'GET',
        path.toLowerCase(),
        uid,
        String(expires),
        ...(disposition === undefined ? [] : [disposition]),
      ]
      const right = createHmac('sha1', Buffer.from(secret, 'base64')).update(signed.join('\n')).digest('base64')
      const pairs = Object.fromEntries(query.split('&').map(pair => pair.split('=').map(decodeURIComponent)))
      expect(pairs).toEqual({
        uid,
        expires: String(expires),
        signature: right,
        ...(disposition === undefined ? {} : { disposition }),
      })
      expect(query).toMatch(/^[A-Za-z0-9%&=._~-]+$/)
      if (/%2B|%2F/.test(query.slice(query.indexOf('signature=')))) encoded++
      expect(query).toContain('%3D')
    }
    expect(encoded).toBeGreaterThan(100)
  })
})

it('case 27: a secret that is not base64 is improperly_configured, and is not shown', () => {
  for (const secret of ['no base64!', 'a', 'a b c d', 'abc-def_', 'abcde', 'a===']) {
    const error = (() => {
      try {
        return new AtmosKey('uid', secret, 'ATMOS_KEY')
      } catch (failure) {
        return failure as Error
      }
    })()
    expect(error, secret).toMatchObject({ code: 'improperly_configured' })
    expect((error as Error).message).toMatch(/^ATMOS_KEY: expected the shared secret in base64/)
    if (secret.length > 3) expect((error as Error).message).not.toContain(secret)
  }
  for (const secret of [SECRET, SECRET.slice(0, -1), 'c2VjcmV0']) expect(new AtmosKey('uid', secret).uid).toBe('uid')
})
