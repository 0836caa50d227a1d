import { expect, test } from 'vitest'
import { migrateBotoSettings } from '../../../src/backends/s3/boto/migration.ts'

const OLD = 'storages.backends.s3boto.S3BotoStorage'
const NEW = 'storages.backends.s3boto3.S3Boto3Storage'

class VHostCallingFormat {}

test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
  [
    'headers become parameters',
    { AWS_HEADERS: { 'cache-control': 'max-age=1', Expires: 'never', 'Content-Disposition': 'inline' } },
    { AWS_S3_OBJECT_PARAMETERS: { CacheControl: 'max-age=1', Expires: 'never', ContentDisposition: 'inline' } },
  ],
  [
    'headers of Amazon lose their prefix',
    {
      AWS_HEADERS: {
        'x-amz-acl': 'private',
        'x-amz-storage-class': 'STANDARD_IA',
        'X-Amz-Server-Side-Encryption': 'AES256',
        'x-amz-meta-a': '1',
        'x-amz-meta-B-c': '2',
      },
    },
    {
      AWS_S3_OBJECT_PARAMETERS: {
        ACL: 'private',
        StorageClass: 'STANDARD_IA',
        ServerSideEncryption: 'AES256',
        Metadata: { a: '1', 'B-c': '2' },
      },
    },
  ],
  [
    'headers in capitals, and those that S3 does not keep',
    { AWS_HEADERS: { 'CACHE-CONTROL': 'x', 'content-md5': 'y', 'X-Robots-Tag': 'z', 'x-amz-tagging': 'a=b' } },
    { AWS_S3_OBJECT_PARAMETERS: { CacheControl: 'x', Tagging: 'a=b' } },
  ],
  [
    'headers of encryption',
    { AWS_HEADERS: { 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': 'k' } },
    { AWS_S3_OBJECT_PARAMETERS: { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'k' } },
  ],
  [
    'parameters that are there win',
    { AWS_HEADERS: { 'cache-control': 'old', expires: 'x' }, AWS_S3_OBJECT_PARAMETERS: { CacheControl: 'new' } },
    { AWS_S3_OBJECT_PARAMETERS: { CacheControl: 'new', Expires: 'x' } },
  ],
  ['origin', { AWS_ORIGIN: 'ap-southeast-1' }, { AWS_S3_REGION_NAME: 'ap-southeast-1' }],
  ['origin EU of boto', { AWS_ORIGIN: 'EU' }, { AWS_S3_REGION_NAME: 'eu-west-1' }],
  ['empty origin', { AWS_ORIGIN: '' }, {}],
  [
    'a region that is there wins',
    { AWS_ORIGIN: 'a-b-1', AWS_S3_REGION_NAME: 'c-d-1' },
    { AWS_S3_REGION_NAME: 'c-d-1' },
  ],
  ['calling format', { AWS_S3_CALLING_FORMAT: 'VHostCallingFormat' }, { AWS_S3_ADDRESSING_STYLE: 'virtual' }],
  [
    'calling format by path',
    { AWS_S3_CALLING_FORMAT: 'boto.s3.connection.VHostCallingFormat' },
    { AWS_S3_ADDRESSING_STYLE: 'virtual' },
  ],
  ['calling format class', { AWS_S3_CALLING_FORMAT: VHostCallingFormat }, { AWS_S3_ADDRESSING_STYLE: 'virtual' }],
  [
    'calling format object',
    { AWS_S3_CALLING_FORMAT: new VHostCallingFormat() },
    { AWS_S3_ADDRESSING_STYLE: 'virtual' },
  ],
  ['ordinary format', { AWS_S3_CALLING_FORMAT: 'OrdinaryCallingFormat()' }, { AWS_S3_ADDRESSING_STYLE: 'path' }],
  ['boto’s default format', { AWS_S3_CALLING_FORMAT: 'SubdomainCallingFormat' }, {}],
  [
    'host and port',
    { AWS_S3_HOST: 'minio.example', AWS_S3_PORT: 9000 },
    { AWS_S3_ENDPOINT_URL: 'https://minio.example:9000' },
  ],
  [
    'host without TLS',
    { AWS_S3_HOST: 'minio.example', AWS_S3_USE_SSL: false },
    { AWS_S3_USE_SSL: false, AWS_S3_ENDPOINT_URL: 'http://minio.example' },
  ],
  ['host with a dash', { AWS_S3_HOST: 's3-eu-west-1.amazonaws.com' }, { AWS_S3_REGION_NAME: 'eu-west-1' }],
  ['host with a dot', { AWS_S3_HOST: 's3.us-gov-west-1.amazonaws.com' }, { AWS_S3_REGION_NAME: 'us-gov-west-1' }],
  ['host in China', { AWS_S3_HOST: 's3.cn-north-1.amazonaws.com.cn' }, { AWS_S3_REGION_NAME: 'cn-north-1' }],
  ['dual-stack host', { AWS_S3_HOST: 's3.dualstack.eu-west-1.amazonaws.com' }, { AWS_S3_REGION_NAME: 'eu-west-1' }],
  [
    'FIPS host',
    { AWS_S3_HOST: 's3-fips-us-gov-west-1.amazonaws.com' },
    { AWS_S3_ENDPOINT_URL: 'https://s3-fips-us-gov-west-1.amazonaws.com' },
  ],
  ['global host', { AWS_S3_HOST: 's3.amazonaws.com' }, {}],
  [
    'region host with a port',
    { AWS_S3_HOST: 's3-eu-west-1.amazonaws.com', AWS_S3_PORT: 443 },
    { AWS_S3_REGION_NAME: 'eu-west-1', AWS_S3_ENDPOINT_URL: 'https://s3-eu-west-1.amazonaws.com:443' },
  ],
  [
    'proxy',
    { AWS_S3_PROXY_HOST: 'proxy.example', AWS_S3_PROXY_PORT: 3128 },
    { AWS_S3_PROXIES: { http: 'proxy.example:3128', https: 'proxy.example:3128' } },
  ],
  [
    'proxy port as the manual writes it',
    { AWS_S3_PROXY_HOST: 'p', AWS_S3_PROXY_PORTY: '1' },
    { AWS_S3_PROXIES: { http: 'p:1', https: 'p:1' } },
  ],
  ['version 4', { S3_USE_SIGV4: true }, {}],
  ['version 4 off', { S3_USE_SIGV4: false }, {}],
  [
    'storage classes',
    { DEFAULT_FILE_STORAGE: OLD, STATICFILES_STORAGE: OLD },
    { DEFAULT_FILE_STORAGE: NEW, STATICFILES_STORAGE: NEW },
  ],
  [
    'storage entries',
    {
      STORAGES: {
        default: { BACKEND: OLD, OPTIONS: { a: 1 } },
        staticfiles: { BACKEND: 'x' },
        other: { backend: OLD },
      },
    },
    {
      STORAGES: {
        default: { BACKEND: NEW, OPTIONS: { a: 1 } },
        staticfiles: { BACKEND: 'x' },
        other: { backend: NEW },
      },
    },
  ],
])('%s', (_, old, wanted) => {
  const before = structuredClone(Object.keys(old))
  const frozen = deepFreeze({ ...old, AWS_STORAGE_BUCKET_NAME: 'bkt' })
  const { settings, notes } = migrateBotoSettings(frozen)
  expect(settings).toEqual({ ...wanted, AWS_STORAGE_BUCKET_NAME: 'bkt' })
  expect(Object.keys(frozen)).toEqual([...before, 'AWS_STORAGE_BUCKET_NAME'])
  expect(notes.length).toBeGreaterThan(0)
  for (const note of notes)
    expect(note).toEqual({ ...note, rule: expect.any(String), message: expect.stringMatching(/\.$/) })
  expect(migrateBotoSettings(settings)).toEqual({ settings, notes: [] })
})

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze)
  return value
}

test('notes say what became what', () => {
  const { notes } = migrateBotoSettings({
    AWS_HEADERS: { 'cache-control': 'secret-value' },
    AWS_ORIGIN: 'eu-west-1',
    AWS_S3_CALLING_FORMAT: 'VHostCallingFormat',
    AWS_S3_HOST: 'h',
    AWS_S3_PORT: 1,
    AWS_S3_PROXY_HOST: 'user:secret-value@p',
    S3_USE_SIGV4: true,
    DEFAULT_FILE_STORAGE: OLD,
  })
  expect(notes.map(({ rule, from, to }) => [rule, from, to])).toEqual([
    ['object-parameters', 'AWS_HEADERS', 'AWS_S3_OBJECT_PARAMETERS'],
    ['region', 'AWS_ORIGIN', 'AWS_S3_REGION_NAME'],
    ['addressing-style', 'AWS_S3_CALLING_FORMAT', 'AWS_S3_ADDRESSING_STYLE'],
    ['endpoint', 'AWS_S3_HOST, AWS_S3_PORT', 'AWS_S3_ENDPOINT_URL'],
    ['proxies', 'AWS_S3_PROXY_HOST', 'AWS_S3_PROXIES'],
    ['signature', 'S3_USE_SIGV4', null],
    ['storage-class', 'DEFAULT_FILE_STORAGE', 'DEFAULT_FILE_STORAGE'],
  ])
  expect(JSON.stringify(notes)).not.toContain('secret-value')
})

test('a header that S3 does not keep is dropped by name', () => {
  const { notes } = migrateBotoSettings({ AWS_HEADERS: { 'X-Robots-Tag': 'secret-value', Expires: 'never' } })
  expect(notes.slice(0, 2)).toEqual([
    {
      rule: 'object-parameters',
      from: 'AWS_HEADERS',
      to: null,
      message: "S3 does not keep the header 'X-Robots-Tag': it was dropped.",
    },
    {
      rule: 'object-parameters',
      from: 'AWS_HEADERS',
      to: 'AWS_S3_OBJECT_PARAMETERS',
      message: 'Headers became parameters: Expires.',
    },
  ])
})

test('stored version 2 URLs keep version 2 where wanted', () => {
  const kept = migrateBotoSettings({ DEFAULT_FILE_STORAGE: OLD }, { keepV2Urls: true })
  expect(kept.settings).toEqual({ DEFAULT_FILE_STORAGE: NEW, AWS_S3_SIGNATURE_VERSION: 's3' })
  const advised = migrateBotoSettings({ DEFAULT_FILE_STORAGE: OLD })
  expect(advised.notes[0]).toMatchObject({ rule: 'signature', to: null, message: expect.stringContaining("to 's3'") })
  const chosen = migrateBotoSettings(
    { DEFAULT_FILE_STORAGE: OLD, AWS_S3_SIGNATURE_VERSION: 's3v4' },
    { keepV2Urls: true },
  )
  expect(chosen.settings['AWS_S3_SIGNATURE_VERSION']).toBe('s3v4')
  expect(migrateBotoSettings({ DEFAULT_FILE_STORAGE: NEW }, { keepV2Urls: true }).notes).toEqual([])
})

test('a setting that was there already is kept and said so', () => {
  const { settings, notes } = migrateBotoSettings({ AWS_S3_HOST: 'old', AWS_S3_ENDPOINT_URL: 'https://new' })
  expect(settings).toEqual({ AWS_S3_ENDPOINT_URL: 'https://new' })
  expect(notes[0]!.message).toBe('AWS_S3_ENDPOINT_URL was already set and was kept.')
})
