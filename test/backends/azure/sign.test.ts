import { createHmac } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { SharedKey, type SharedKeyRequest, signSharedKey } from '../../../src/backends/azure/sign.ts'
import { isStorageError } from '../../../src/core/errors.ts'
import { encodeKey } from '../../../src/remote/sign/encode.ts'

const ACCOUNT = 'anaccount'
const SECRET = Buffer.from('a secret of some length, for tests only: 64 bytes of it, or so..').toString('base64')
const KEY = new SharedKey(ACCOUNT, SECRET)
const NOW = new Date('2026-01-02T03:04:05.678Z')
const DATE = 'Fri, 02 Jan 2026 03:04:05 GMT'

/** What the signature of these lines must be. */
function signatureOf(...lines: string[]): string {
  const hmac = createHmac('sha256', Buffer.from(SECRET, 'base64')).update(lines.join('\n')).digest('base64')
  return `SharedKey ${ACCOUNT}:${hmac}`
}

function authorization(request: Partial<SharedKeyRequest>): string {
  return signSharedKey({ method: 'GET', path: '/', headers: {}, ...request }, KEY, NOW).authorization
}

const EMPTY = ['', '', '', '', '', '', '', '', '', '', '']

describe('a Shared Key signature', () => {
  test('covers every line of the documented text, in its order', () => {
    const headers = {
      'content-language': 'en',
      'content-encoding': 'gzip',
      'content-length': '12',
      'content-md5': 'bWQ1',
      'content-type': 'text/plain',
      'if-modified-since': 'a',
      'if-match': 'b',
      'if-none-match': 'c',
      'if-unmodified-since': 'd',
      range: 'bytes=0-1',
      'x-ms-version': '2021-12-02',
      'x-ms-meta-two': '  two  words ',
      accept: 'not signed',
    }
    const query = [
      ['restype', 'container'],
      ['Comp', 'list'],
      ['prefix', 'a b/ü&='],
      ['comp', 'acl'],
    ] as const
    const signed = signSharedKey({ method: 'PUT', path: '/c/b', query, headers }, KEY, NOW)
    expect(signed['x-ms-date']).toBe(DATE)
    expect(signed.authorization).toBe(
      signatureOf(
        ...['PUT', 'gzip', 'en', '12', 'bWQ1', 'text/plain', '', 'a', 'b', 'c', 'd', 'bytes=0-1'],
        ...[`x-ms-date:${DATE}`, 'x-ms-meta-two:two  words', 'x-ms-version:2021-12-02'],
        ...[`/${ACCOUNT}/c/b`, 'comp:acl,list', 'prefix:a b/ü&=', 'restype:container'],
      ),
    )
  })

  test('signs a length of 0 as none', () => {
    expect(authorization({ headers: { 'content-length': '0' } })).toBe(authorization({}))
    expect(authorization({ headers: { 'content-length': '10' } })).not.toBe(authorization({}))
  })

  test('uses its own date, whatever the headers say', () => {
    expect(authorization({ headers: { 'x-ms-date': 'yesterday' } })).toBe(authorization({}))
  })

  test('leaves out headers that are undefined', () => {
    expect(authorization({ headers: { 'x-ms-lease-id': undefined, range: undefined } })).toBe(authorization({}))
  })

  test('has the account twice for a path-style endpoint (az-1)', () => {
    expect(authorization({ path: `/${ACCOUNT}/c/b` })).toBe(
      signatureOf('GET', ...EMPTY, `x-ms-date:${DATE}`, `/${ACCOUNT}/${ACCOUNT}/c/b`),
    )
  })

  test.each(["a!b$c&d'e(f)g*h", 'a,b:c;d=e@f', 'a%2Eb', 'a+b c', 'ü/\u{1f600}'])(
    'covers the path as it is sent, for the name %s (az-1)',
    name => {
      const path = `/c/${encodeKey(name)}`
      // What goes on the wire is what Node's URL makes of it: the same.
      expect(new URL(`https://a.example${path}`).pathname).toBe(path)
      expect(authorization({ path })).toBe(signatureOf('GET', ...EMPTY, `x-ms-date:${DATE}`, `/${ACCOUNT}${path}`))
    },
  )
})

describe('a key', () => {
  test.each(['', ' ', 'no base64!', 'YWJj\nYWJj', 'YW-_', 'YWJjZ', `${SECRET} `])(
    'that is no base64 is refused without being shown: %j',
    text => {
      const make = () => new SharedKey(ACCOUNT, text, 'AZURE_ACCOUNT_KEY')
      expect(make).toThrow(/^AZURE_ACCOUNT_KEY must be an account key in base64, as the portal shows it$/)
      expect(make).toThrow(expect.toSatisfy(error => isStorageError(error, 'improperly_configured')))
    },
  )

  test('may lack its padding', () => {
    expect(new SharedKey(ACCOUNT, 'YWI=').sign('text')).toBe(new SharedKey(ACCOUNT, 'YWI').sign('text'))
  })

  test('is not printed', () => {
    const printed = inspect(KEY, { depth: 9, showHidden: true }) + JSON.stringify(KEY)
    expect(printed).toContain(ACCOUNT)
    expect(printed).not.toContain(SECRET.slice(0, 8))
    expect(printed).not.toMatch(/<Buffer/)
  })
})
