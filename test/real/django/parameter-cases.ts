import type { DjangoSettings } from './python.ts'
import { LARGE, type SaveCase } from './save-cases.ts'

function parameters(AWS_S3_OBJECT_PARAMETERS: DjangoSettings): DjangoSettings {
  return { AWS_S3_OBJECT_PARAMETERS }
}

/** A customer's key, as both take it. */
export const CUSTOMER_KEY = {
  SSECustomerAlgorithm: 'AES256',
  SSECustomerKey: '0123456789abcdef0123456789abcdef',
} as const

const PARAMETERS: readonly SaveCase[] = [
  {
    title: 'CacheControl',
    settings: parameters({ CacheControl: 'max-age=86400' }),
    expected: { cacheControl: 'max-age=86400' },
  },
  {
    title: 'ContentDisposition',
    settings: parameters({ ContentDisposition: 'attachment; filename="a b.txt"' }),
    expected: { disposition: 'attachment; filename="a b.txt"' },
  },
  {
    title: 'ContentLanguage and Expires',
    settings: parameters({ ContentLanguage: 'de', Expires: 'Thu, 15 Apr 2010 20:00:00 GMT' }),
    expected: { language: 'de', expires: 'Thu, 15 Apr 2010 20:00:00 GMT' },
  },
  { title: 'ContentType', settings: parameters({ ContentType: 'text/odd; a=b' }), expected: { type: 'text/odd; a=b' } },
  {
    title: 'ContentType of a name with an encoding',
    settings: parameters({ ContentType: 'text/odd' }),
    name: 'f.css.gz',
    differs: {
      why: 'upstream itself since 1.14: a guessed encoding goes with the guessed type only',
      django: { type: 'text/odd', encoding: 'gzip' },
      holdall: { type: 'text/odd', encoding: undefined },
    },
  },
  {
    title: 'Metadata',
    settings: parameters({ Metadata: { who: 'me', 'A-b': 'two  spaces, 100%' } }),
    expected: { metadata: { who: 'me', 'a-b': 'two  spaces, 100%' } },
  },
  {
    title: 'Metadata, version 2',
    settings: { AWS_S3_SIGNATURE_VERSION: 's3', ...parameters({ Metadata: { who: 'two  spaces, 100%' } }) },
    expected: { metadata: { who: 'two  spaces, 100%' } },
  },
  {
    title: 'Metadata beyond ASCII',
    settings: parameters({ Metadata: { who: 'Jürgen' } }),
    differs: {
      why: 'boto refuses it; we send what S3 itself answers with (RFC 2047)',
      django: { refused: 'invalid_argument', keys: [] },
      holdall: { metadata: { who: '=?UTF-8?B?SsO8cmdlbg==?=' } },
    },
  },
  {
    title: 'Tagging',
    settings: parameters({ Tagging: 'kind=photo&a%20b=%C3%BC' }),
    expected: { tags: ['a b=ü', 'kind=photo'] },
  },
  { title: 'StorageClass', settings: parameters({ StorageClass: 'STANDARD' }), expected: { storageClass: 'STANDARD' } },
  {
    title: 'a StorageClass unknown there',
    settings: parameters({ StorageClass: 'ODD' }),
    expected: { refused: 'InvalidArgument' },
  },
  {
    title: 'WebsiteRedirectLocation',
    settings: parameters({ WebsiteRedirectLocation: '/b' }),
    expected: { redirect: '/b' },
  },
  {
    title: 'an unknown parameter',
    settings: parameters({ Odd: 'x' }),
    differs: {
      why: 'what the settings fix is checked when the storage is made, and its error names the setting',
      django: { refused: 'invalid_argument' },
      holdall: { refused: 'improperly_configured' },
    },
  },
  {
    title: 'AWS_HEADERS',
    settings: { AWS_HEADERS: { 'Cache-Control': 'max-age=5' } },
    differs: {
      why: 'removed upstream with the boto backend; we still honour the setting of the manual',
      django: { cacheControl: undefined },
      holdall: { cacheControl: 'max-age=5' },
    },
  },
  {
    title: 'AWS_REDUCED_REDUNDANCY',
    settings: { AWS_REDUCED_REDUNDANCY: true },
    differs: {
      why: 'removed upstream in 1.10; we send the class, and this server has none of that name',
      django: { keys: ['a.txt'] },
      holdall: { refused: 'InvalidArgument', keys: [] },
    },
  },
]

const ENCRYPTION: readonly SaveCase[] = [
  { title: 'ServerSideEncryption AES256', settings: parameters({ ServerSideEncryption: 'AES256' }) },
  { title: 'AWS_S3_ENCRYPTION', settings: { AWS_S3_ENCRYPTION: true } },
  {
    title: 'SSE-KMS',
    settings: parameters({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'testkey' }),
    expected: { encryption: 'aws:kms', kmsKey: 'testkey' },
  },
  {
    title: 'SSE-KMS in parts',
    settings: parameters({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'testkey' }),
    content: LARGE,
    expected: { encryption: 'aws:kms', kmsKey: 'testkey' },
  },
  {
    title: 'SSE-KMS with an unknown key',
    settings: parameters({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'none' }),
    expected: { refused: 'InvalidAccessKeyId' },
  },
  {
    title: 'SSE-C',
    settings: parameters(CUSTOMER_KEY),
    expected: { customerAlgorithm: 'AES256' },
    read: {
      why: 'upstream sends the key with reads since 1.14 only',
      django: { refused: '400' },
      holdall: { read: 'content' },
    },
  },
  {
    title: 'SSE-C in parts',
    settings: parameters(CUSTOMER_KEY),
    content: LARGE,
    expected: { customerAlgorithm: 'AES256' },
    read: {
      why: 'upstream sends the key with reads since 1.14 only',
      django: { refused: '400' },
      holdall: { read: LARGE.toString('latin1') },
    },
  },
]

const LOCATIONS: readonly SaveCase[] = [
  { title: 'a location', settings: { AWS_LOCATION: 'media' }, expected: { returned: 'a.txt', keys: ['media/a.txt'] } },
  {
    title: 'a location with a slash and odd signs',
    settings: { AWS_LOCATION: 'some place/ü+/' },
    name: 'd/a b.txt',
    expected: { returned: 'd/a b.txt', keys: ['some place/ü+/d/a b.txt'] },
  },
  {
    title: 'a location that is no path',
    settings: { AWS_LOCATION: 'a//b/../c' },
    expected: { refused: 'suspicious_name' },
  },
  { title: 'an absolute location', settings: { AWS_LOCATION: '/x' }, expected: { refused: 'improperly_configured' } },
  {
    title: 'a name that leaves the location',
    settings: { AWS_LOCATION: 'x' },
    name: '../y.txt',
    expected: { refused: 'suspicious_name' },
  },
]

const CONNECTIONS: readonly SaveCase[] = [
  { title: 'version 2', settings: { AWS_S3_SIGNATURE_VERSION: 's3' }, name: 'a b+ü.txt' },
  { title: 'version 4', settings: { AWS_S3_SIGNATURE_VERSION: 's3v4' }, name: 'a b+ü.txt' },
  { title: 'path style', settings: { AWS_S3_ADDRESSING_STYLE: 'path' } },
  { title: 'another region', settings: { AWS_S3_REGION_NAME: 'eu-central-1' } },
  {
    title: 'a session profile beside keys',
    settings: { AWS_S3_SESSION_PROFILE: 'other', AWS_S3_ACCESS_KEY_ID: 'a', AWS_S3_SECRET_ACCESS_KEY: 'b' },
    differs: {
      why: 'ours names the options too',
      django: { refused: 'improperly_configured', keys: [] },
      holdall: { refused: 'improperly_configured', keys: [] },
    },
  },
  {
    title: 'a wrong secret',
    settings: { AWS_SECRET_ACCESS_KEY: 'wrong' },
    expected: { refused: 'SignatureDoesNotMatch' },
  },
  { title: 'an unknown key', settings: { AWS_ACCESS_KEY_ID: 'nobody' }, expected: { refused: 'InvalidAccessKeyId' } },
  {
    title: 'a missing bucket',
    settings: { AWS_STORAGE_BUCKET_NAME: 'missing' },
    expected: { refused: 'NoSuchBucket' },
  },
  { title: 'in parts', name: 'large.bin', content: LARGE, expected: { size: LARGE.length } },
]

/** The cases of object parameters, encryption, locations and connections. */
export const SETTING_CASES: readonly SaveCase[] = [...PARAMETERS, ...ENCRYPTION, ...LOCATIONS, ...CONNECTIONS]
