import { describe, expect, test } from 'vitest'
import { hideSignatures, hiding } from '../../src/remote/redact.ts'

const SECRET = 'wJalr/XUt+nF&"EMI=(K7)MDENG'

function lowerHex(text: string): string {
  return text.replace(/%[0-9A-F]{2}/g, code => code.toLowerCase())
}

describe('a secret is hidden', () => {
  const bytes = Buffer.from(SECRET)
  const encoded = encodeURIComponent(SECRET)
  test.each([
    ['as it is', SECRET],
    ['percent-encoded', encoded],
    ['percent-encoded by RFC 3986', encoded.replace('(', '%28').replace(')', '%29')],
    ['percent-encoded in lower case', lowerHex(encoded)],
    ['in base64', bytes.toString('base64')],
    ['in base64 for URLs', bytes.toString('base64url')],
    ['in hexadecimal', bytes.toString('hex')],
    ['in hexadecimal in upper case', bytes.toString('hex').toUpperCase()],
    ['with escapes of XML', SECRET.replace('&', '&amp;').replace('"', '&quot;')],
    ['with escapes of JSON', JSON.stringify(SECRET).slice(1, -1)],
  ])('%s', (_how, form) => {
    const shown = hiding([SECRET, undefined])(`refused: ${form}, token ${form}.`)
    expect(shown).not.toContain(form)
    expect(shown).toMatch(/^refused: \*\*\*=*, token \*\*\*=*\.$/)
  })

  test('also where it contains another', () => {
    expect(hiding(['inner', 'outer-inner-outer'])('a outer-inner-outer b inner')).toBe('a *** b ***')
  })

  test('but not where it is too short to be one', () => {
    expect(hiding(['a', ''])('a banana')).toBe('a banana')
  })
})

test.each([
  ['GET /k?X-Amz-Signature=abc&X-Amz-Date=1', 'GET /k?X-Amz-Signature=***&X-Amz-Date=1'],
  ['Signature=abc, SignedHeaders=host', 'Signature=***, SignedHeaders=host'],
  ['/k?x-amz-security-token%3Dabc%2F', '/k?x-amz-security-token=***'],
  ['Authorization: Bearer abc\nHost: x', 'Authorization: ***\nHost: x'],
  ['{"Proxy-Authorization": "Basic abc"}', '{"Proxy-Authorization": ***'],
  ['authorization = Basic abc', 'authorization = ***'],
  ['x-amz-server-side-encryption-customer-key:abc', 'x-amz-server-side-encryption-customer-key: ***'],
  ['The signature does not match.', 'The signature does not match.'],
])('%j is shown as %j', (text, shown) => {
  expect(hideSignatures(text)).toBe(shown)
})
