import { describe, expect, it } from 'vitest'
import { type Expiration, parseExpiration } from '../../../src/backends/gcs/expiration.ts'
import { GcsStorage } from '../../../src/backends/gcs/index.ts'
import { KEY_FILE } from './sample.ts'

const SETTINGS = {
  GS_BUCKET_NAME: 'bkt',
  GS_PROJECT_ID: 'a-project',
  GS_CREDENTIALS: KEY_FILE,
  GS_AUTO_CREATE_BUCKET: true,
  GS_AUTO_CREATE_ACL: 'project-private',
  GS_DEFAULT_ACL: 'public-read',
  GS_FILE_CHARSET: 'utf-8',
  GS_FILE_OVERWRITE: false,
  GS_MAX_MEMORY_SIZE: 0,
  GS_CACHE_CONTROL: 'max-age=60',
  GS_LOCATION: 'media',
  GS_EXPIRATION: { days: 1 },
  GS_CUSTOM_ENDPOINT: 'https://cdn.example.com',
  GS_QUERYSTRING_AUTH: false,
  GS_OBJECT_PARAMETERS: { cache_control: 'no-store', storage_class: 'NEARLINE' },
  GS_IS_GZIPPED: true,
  GZIP_CONTENT_TYPES: ['text/css'],
  GS_BLOB_CHUNK_SIZE: 1_048_576,
  GS_IAM_SIGN_BLOB: true,
  GS_SA_EMAIL: 'a@b.iam.gserviceaccount.com',
}

const make = (options: object, env: Record<string, string> = {}) => new GcsStorage(options, { settings: {}, env })

it('takes every setting of django-storages by its name', () => {
  const { options } = new GcsStorage({}, { settings: SETTINGS, env: {} })
  expect(options).toMatchObject({
    bucketName: 'bkt',
    projectId: 'a-project',
    credentials: KEY_FILE,
    autoCreateBucket: true,
    autoCreateAcl: 'projectPrivate',
    defaultAcl: 'publicRead',
    fileCharset: 'utf-8',
    fileOverwrite: false,
    maxMemorySize: 0,
    cacheControl: 'max-age=60',
    location: 'media',
    expiration: 86_400,
    customEndpoint: 'https://cdn.example.com',
    querystringAuth: false,
    gzip: true,
    gzipContentTypes: ['text/css'],
    blobChunkSize: 1_048_576,
    iamSignBlob: true,
    saEmail: 'a@b.iam.gserviceaccount.com',
  })
})

it('takes the options of django-storages by their names, and the environment', () => {
  const storage = make(
    { bucket_name: 'bkt', default_acl: 'publicRead', blob_chunk_size: 262_144, iam_sign_blob: true, sa_email: 'a@b.c' },
    { GS_EXPIRATION: '12h', GS_CREDENTIALS: JSON.stringify(KEY_FILE) },
  )
  expect(storage.options).toMatchObject({
    bucketName: 'bkt',
    defaultAcl: 'publicRead',
    blobChunkSize: 262_144,
    expiration: 43_200,
  })
})

it.each([
  [{ blobChunkSize: 300_000 }, 'multiple of 262144 bytes (256 KiB)'],
  [{ defaultAcl: 'everybody' }, 'publicRead'],
  [{ fileCharset: 'latin-1' }, 'expected utf-8'],
  [{ location: '/media' }, 'cannot begin with a leading slash'],
  [{ hmacKeyId: 'GOOG1E' }, 'GS_SECRET_ACCESS_KEY is missing'],
  [{ endpointUrl: 'ftp://host' }, 'GS_ENDPOINT_URL'],
  [{ customEndpoint: 'https://user:pw@host' }, 'GS_CUSTOM_ENDPOINT'],
  [{ objectParameters: { colour: 'red' } }, "'colour' is not a parameter"],
  [{ expiration: 'soon' }, 'expected seconds'],
  [{ fileOverwrit: true }, 'fileOverwrite'],
])('refuses %j by name', (options, message) => {
  expect(() => make({ bucketName: 'bkt', ...options })).toThrow(message)
})

it('shows no credentials', () => {
  const storage = make({
    bucketName: 'bkt',
    credentials: KEY_FILE,
    hmacKeyId: 'GOOG1E',
    hmacSecret: 'hmac-secret-text',
  })
  const { inspect } = process.getBuiltinModule('node:util')
  for (const text of [inspect(storage), JSON.stringify(storage)]) {
    expect(text).not.toContain('PRIVATE KEY')
    expect(text).not.toContain('hmac-secret-text')
  }
})

describe('expiration', () => {
  it.each<[unknown, Expiration]>([
    [3600, 3600],
    ['3600', 3600],
    [1.5, 2],
    ['1d', 86_400],
    ['12h 30m', 45_000],
    ['90 minutes', 5400],
    ['P1DT12H', 129_600],
    ['P2W', 1_209_600],
    ['PT1M', 60],
    ['2 hrs 5 mins 1 second', 7501],
    ['1week', 604_800],
    // Durations and instants of libraries show themselves in ISO 8601.
    [
      new (class Duration {
        toString = () => 'PT90S'
      })(),
      90,
    ],
    [
      new (class Instant {
        toString = () => '2099-01-02T03:04:05Z'
      })(),
      new Date('2099-01-02T03:04:05Z'),
    ],
    ['7 days, 0:00:00', 604_800],
    ['1 day, 0:00:00', 86_400],
    ['0:30:00', 1800],
    [{ days: 1 }, 86_400],
    [{ days: 1, hours: 2, milliseconds: 500 }, 93_601],
    [new Date(5e12), new Date(5e12)],
    ['2099-01-02T03:04:05Z', new Date('2099-01-02T03:04:05Z')],
    [4_102_444_800, new Date(4_102_444_800_000)],
  ])('%j is %s', (given, expected) => {
    expect(parseExpiration(given)).toEqual(expected)
  })

  it.each([
    0,
    -1,
    '',
    'soon',
    '1x',
    {},
    { years: 1 },
    { days: '1' },
    new Date(Number.NaN),
    null,
    true,
    '1d2',
    'P',
    'PT',
    'P1M',
    '1 month',
    '500ms',
    '1 dragon',
    '1 wink',
    '1 year',
    new Map(),
    '-1 day, 0:00:00',
    '1e3',
    '0x10',
    ' ',
  ])('%j is refused', given => {
    expect(() => parseExpiration(given)).toThrow('expected seconds')
  })
})

describe('advice', () => {
  it.each([
    [{ GS_DEFAULT_ACL: 'publicRead' }, {}, 'GS_QUERYSTRING_AUTH'],
    [{ GS_ACCESS_KEY_ID: 'a', GS_CREDENTIALS: 'b' }, {}, 'GS_CREDENTIALS'],
    [{ GS_ACCESS_KEY_ID: 'a', GS_IAM_SIGN_BLOB: true }, {}, 'GS_IAM_SIGN_BLOB'],
    [{}, { GS_ENDPOINT_URL: 'http://a', STORAGE_EMULATOR_HOST: 'b' }, 'STORAGE_EMULATOR_HOST'],
  ])('on %j and %j names %s', (settings, env, named) => {
    expect(GcsStorage.advice({ settings, env }).join('\n')).toContain(named)
  })

  it('says nothing of settings that are right', () => {
    expect(GcsStorage.advice({ settings: { GS_BUCKET_NAME: 'bkt' }, env: {} })).toEqual([])
  })
})
