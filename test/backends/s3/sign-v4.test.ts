import { HttpRequest } from '@smithy/core/protocols'
import { SignatureV4 } from '@smithy/signature-v4'
import { expect, test } from 'vitest'
import { encodeComponent, encodeKey } from '../../../src/remote/sign/encode.ts'
import { encodeQuery } from '../../../src/remote/sign/query.ts'
import { EMPTY_PAYLOAD_HASH, signV4 } from '../../../src/remote/sign/v4.ts'
import { seeded } from '../../oracles/seeded.ts'
import { Sha256 } from '../../oracles/sha256.ts'
import { sample } from './sample.ts'

const KEYS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }
const SCOPE = { region: 'us-east-1', now: new Date('2013-05-24T00:00:00Z'), payloadHash: EMPTY_PAYLOAD_HASH }
const HOST = 'examplebucket.s3.amazonaws.com'

/** The examples of https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
test.each([
  [
    'an object with a range',
    { method: 'GET', path: '/test.txt', headers: { host: HOST, range: 'bytes=0-9' } },
    EMPTY_PAYLOAD_HASH,
    'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  ],
  [
    'a bucket parameter',
    { method: 'GET', path: '/', query: 'lifecycle', headers: { host: HOST } },
    EMPTY_PAYLOAD_HASH,
    'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  ],
  [
    'a list, parameters out of order',
    {
      method: 'GET',
      path: '/',
      query: [['prefix', 'J'] as const, ['max-keys', '2'] as const],
      headers: { Host: HOST },
    },
    EMPTY_PAYLOAD_HASH,
    '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  ],
])('signs %s as in the documentation', (_, request, payloadHash, signature) => {
  const headers = signV4(request, KEYS, { ...SCOPE, payloadHash })
  expect(headers['authorization']).toMatch(
    /^AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE\/20130524\/us-east-1\/s3\/aws4_request, SignedHeaders=host;/,
  )
  expect(headers['authorization']!.split('Signature=')[1]).toBe(signature)
  expect(headers['x-amz-date']).toBe('20130524T000000Z')
})

test('signs 2,000 random requests like the official signer', async () => {
  const random = seeded(4)
  for (let round = 0; round < 2000; round++) {
    const { method, host, key, query, headers, region, now, payloadHash, ...credentials } = sample(random)
    const path = `/${encodeKey(key)}`
    const given = { ...headers, host }
    const ours = signV4({ method, path, query, headers: given }, credentials, { region, now, payloadHash })
    const signer = new SignatureV4({
      credentials: { ...credentials, sessionToken: credentials.sessionToken as string },
      region,
      service: 's3',
      sha256: Sha256 as never,
      uriEscapePath: false,
    })
    const request = new HttpRequest({
      method,
      hostname: host,
      path,
      query: Object.fromEntries(query),
      headers: { ...given, 'x-amz-content-sha256': payloadHash },
    })
    const theirs = await signer.sign(request, { signingDate: now })
    for (const name in ours) expect([round, name, ours[name]]).toEqual([round, name, theirs.headers[name]])
    const encoded = encodeQuery(query)
    expect(signV4({ method, path, query: encoded, headers: given }, credentials, { region, now, payloadHash })).toEqual(
      ours,
    )
  }
})

test('signs repeated parameters by value and adds only its own headers', () => {
  const headers = {
    host: HOST,
    authorization: 'old',
    'x-amz-date': 'old',
    'x-amz-security-token': 'old',
    gone: undefined,
  }
  const sign = (query: string) =>
    signV4({ method: 'GET', path: '/', query, headers }, { ...KEYS, sessionToken: 'new' }, SCOPE)
  const signed = sign('a=2&a=1&a-b')
  expect(signed).toEqual(sign('a-b=&a=1&a=2'))
  expect(signed).not.toEqual(sign('a-b=&a=1&a=3'))
  expect(Object.keys(signed)).toEqual(['x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token', 'authorization'])
  expect(signed['x-amz-security-token']).toBe('new')
})

test('keys of other days, regions, services and secrets are not mixed up', () => {
  const request = { method: 'GET', path: '/', headers: { host: HOST } }
  const first = signV4(request, KEYS, SCOPE)
  const others = [
    signV4(request, KEYS, { ...SCOPE, now: new Date('2013-05-25T00:00:00Z') }),
    signV4(request, KEYS, { ...SCOPE, region: 'eu-west-1' }),
    signV4(request, KEYS, { ...SCOPE, service: 's3-object-lambda' }),
    signV4(request, { ...KEYS, secretAccessKey: 'x' }, SCOPE),
  ]
  for (let day = 1; day <= 200; day++) signV4(request, KEYS, { ...SCOPE, now: new Date(day * 86_400_000) })
  const signatures = [first, ...others].map(headers => headers['authorization']!.split('Signature=')[1])
  expect(new Set(signatures).size).toBe(5)
  expect(signV4(request, KEYS, SCOPE)).toEqual(first)
})

test('a request without a host is refused', () => {
  expect(() => signV4({ method: 'GET', path: '/', headers: {} }, KEYS, SCOPE)).toThrow(
    expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining("'host'") }),
  )
})

test('keys are encoded but for unreserved characters and slashes', () => {
  expect(encodeKey('a b/é&+?#%.txt')).toBe('a%20b/%C3%A9%26%2B%3F%23%25.txt')
  expect(encodeKey("~-._!*'()/x")).toBe('~-._%21%2A%27%28%29/x')
  expect(encodeKey('plain/key.txt')).toBe('plain/key.txt')
  expect(encodeKey('\u{1f600}é\0\x7f')).toBe('%F0%9F%98%80%C3%A9%00%7F')
  expect(encodeComponent('a/b c')).toBe('a%2Fb%20c')
  expect(() => encodeKey('x\ud800y')).toThrow(expect.objectContaining({ code: 'suspicious_name' }))
  expect(() => encodeComponent('\udc00')).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
})
