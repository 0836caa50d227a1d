import { createHmac } from 'node:crypto'
import { expect, it } from 'vitest'
import { GOOG4, GOOG4_RSA } from '../../src/remote/sign/dialect.ts'
import { encodeKey } from '../../src/remote/sign/encode.ts'
import { postPolicy } from '../../src/remote/sign/post-policy.ts'
import { EMPTY_PAYLOAD_HASH, planPresign, presignV4, signV4 } from '../../src/remote/sign/v4.ts'

const KEYS = { accessKeyId: 'GOOG1EXAMPLE', secretAccessKey: 'secret' }
const NOW = new Date('2019-02-01T09:00:00Z')
const HOST = { host: 'storage.googleapis.com' }
const ACCOUNT = 'test-iam-credentials@dummy-project-id.iam.gserviceaccount.com'

/** What Google's libraries sign, from storage/v1/v4_signatures.json of googleapis/conformance-tests: hashes of canonical requests. */
it.each<
  [
    title: string,
    method: string,
    path: string,
    headers: Record<string, string>,
    secs: number,
    now: string,
    hash: string,
  ]
>([
  [
    'a GET',
    'GET',
    'test-bucket/test-object',
    {},
    10,
    '2019-02-01',
    '00e2fb794ea93d7adb703edaebdd509821fcc7d4f1a79ac5c8d2b394df109320',
  ],
  [
    'a PUT',
    'PUT',
    'test-bucket/test-object',
    {},
    10,
    '2019-02-01',
    '78742860705da91404222d5d66ff89850292471199c3c2808d116ad12e6177b4',
  ],
  [
    'the start of a resumable upload',
    'POST',
    'test-bucket/test-object',
    { 'X-Goog-Resumable': 'start' },
    10,
    '2019-02-01',
    '877f8b40179d2753296f2fd6de815ab40503c7a3c446a7b44aa4e74422ff4daf',
  ],
  [
    'another life and day',
    'GET',
    'test-bucket/test-object',
    {},
    20,
    '2019-03-01',
    '779f19fdb6fd381390e2d5af04947cf21750277ee3c20e0c97b7e46a1dff8907',
  ],
  [
    'slashes',
    'GET',
    'test-bucket/path/with/slashes/under_score/amper&sand/file.ext',
    { 'header/name/with/slash': 'should-be-encoded' },
    10,
    '2019-02-01',
    'f1d206dd8cbe1b892d4081ccddae0927d9f5fee5653fb2a2f43e7c20ed455cad',
  ],
  [
    'a leading slash',
    'GET',
    'test-bucket//path/with/slashes/under_score/amper&sand/file.ext',
    {},
    10,
    '2019-02-01',
    '63c601ecd6ccfec84f1113fc906609cbdf7651395f4300cecd96ddd2c35164f8',
  ],
  [
    'headers',
    'GET',
    'test-bucket/test-object',
    { BAR: 'BAR-value', foo: 'foo-value' },
    10,
    '2019-02-01',
    '59c1ac1a6ee7d773d5c4487ecc861d60b71c4871dd18fc7d8485fac09df1d296',
  ],
])('%s is to be signed as by the official libraries', (_title, method, key, headers, expiresInSecs, day, hash) => {
  const request = { method, path: `/${encodeKey(key)}`, headers: { ...HOST, ...headers } }
  const now = new Date(`${day}T09:00:00Z`)
  const { text, finish } = planPresign(
    request,
    { accessKeyId: ACCOUNT },
    { region: 'auto', now, expiresInSecs, dialect: GOOG4_RSA },
  )
  const compact = day.replaceAll('-', '')
  expect(text).toBe(`GOOG4-RSA-SHA256\n${compact}T090000Z\n${compact}/auto/storage/goog4_request\n${hash}`)
  const query = new URLSearchParams(finish('abc'))
  expect(query.get('X-Goog-Signature')).toBe('abc')
  expect(query.get('X-Goog-Credential')).toBe(`${ACCOUNT}/${compact}/auto/storage/goog4_request`)
  expect([...query.keys()].filter(name => /amz/i.test(name))).toEqual([])
})

/** The key that the documentation derives: HMACs of the day, the region, the service and `goog4_request`, begun with `GOOG4` and the secret. */
function signatureOf(text: string): string {
  let key: string | Buffer = `GOOG4${KEYS.secretAccessKey}`
  for (const part of ['20190201', 'auto', 'storage', 'goog4_request'])
    key = createHmac('sha256', key).update(part).digest()
  return createHmac('sha256', key).update(text).digest('hex')
}

it('an HMAC key signs URLs and headers by Google’s names, also after one of Amazon’s with the same secret', () => {
  const request = { method: 'GET', path: '/b/o', headers: HOST }
  const scope = { region: 'auto', now: NOW, service: 'storage' }
  const amazon = signV4(request, KEYS, { ...scope, payloadHash: EMPTY_PAYLOAD_HASH })
  const { text } = planPresign(request, KEYS, { ...scope, dialect: GOOG4, expiresInSecs: 60 })
  const query = new URLSearchParams(presignV4(request, KEYS, { ...scope, dialect: GOOG4, expiresInSecs: 60 }))
  expect(query.get('X-Goog-Signature')).toBe(signatureOf(text))
  expect(query.get('X-Goog-Algorithm')).toBe('GOOG4-HMAC-SHA256')
  const headers = signV4(request, KEYS, { ...scope, dialect: GOOG4, payloadHash: EMPTY_PAYLOAD_HASH })
  expect(Object.keys(headers).sort()).toEqual(['authorization', 'x-goog-content-sha256', 'x-goog-date'])
  expect(headers['authorization']).toMatch(
    /^GOOG4-HMAC-SHA256 Credential=GOOG1EXAMPLE\/20190201\/auto\/storage\/goog4_request, SignedHeaders=host;x-goog-content-sha256;x-goog-date, Signature=[0-9a-f]{64}$/,
  )
  expect(amazon['authorization']).toContain('aws4_request')
})

it('a form for Google has its fields in lower case, each a condition of the policy', () => {
  const options = {
    url: 'https://storage.googleapis.com/b/',
    bucket: 'b',
    key: 'k',
    expiresInSecs: 60,
    region: 'auto',
    now: NOW,
  }
  const { fields } = postPolicy(KEYS, { ...options, dialect: GOOG4 })
  const { 'x-goog-signature': signature, policy, ...signed } = fields
  expect(signed).toEqual({
    key: 'k',
    'x-goog-algorithm': 'GOOG4-HMAC-SHA256',
    'x-goog-credential': 'GOOG1EXAMPLE/20190201/auto/storage/goog4_request',
    'x-goog-date': '20190201T090000Z',
  })
  expect(signature).toBe(signatureOf(policy!))
  const { conditions } = JSON.parse(Buffer.from(policy!, 'base64').toString()) as { conditions: object[] }
  expect(Object.assign({}, ...conditions)).toEqual({ ...signed, bucket: 'b' })
})
