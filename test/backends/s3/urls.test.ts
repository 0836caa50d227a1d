import { readFileSync } from 'node:fs'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import type { Input } from '../../../src/core/settings.ts'
import type { UrlOptions } from '../../../src/storage/types.ts'
import { plainContext } from '../../../src/testing/index.ts'

const KEYS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }

function storage(options: Input<S3Options>) {
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = KEYS
  return new S3Storage({ bucketName: 'bkt-x', accessKey, secretKey, ...options }, { settings: {}, env: {} })
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

interface BotoCase {
  readonly place: Input<S3Options>
  readonly token: string | null
  readonly key: string
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE'
  readonly parameters: Readonly<Record<string, string>>
  /** Seconds. */
  readonly expires: number
  readonly url: string
}

// boto3 was given the disposition in ASCII: it would send other characters as they are.
describe('URLs of version 2 equal those of boto3', () => {
  const fixture = readFileSync(new URL('fixtures/v2-urls.json', import.meta.url), 'utf8')
  const { cases, now } = JSON.parse(fixture) as { cases: BotoCase[]; now: number }

  test.each(cases)('$method of $key with $parameters at $place', async item => {
    vi.setSystemTime(now * 1000)
    const { place, token, key, method, parameters, expires, url } = item
    const files = storage({ ...place, securityToken: token, signatureVersion: 's3', querystringExpire: expires })
    const { ContentType: contentType, ...others } = parameters
    const given = contentType === undefined ? { parameters: others } : { contentType, parameters: others }
    expect(await files.url(key, { method, ...given })).toBe(url)
  })
})

describe('URLs of version 4 equal those of the official client', () => {
  const NOW = new Date('2024-02-29T12:34:56.789Z')
  const places: ReadonlyArray<readonly [string, Input<S3Options>, S3ClientConfig]> = [
    ['virtual', { regionName: 'eu-west-1' }, { region: 'eu-west-1' }],
    ['path', { regionName: 'eu-west-1', addressingStyle: 'path' }, { region: 'eu-west-1', forcePathStyle: true }],
    ['the global host', { regionName: 'us-east-1' }, { region: 'us-east-1', useGlobalEndpoint: true }],
    ['China', { regionName: 'cn-north-1' }, { region: 'cn-north-1' }],
    [
      'a Space in the path',
      { provider: 'digitalocean', regionName: 'nyc3' },
      { region: 'nyc3', endpoint: 'https://nyc3.digitaloceanspaces.com', forcePathStyle: true },
    ],
    [
      'a Space in the host',
      { endpointUrl: 'nyc3.digitaloceanspaces.com', regionName: 'nyc3', addressingStyle: 'virtual' },
      { region: 'nyc3', endpoint: 'https://nyc3.digitaloceanspaces.com' },
    ],
    [
      'a host with a port',
      { endpointUrl: 'http://127.0.0.1:9000' },
      { region: 'us-east-1', endpoint: 'http://127.0.0.1:9000', forcePathStyle: true },
    ],
  ]
  const names = ['a b/é&+?#%.txt', '~!*()\'":@,;=$[]', '🙂/日本 100%']
  const disposition = 'attachment; filename="é b.txt"'
  const encoded = `attachment; filename="_ b.txt"; filename*=UTF-8''%C3%A9%20b.txt`
  const requests: ReadonlyArray<readonly [string, UrlOptions, (target: { Bucket: string; Key: string }) => object]> = [
    ['GET', {}, target => new GetObjectCommand(target)],
    [
      'GET',
      { contentDisposition: disposition, contentType: 'text/html', cacheControl: 'no-store', contentLanguage: 'de' },
      target =>
        new GetObjectCommand({
          ...target,
          ResponseContentDisposition: encoded,
          ResponseContentType: 'text/html',
          ResponseCacheControl: 'no-store',
          ResponseContentLanguage: 'de',
        }),
    ],
    [
      'GET',
      { contentEncoding: 'identity', parameters: { VersionId: 'v.1_-', PartNumber: 2 } },
      target =>
        new GetObjectCommand({ ...target, VersionId: 'v.1_-', PartNumber: 2, ResponseContentEncoding: 'identity' }),
    ],
    ['HEAD', { method: 'HEAD' }, target => new HeadObjectCommand(target)],
    ['DELETE', { method: 'DELETE' }, target => new DeleteObjectCommand(target)],
    ['PUT', { method: 'PUT' }, target => new PutObjectCommand(target)],
    [
      'PUT',
      { method: 'PUT', contentType: 'text/plain; charset=utf-8' },
      target => new PutObjectCommand({ ...target, ContentType: 'text/plain; charset=utf-8' }),
    ],
    [
      'PUT',
      {
        method: 'PUT',
        contentDisposition: 'inline',
        cacheControl: 'max-age=1',
        parameters: { ACL: 'public-read', ServerSideEncryption: 'AES256', StorageClass: 'STANDARD_IA' },
      },
      target =>
        new PutObjectCommand({
          ...target,
          ContentDisposition: 'inline',
          CacheControl: 'max-age=1',
          ACL: 'public-read',
          ServerSideEncryption: 'AES256',
          StorageClass: 'STANDARD_IA',
        }),
    ],
  ]
  const NAMED = { GET: 'GetObject', HEAD: 'HeadObject', DELETE: 'DeleteObject', PUT: 'PutObject' } as const

  describe.each(places)('at %s', (_, place, config) => {
    test.each(requests)('%s with %j', async (method, options, commandFor) => {
      vi.setSystemTime(NOW)
      for (const [round, Key] of names.entries()) {
        const sessionToken = round === 1 ? 'token+/=' : undefined
        const expiresIn = [77, 3600, 604_800][round]!
        const client = new S3Client({
          ...config,
          credentials: { ...KEYS, ...(sessionToken ? { sessionToken } : {}) },
          requestChecksumCalculation: 'WHEN_REQUIRED',
          responseChecksumValidation: 'WHEN_REQUIRED',
        })
        // The official client makes up a type for uploads that have none.
        const bindsType = method === 'PUT' && options.contentType !== undefined
        const theirs = await getSignedUrl(client, commandFor({ Bucket: 'bkt-x', Key }) as GetObjectCommand, {
          expiresIn,
          signingDate: NOW,
          ...(bindsType ? { signableHeaders: new Set(['content-type']) } : {}),
        })
        const named = new URL(theirs).searchParams.has('x-id') ? { 'x-id': NAMED[method as keyof typeof NAMED] } : {}
        const files = storage({ ...place, securityToken: sessionToken ?? null })
        const parameters = { ...options.parameters, ...named }
        expect(await files.url(Key, { ...options, expiresInSecs: expiresIn, parameters })).toBe(theirs)
        client.destroy()
      }
    })
  })
})

describe('a URL is not signed', () => {
  test.each(['get', 'POST', 'GET\n', '', 'PATCH', null, 1])('for the method %j', async method => {
    const given = { method: method as never }
    const refusal = { code: 'invalid_argument', message: expect.stringContaining('method') }
    for (const options of [{}, { querystringAuth: false }, { customDomain: 'cdn.x.com' }, { readOnly: true }]) {
      await expect(storage(options).url('a', given)).rejects.toMatchObject(refusal)
    }
    const { driver } = storage({}).calls
    await expect(driver.signUrl!('a', { ...given, expiresInSecs: 60 }, plainContext())).rejects.toMatchObject(refusal)
  })

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '60' as never])(
    'for %j seconds',
    async expiresInSecs => {
      for (const signatureVersion of ['s3v4', 's3'] as const) {
        await expect(storage({ signatureVersion }).url('a', { expiresInSecs })).rejects.toMatchObject({
          code: 'invalid_argument',
          message: expect.stringContaining('expiresInSecs'),
        })
      }
    },
  )

  test('with a parameter that is none of S3, whatever objects call so', async () => {
    await expect(storage({}).url('a', { parameters: { Constructor: 1 } })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    expect(await storage({}).url('a', { parameters: { constructor: 1 } })).toContain('constructor=1')
  })
})
