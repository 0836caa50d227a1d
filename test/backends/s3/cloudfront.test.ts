import { generateKeyPairSync, verify } from 'node:crypto'
import { getSignedCookies, getSignedUrl } from '@aws-sdk/cloudfront-signer'
import { expect, test } from 'vitest'
import { CloudFrontSigner } from '../../../src/backends/s3/cloudfront.ts'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const PEM = privateKey.export({ type: 'pkcs1', format: 'pem' }) as string
const PKCS8 = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
const ID = 'K2JCJMDEHXQW5F'
const signer = new CloudFrontSigner({ keyId: ID, privateKey: PEM })
const expiresAt = new Date('2030-01-02T03:04:05Z')
const startsAt = new Date('2029-01-02T03:04:05Z')
const URLS = ['https://cdn.x.com/a%20b.txt', 'https://cdn.x.com/v/%C3%A9/x.mp4?version=10', "https://cdn.x.com/~-!*'()"]

function parts(url: string): Record<string, string> {
  return Object.fromEntries(new URL(url).searchParams)
}

test.each(URLS)('canned and custom policies for %s equal those of the official signer', url => {
  const official = { url, keyPairId: ID, privateKey: PEM }
  const dateLessThan = expiresAt.toISOString()
  const dateGreaterThan = startsAt.toISOString()
  const ipAddress = '10.1.0.0/16'
  const policy = '{"Statement":[{"Resource":"https://cdn.x.com/*"}]}'
  const pairs = [
    [signer.url(url, { expiresAt }), getSignedUrl({ ...official, dateLessThan })],
    [signer.url(url, { expiresAt, startsAt }), getSignedUrl({ ...official, dateLessThan, dateGreaterThan })],
    [signer.url(url, { expiresAt, ipAddress }), getSignedUrl({ ...official, dateLessThan, ipAddress })],
    [
      signer.url(url, { expiresAt, startsAt, ipAddress: '10.1.2.3' }),
      getSignedUrl({ ...official, dateLessThan, dateGreaterThan, ipAddress: '10.1.2.3' }),
    ],
    [signer.url(url, { policy }), getSignedUrl({ ...official, policy })],
  ] as const
  for (const [ours, theirs] of pairs) {
    expect(parts(ours)).toEqual(parts(theirs))
    expect(ours.startsWith(`${url}${url.includes('?') ? '&' : '?'}`)).toBe(true)
    expect(ours).toHaveLength(theirs.length)
  }
  expect(signer.cookies(url, { expiresAt })).toEqual(asText(getSignedCookies({ ...official, dateLessThan })))
  expect(signer.cookies(url, { policy })).toEqual(asText(getSignedCookies({ ...official, policy })))
  expect(signer.cookies(url, { expiresAt, ipAddress })).toEqual(
    asText(getSignedCookies({ ...official, dateLessThan, ipAddress })),
  )
})

function asText(cookies: object): Record<string, string> {
  return Object.fromEntries(Object.entries(cookies).map(([name, value]) => [name, String(value)]))
}

test('the parameters stand in the order of the Python signer and the signature verifies', () => {
  const url = signer.url('https://cdn.x.com/a.txt', { expiresAt })
  expect(url).toMatch(
    /^https:\/\/cdn\.x\.com\/a\.txt\?Expires=1893553445&Signature=[A-Za-z0-9~_-]+&Key-Pair-Id=K2JCJMDEHXQW5F$/,
  )
  const policy =
    '{"Statement":[{"Resource":"https://cdn.x.com/a.txt","Condition":{"DateLessThan":{"AWS:EpochTime":1893553445}}}]}'
  const base64 = parts(url)['Signature']!.replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/')
  expect(verify('sha1', Buffer.from(policy), publicKey, Buffer.from(base64, 'base64'))).toBe(true)
  expect(verify('sha1', Buffer.from(policy.replace('a.txt', 'b.txt')), publicKey, Buffer.from(base64, 'base64'))).toBe(
    false,
  )
})

test('a key may be PKCS#8, bytes or encrypted', () => {
  const url = 'https://cdn.x.com/a.txt'
  const encrypted = privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'pw',
  }) as string
  const signers = [
    new CloudFrontSigner({ keyId: ID, privateKey: PKCS8 }),
    new CloudFrontSigner({ keyId: ID, privateKey: new Uint8Array(Buffer.from(PEM)) }),
    new CloudFrontSigner({ keyId: ID, privateKey: encrypted, passphrase: 'pw' }),
  ]
  for (const other of signers) expect(other.url(url, { expiresAt })).toBe(signer.url(url, { expiresAt }))
})

test('a bad key is refused and never shown', () => {
  const bad = PEM.replace(/[A-Z]/g, 'x')
  for (const text of [bad, 'hunter2', '', PKCS8.slice(0, 200)]) {
    expect(() => new CloudFrontSigner({ keyId: ID, privateKey: text })).toThrow(
      expect.objectContaining({
        code: 'improperly_configured',
        message: 'AWS_CLOUDFRONT_KEY is not a readable private key in PEM',
      }),
    )
  }
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  expect(() => new CloudFrontSigner({ keyId: ID, privateKey: ec as string })).toThrow('must be an RSA key, not ec')
  expect(JSON.stringify(signer)).toBe(`{"keyId":"${ID}"}`)
})

test.each([
  ['https://cdn.x.com/a b', { expiresAt }],
  ['https://cdn.x.com/é', { expiresAt }],
  ['https://cdn.x.com/a', { expiresAt: new Date(Number.NaN) }],
  ['https://cdn.x.com/a', { expiresAt, ipAddress: '300.1.1.1' }],
  ['https://cdn.x.com/a', { expiresAt, ipAddress: '10.0.0.0/33' }],
  ['https://cdn.x.com/a', { expiresAt, ipAddress: '10.0.0.0/8/8' }],
])('%s with %j is refused', (url, limits) => {
  expect(() => signer.url(url, limits)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
})
