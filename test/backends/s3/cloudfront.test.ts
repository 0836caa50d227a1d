import { generateKeyPairSync, verify } from 'node:crypto'
import { getSignedCookies, getSignedUrl } from '@aws-sdk/cloudfront-signer'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { CloudFrontSigner } from '../../../src/remote/sign/cloudfront.ts'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import type { Input } from '../../../src/core/settings.ts'

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
  const canned = [
    [signer.url(url, { expiresAt }), getSignedUrl({ ...official, dateLessThan })],
    [signer.url(url, { policy }), getSignedUrl({ ...official, policy })],
  ] as const
  const custom = () => [
    [signer.url(url, { expiresAt, startsAt }), getSignedUrl({ ...official, dateLessThan, dateGreaterThan })],
    [signer.url(url, { expiresAt, ipAddress }), getSignedUrl({ ...official, dateLessThan, ipAddress })],
    [
      signer.url(url, { expiresAt, startsAt, ipAddress: '10.1.2.3' }),
      getSignedUrl({ ...official, dateLessThan, dateGreaterThan, ipAddress: '10.1.2.3' }),
    ],
  ]
  // In a custom policy '*' is a wildcard.
  const isLiteral = !url.includes('*')
  for (const [ours = '', theirs = ''] of isLiteral ? [...canned, ...custom()] : canned) {
    expect(parts(ours)).toEqual(parts(theirs))
    expect(ours.startsWith(`${url}${url.includes('?') ? '&' : '?'}`)).toBe(true)
    expect(ours).toHaveLength(theirs.length)
  }
  expect(signer.cookies(url, { expiresAt })).toEqual(asText(getSignedCookies({ ...official, dateLessThan })))
  expect(signer.cookies(url, { policy })).toEqual(asText(getSignedCookies({ ...official, policy })))
  if (!isLiteral) return
  expect(signer.cookies(url, { expiresAt, ipAddress })).toEqual(
    asText(getSignedCookies({ ...official, dateLessThan, ipAddress })),
  )
})

test("a URL with '*' gets no custom policy by its limits, where that is a wildcard", () => {
  const url = 'https://cdn.x.com/a*'
  for (const more of [{ startsAt }, { ipAddress: '10.0.0.1' }]) {
    const refusal = expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining('%2A') })
    expect(() => signer.url(url, { expiresAt, ...more })).toThrow(refusal)
    expect(() => signer.cookies(url, { expiresAt, ...more })).toThrow(refusal)
  }
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
  ['https://cdn.x.com/a', { expiresAt: new Date('2040-01-01') }],
  ['https://cdn.x.com/a', { expiresAt: new Date(-1000) }],
  ['https://cdn.x.com/a', { expiresAt, ipAddress: '300.1.1.1' }],
  ['https://cdn.x.com/a', { expiresAt, ipAddress: '10.0.0.0/33' }],
  ['https://cdn.x.com/a', { expiresAt, ipAddress: '10.0.0.0/8/8' }],
])('%s with %j is refused', (url, limits) => {
  expect(() => signer.url(url, limits)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
})

describe('a storage on a CloudFront domain', () => {
  const NOW = new Date('2030-01-01T00:00:00Z')
  const inAnHour = new Date(NOW.getTime() + 3_600_000).toISOString()
  const official = { keyPairId: ID, privateKey: PEM }

  function storage(options: Input<S3Options> = {}, settings: Record<string, unknown> = {}, env = {}) {
    vi.useFakeTimers({ now: NOW, toFake: ['Date'] })
    const keys = { cloudfrontKeyId: ID, cloudfrontKey: PEM }
    const base = { bucketName: 'bkt', accessKey: 'AK', secretKey: 'SK', customDomain: 'cdn.x.com', ...keys }
    return new S3Storage({ ...base, ...options }, { settings, env })
  }

  afterEach(() => {
    vi.useRealTimers()
  })

  test('signs URLs that end, begin and are for an address as the official signer does', async () => {
    const files = storage({ location: 'loc' })
    const url = 'https://cdn.x.com/loc/a%20b.txt'
    const startsAt = new Date('2029-12-31T00:00:00Z')
    const ipAddress = '10.1.0.0/16'
    expect(parts(await files.url('a b.txt'))).toEqual(parts(getSignedUrl({ ...official, url, dateLessThan: inAnHour })))
    const custom = await files.url('a b.txt', { expiresInSecs: 60, startsAt, ipAddress })
    const dateLessThan = new Date(NOW.getTime() + 60_000).toISOString()
    const dateGreaterThan = startsAt.toISOString()
    expect(parts(custom)).toEqual(parts(getSignedUrl({ ...official, url, dateLessThan, dateGreaterThan, ipAddress })))
  })

  test('gives cookies for a file, and for all below a folder by a policy', async () => {
    const files = storage({ location: 'loc' })
    const url = 'https://cdn.x.com/loc/a.txt'
    expect(await files.signedCookies('a.txt')).toEqual(
      asText(getSignedCookies({ ...official, url, dateLessThan: inAnHour })),
    )
    const epoch = NOW.getTime() / 1000 + 60
    const policy = `{"Statement":[{"Resource":"https://cdn.x.com/loc/videos/*","Condition":{"DateLessThan":{"AWS:EpochTime":${epoch}}}}]}`
    const cookies = await files.signedCookies('videos/*', { expiresInSecs: 60 })
    expect(Object.keys(cookies)).toEqual(['CloudFront-Policy', 'CloudFront-Signature', 'CloudFront-Key-Pair-Id'])
    expect(cookies).toEqual(asText(getSignedCookies({ ...official, policy })))
    const limited = await files.signedCookies('a.txt', { startsAt: NOW, ipAddress: '10.0.0.1' })
    expect(limited).toEqual(
      asText(
        getSignedCookies({
          ...official,
          url,
          dateLessThan: inAnHour,
          dateGreaterThan: NOW.toISOString(),
          ipAddress: '10.0.0.1',
        }),
      ),
    )
  })

  test("signs a name with '*', '?' and quotes for that file only", async () => {
    const files = storage({ location: 'loc' })
    const url = 'https://cdn.x.com/loc/a%2A%3F%22/b'
    const policyOf = (text: string) =>
      Buffer.from(text.replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/'), 'base64').toString()
    const custom = parts(await files.url('a*?"/b', { startsAt: NOW }))
    expect(JSON.parse(policyOf(custom['Policy']!)).Statement[0].Resource).toBe(url)
    expect(await files.url('a*?"/b')).toContain(`${url}?Expires=`)
    const limited = await files.signedCookies('a*?"/b', { startsAt: NOW })
    expect(JSON.parse(policyOf(limited['CloudFront-Policy']!)).Statement[0].Resource).toBe(url)
    expect(await files.signedCookies('a*?"/b')).toHaveProperty('CloudFront-Expires')
    const folder = await files.signedCookies('a*/*')
    expect(JSON.parse(policyOf(folder['CloudFront-Policy']!)).Statement[0].Resource).toBe(
      'https://cdn.x.com/loc/a%2A/*',
    )
    expect(() => storage({ customDomain: 'cdn*.x.com' })).toThrow('AWS_S3_CUSTOM_DOMAIN')
  })

  test.each([0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 400_000_000, '60' as never])(
    'refuses a life of %s seconds',
    async expiresInSecs => {
      const refusal = { code: 'invalid_argument', message: expect.stringContaining('expiresInSecs') }
      await expect(storage().url('a', { expiresInSecs })).rejects.toMatchObject(refusal)
      await expect(storage().signedCookies('a', { expiresInSecs })).rejects.toMatchObject(refusal)
    },
  )

  test('leaves a life alone that nothing is signed for', async () => {
    const plain = { cloudfrontKeyId: null, cloudfrontKey: null, querystringExpire: 400_000_000 }
    expect(await storage(plain).url('a')).toBe('https://cdn.x.com/a')
    expect(await storage({ querystringAuth: false }).url('a', { expiresInSecs: 0.5 })).toBe('https://cdn.x.com/a')
  })

  test('takes the key as bytes, from the settings, and with written-out line ends from the environment', async () => {
    const none = { cloudfrontKeyId: undefined, cloudfrontKey: undefined }
    const wanted = await storage().url('a')
    expect(await storage({ cloudfrontKey: Buffer.from(PEM) as never }).url('a')).toBe(wanted)
    const settings = { AWS_CLOUDFRONT_KEY_ID: ID, AWS_CLOUDFRONT_KEY: PEM }
    expect(await storage(none, settings).url('a')).toBe(wanted)
    const env = { ...settings, AWS_CLOUDFRONT_KEY: PEM.replaceAll('\n', '\\n') }
    expect(await storage(none, {}, env).url('a')).toBe(wanted)
    const other = { ...none, cloudfrontSigner: signer }
    expect(await storage(other).url('a')).toBe(wanted)
  })

  test('keeps parameters and response headers inside what is signed', async () => {
    const url = await storage().url('a', { contentDisposition: 'attachment', parameters: { v: 1, VersionId: 'x' } })
    expect(url).toContain('https://cdn.x.com/a?response-content-disposition=attachment&v=1&versionId=x&Expires=')
    const { Signature, ...rest } = parts(url)
    const plain = url.slice(0, url.indexOf('&Expires='))
    expect(Signature).toBe(parts(getSignedUrl({ ...official, url: plain, dateLessThan: inAnHour }))['Signature'])
    expect(rest['Key-Pair-Id']).toBe(ID)
  })

  test('refuses what it could not sign instead of leaving it out', async () => {
    const startsAt = NOW
    const plain = { cloudfrontKeyId: null, cloudfrontKey: null }
    await expect(storage(plain).url('a', { startsAt })).rejects.toMatchObject({ code: 'unsupported' })
    await expect(storage({ querystringAuth: false }).url('a', { startsAt })).rejects.toMatchObject({
      code: 'unsupported',
    })
    await expect(storage({ customDomain: null }).url('a', { ipAddress: '10.0.0.1' })).rejects.toMatchObject({
      code: 'unsupported',
    })
    await expect(storage(plain).signedCookies('a')).rejects.toThrow('AWS_CLOUDFRONT_KEY_ID')
    await expect(storage({ customDomain: null }).signedCookies('a')).rejects.toThrow('AWS_S3_CUSTOM_DOMAIN')
    const bad = storage({ cloudfrontKey: 'hunter2' })
    await expect(bad.url('a')).rejects.toMatchObject({ code: 'improperly_configured' })
    await expect(bad.url('a')).rejects.not.toThrow('hunter2')
  })
})
