import { createVerify, generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { S3StaticStorage, S3Storage } from '../../../src/backends/s3/index.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import { SpacesStorage } from '../../../src/backends/spaces/index.ts'
import type { Input } from '../../../src/core/settings.ts'

const KEYS = { accessKey: 'AK', secretKey: 'SK', bucketName: 'bkt' }

function storage(
  options: Input<S3Options> = {},
  settings: Record<string, unknown> = {},
  env: Record<string, string> = {},
) {
  return new S3Storage({ ...KEYS, ...options }, { settings, env })
}

const thrown = (make: () => unknown): { code: string; message: string } => {
  try {
    make()
  } catch (error) {
    return error as { code: string; message: string }
  }
  throw new Error('nothing was thrown')
}

describe('options', () => {
  test('a location with a leading slash is refused at construction', () => {
    expect(thrown(() => storage({ location: '/x' }))).toMatchObject({
      code: 'improperly_configured',
      message: "S3Storage.location cannot begin with a leading slash. Found '/x'. Use 'x' instead.",
    })
    expect(thrown(() => storage({}, { AWS_LOCATION: '/a/b' })).message).toContain("Use 'a/b' instead.")
  })

  test('an unknown option is named', () => {
    const error = thrown(() => new S3Storage({ foo: 1 } as never, { settings: {}, env: {} }))
    expect(error).toMatchObject({ code: 'improperly_configured', message: "Invalid setting 'foo' for S3Storage" })
    const message = (key: string) => thrown(() => storage({ [key]: 'x' } as never)).message
    expect(message('region')).toBe("Invalid setting 'region' for S3Storage (did you mean 'regionName'?)")
    expect(message('AWS_STORAGE_BUCKET_NAME')).toMatch(/ \(did you mean 'bucketName'\?\)$/)
  })

  test('what Django has as None is the default', () => {
    const none = { AWS_S3_PROXIES: null, AWS_S3_SIGNATURE_VERSION: null, AWS_S3_CLIENT_CONFIG: null }
    expect(storage({}, none).options).toMatchObject({ proxies: {}, signatureVersion: 's3v4', clientConfig: {} })
    expect(storage({}, { AWS_S3_PROXIES: 'None' }).options.proxies).toEqual({})
    expect(() => storage({}, { AWS_S3_PROXIES: 5 })).toThrow('proxies (AWS_S3_PROXIES): expected an object')
  })

  test('option, then settings, then environment, and the S3 name first', () => {
    const env = { AWS_ACCESS_KEY_ID: 'env2', AWS_S3_ACCESS_KEY_ID: 'env1', AWS_SECRET_ACCESS_KEY: 's' }
    const of = (options: Input<S3Options>, settings: Record<string, unknown> = {}) =>
      new S3Storage(options, { settings, env }).options.accessKey
    expect(of({})).toBe('env1')
    expect(of({}, { AWS_ACCESS_KEY_ID: 'set2' })).toBe('set2')
    expect(of({}, { AWS_ACCESS_KEY_ID: 'set2', AWS_S3_ACCESS_KEY_ID: 'set1' })).toBe('set1')
    expect(of({ accessKey: 'own' }, { AWS_S3_ACCESS_KEY_ID: 'set1' })).toBe('own')
  })

  test.each<[string, keyof S3Options, unknown, unknown?]>([
    ['AWS_STORAGE_BUCKET_NAME', 'bucketName', 'b'],
    ['AWS_DEFAULT_ACL', 'defaultAcl', 'public-read'],
    ['AWS_BUCKET_ACL', 'bucketAcl', 'public-read'],
    ['AWS_AUTO_CREATE_BUCKET', 'autoCreateBucket', true],
    ['AWS_HEADERS', 'headers', { Expires: 'x' }],
    ['AWS_S3_OBJECT_PARAMETERS', 'objectParameters', { CacheControl: 'x' }],
    ['AWS_QUERYSTRING_AUTH', 'querystringAuth', false],
    ['AWS_S3_MAX_MEMORY_SIZE', 'maxMemorySize', 5],
    ['AWS_QUERYSTRING_EXPIRE', 'querystringExpire', 5],
    ['AWS_S3_ENCRYPTION', 'encryption', true],
    ['AWS_S3_FILE_OVERWRITE', 'fileOverwrite', false],
    ['AWS_S3_HOST', 'host', 'h'],
    ['AWS_S3_PORT', 'port', 80],
    ['AWS_LOCATION', 'location', 'l'],
    ['AWS_IS_GZIPPED', 'gzip', true],
    ['GZIP_CONTENT_TYPES', 'gzipContentTypes', ['text/css'], 'text/css'],
    ['AWS_S3_REGION_NAME', 'regionName', 'r'],
    ['AWS_S3_USE_SSL', 'useSsl', false],
    ['AWS_S3_VERIFY', 'verify', false],
    ['AWS_S3_ENDPOINT_URL', 'endpointUrl', 'https://e'],
    ['AWS_S3_ADDRESSING_STYLE', 'addressingStyle', 'path'],
    ['AWS_S3_PROXIES', 'proxies', { http: 'p:1' }],
    ['AWS_S3_PROXY_HOST', 'proxyHost', 'p'],
    ['AWS_S3_PROXY_PORT', 'proxyPort', 1],
    ['AWS_S3_CALLING_FORMAT', 'callingFormat', 'VHostCallingFormat'],
    ['AWS_S3_SIGNATURE_VERSION', 'signatureVersion', 's3'],
    ['AWS_S3_CUSTOM_DOMAIN', 'customDomain', 'd'],
    ['AWS_S3_URL_PROTOCOL', 'urlProtocol', 'http:'],
    ['AWS_ORIGIN', 'origin', 'EU'],
    ['AWS_REDUCED_REDUNDANCY', 'reducedRedundancy', true],
    ['AWS_S3_FILE_BUFFER_SIZE', 'partSize', 6_000_000],
    ['AWS_S3_PROVIDER', 'provider', 'r2'],
    ['AWS_S3_ACCOUNT_ID', 'accountId', 'a'],
    ['AWS_S3_TRANSFER_CONFIG', 'transferConfig', { max_concurrency: 2 }],
    ['AWS_S3_CLIENT_CONFIG', 'clientConfig', { max_pool_connections: 2 }],
    ['AWS_S3_USE_THREADS', 'useThreads', false],
    ['AWS_S3_SECURE_URLS', 'secureUrls', true],
  ])('%s is the option %s, in the settings and as text in the environment', (name, option, value, text) => {
    expect(storage({ bucketName: undefined }, { [name]: value }).options[option]).toEqual(value)
    const written = text ?? (typeof value === 'object' ? JSON.stringify(value) : String(value))
    expect(storage({ bucketName: undefined }, {}, { [name]: written as string }).options[option]).toEqual(value)
    const snake = option.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
    expect(storage({ [snake]: value } as Input<S3Options>).options[option]).toEqual(value)
  })

  test('a profile and keys exclude each other, and so do half a CloudFront key and nothing', () => {
    expect(thrown(() => storage({ sessionProfile: 'work' })).message).toContain('AWS_S3_SESSION_PROFILE')
    const half = thrown(() => storage({ cloudfrontKeyId: 'K1' }))
    expect(half.code).toBe('improperly_configured')
    expect(half.message).toContain('must be provided together.')
  })

  test('a profile wins over keys of the environment', () => {
    const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: 't' }
    const { options, origins } = new S3Storage({}, { settings: { AWS_S3_SESSION_PROFILE: 'work' }, env })
    expect(options).toMatchObject({ sessionProfile: 'work', accessKey: null, secretKey: null, securityToken: null })
    expect(origins.accessKey).toEqual({ from: 'default', key: 'accessKey' })
  })

  test('the defaults are the safe ones of today and those of the manual', () => {
    expect(new S3Storage({}, { settings: {}, env: {} }).options).toMatchObject({
      defaultAcl: null,
      bucketAcl: null,
      autoCreateBucket: false,
      querystringAuth: true,
      querystringExpire: 3600,
      maxMemorySize: 8_388_608,
      fileOverwrite: true,
      gzip: false,
      useSsl: true,
      verify: null,
      signatureVersion: 's3v4',
      location: '',
      urlProtocol: 'https:',
      gzipContentTypes: [
        'text/css',
        'text/javascript',
        'application/javascript',
        'application/x-javascript',
        'image/svg+xml',
      ],
    })
  })

  test('secrets are not printed', () => {
    const shown = JSON.stringify(storage({ securityToken: 'hidden-token', secretKey: 'hidden-key' }))
    expect(shown).not.toContain('hidden')
  })

  test('an unknown object parameter is named: of a map at construction, of a function when it gives it', async () => {
    expect(thrown(() => storage({ objectParameters: { CacheContrl: 'x' } }))).toMatchObject({
      code: 'improperly_configured',
      message: "objectParameters: 'CacheContrl' is not a parameter of an S3 upload.",
    })
    const failure = await storage({ objectParameters: () => ({ CacheContrl: 'x' }) })
      .save('a.txt', 'x')
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'invalid_argument', message: expect.stringContaining("'CacheContrl'") })
  })
})

describe('url', () => {
  test.each([
    ['', '/'],
    ['path', '/path'],
    ['path/', '/path/'],
    ['path/1/', '/path/1/'],
    ['ãlöhâ.jpg', '/%C3%A3l%C3%B6h%C3%A2.jpg'],
  ])('of %o on a custom domain', async (name, path) => {
    expect(await storage({ customDomain: 'example.com' }).url(name)).toBe(`https://example.com${path}`)
  })

  test('on a custom domain has a query as Python writes it', async () => {
    const url = await storage({ customDomain: 'example.com' }).url('a', { parameters: { q: "a b/é+~*'" } })
    expect(url).toBe('https://example.com/a?q=a+b%2F%C3%A9%2B~%2A%27')
  })

  test('on a custom domain takes parameters and another protocol', async () => {
    const domain = storage({ customDomain: 'example.com', urlProtocol: 'http:' })
    expect(await domain.url('filename.mp4', { parameters: { version: 10 } })).toBe(
      'http://example.com/filename.mp4?version=10',
    )
  })

  test('on a custom domain carries response headers and parameters of any name', async () => {
    const url = await storage({ customDomain: 'cdn.example.com/media/' }).url('a b.txt', {
      contentDisposition: 'attachment; filename="ü b.txt"',
      parameters: { Width: 100, VersionId: 'v' },
    })
    expect(url).toBe(
      'https://cdn.example.com/media/a%20b.txt?response-content-disposition=attachment%3B+filename%3D%22_+b.txt%22%3B+filename%2A%3DUTF-8%27%27%25C3%25BC%2520b.txt&Width=100&versionId=v',
    )
  })

  test.each(['https://cdn.example.com', '//cdn.example.com', 'cdn.example.com/?a=1', 'user@cdn.example.com', 'c d'])(
    'the custom domain %o is refused at construction',
    customDomain => {
      expect(thrown(() => storage({ customDomain }))).toMatchObject({
        code: 'improperly_configured',
        message: expect.stringContaining('AWS_S3_CUSTOM_DOMAIN/custom_domain must be a host without a scheme'),
      })
    },
  )

  test('uploads and deletes go to the service, whatever the custom domain', async () => {
    const files = storage({ customDomain: 'cdn.example.com', querystringAuth: false })
    for (const method of ['PUT', 'DELETE'] as const) {
      expect(await files.url('a', { method })).toMatch(/^https:\/\/bkt\.s3\.amazonaws\.com\/a\?X-Amz-/)
    }
    expect(await files.url('a', { method: 'HEAD' })).toBe('https://cdn.example.com/a')
  })

  test.each<[Input<S3Options>, string]>([
    [{ regionName: 'eu-west-1', addressingStyle: 'virtual' }, 'https://bkt.s3.eu-west-1.amazonaws.com/a.txt'],
    [{ regionName: 'eu-west-1', addressingStyle: 'path' }, 'https://s3.eu-west-1.amazonaws.com/bkt/a.txt'],
    [{ regionName: 'eu-west-1', bucketName: 'my.bkt' }, 'https://s3.eu-west-1.amazonaws.com/my.bkt/a.txt'],
    [{ endpointUrl: 'nyc3.digitaloceanspaces.com' }, 'https://nyc3.digitaloceanspaces.com/bkt/a.txt'],
    [{ useSsl: false }, 'http://bkt.s3.amazonaws.com/a.txt'],
    [{ provider: 'wasabi', regionName: 'eu-central-1' }, 'https://s3.eu-central-1.wasabisys.com/bkt/a.txt'],
    [{ provider: 'r2', accountId: 'acc' }, 'https://acc.r2.cloudflarestorage.com/bkt/a.txt'],
    [{ host: 's3-eu-west-1.amazonaws.com' }, 'https://bkt.s3.eu-west-1.amazonaws.com/a.txt'],
    [{ callingFormat: 'OrdinaryCallingFormat', origin: 'EU' }, 'https://s3.eu-west-1.amazonaws.com/bkt/a.txt'],
  ])('without a signature: %o', async (options, url) => {
    expect(await storage({ ...options, querystringAuth: false }).url('a.txt')).toBe(url)
  })

  test('without a signature keeps the version and encodes parameters as S3 does', async () => {
    const parameters = { VersionId: 'v +1' }
    const url = await storage({ querystringAuth: false }).url('a', { parameters, contentType: 'text/plain' })
    expect(url).toBe('https://bkt.s3.amazonaws.com/a?response-content-type=text%2Fplain&versionId=v%20%2B1')
  })

  test('of version 4 by default, with the life of the settings or of the call', async () => {
    const url = new URL(await storage({ querystringExpire: 60 }).url('a b.txt'))
    expect(url.pathname).toBe('/a%20b.txt')
    expect(url.searchParams.get('X-Amz-Algorithm')).toBe('AWS4-HMAC-SHA256')
    expect(url.searchParams.get('X-Amz-Expires')).toBe('60')
    const other = new URL(await storage().url('a', { expiresInSecs: 7 }))
    expect(other.searchParams.get('X-Amz-Expires')).toBe('7')
  })

  test('of version 4 for longer than seven days is refused, under the name of the setting', async () => {
    const long = { AWS_QUERYSTRING_EXPIRE: 604_801 }
    await expect(storage({}, long).url('a')).rejects.toMatchObject({
      code: 'improperly_configured',
      message: 'AWS_QUERYSTRING_EXPIRE: a URL of version 4 lives at most 604800 seconds (7 days), not 604801.',
    })
    await expect(storage().url('a', { expiresInSecs: 604_801 })).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(await storage({ signatureVersion: 's3' }, long).url('a')).toContain('Expires=')
    expect(await storage({ customDomain: 'cdn.example.com' }, long).url('a')).toBe('https://cdn.example.com/a')
  })

  test('of version 2', async () => {
    const url = new URL(await storage({ signatureVersion: 's3' }).url('a.txt'))
    expect([...url.searchParams.keys()].sort()).toEqual(['AWSAccessKeyId', 'Expires', 'Signature'])
    const life = Number(url.searchParams.get('Expires')) - Date.now() / 1000
    expect(life).toBeGreaterThan(3590)
    expect(life).toBeLessThanOrEqual(3600)
  })

  test('carries response parameters, and refuses unknown ones', async () => {
    const parameters = { ResponseContentDisposition: 'attachment; filename="ü.txt"' }
    const url = await storage().url('a.txt', { parameters })
    expect(url).toContain(
      'response-content-disposition=attachment%3B%20filename%3D%22_.txt%22%3B%20filename%2A%3DUTF-8%27%27%25C3%25BC.txt',
    )
    await expect(storage().url('a.txt', { parameters: { ResponseContentTyp: 'x' } })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
  })

  test('of any method carries the payer and the owner that the parameters name, signed', async () => {
    const files = storage({
      objectParameters: { RequestPayer: 'requester', ExpectedBucketOwner: '1', CacheControl: 'x' },
    })
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE'] as const) {
      const { searchParams } = new URL(await files.url('a.txt', { method }))
      expect(searchParams.get('x-amz-request-payer')).toBe('requester')
      expect(searchParams.get('x-amz-expected-bucket-owner')).toBe('1')
      expect(searchParams.get('X-Amz-SignedHeaders')).toBe('host')
    }
  })

  test('is signed for CloudFront where keys are set', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const cloudfrontKey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const options = { customDomain: 'cdn.example.com', cloudfrontKeyId: 'K1', cloudfrontKey }
    const url = new URL(await storage(options).url('a.txt'))
    expect([...url.searchParams.keys()]).toEqual(['Expires', 'Signature', 'Key-Pair-Id'])
    const expires = Number(url.searchParams.get('Expires'))
    const policy = `{"Statement":[{"Resource":"https://cdn.example.com/a.txt","Condition":{"DateLessThan":{"AWS:EpochTime":${expires}}}}]}`
    const signature = url.searchParams.get('Signature')!.replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/')
    expect(createVerify('sha1').update(policy).verify(publicKey, signature, 'base64')).toBe(true)
    const plain = 'https://cdn.example.com/a.txt'
    expect(await storage({ ...options, querystringAuth: false }).url('a.txt')).toBe(plain)
    expect(await storage({ ...options, cloudfrontSigner: null }).url('a.txt')).toBe(plain)
  })

  test('of a static storage has no signature', async () => {
    const files = new S3StaticStorage(KEYS, { settings: {}, env: {} })
    expect(await files.url('a.css')).toBe('https://bkt.s3.amazonaws.com/a.css')
  })

  test('of a Space follows from its region', async () => {
    const space = (options: Input<S3Options>) =>
      new SpacesStorage({ ...KEYS, querystringAuth: false, ...options }, { settings: {}, env: {} }).url('a.txt')
    expect(await space({ regionName: 'nyc3' })).toBe('https://nyc3.digitaloceanspaces.com/bkt/a.txt')
    expect(await space({ regionName: 'nyc3', addressingStyle: 'virtual' })).toBe(
      'https://bkt.nyc3.digitaloceanspaces.com/a.txt',
    )
    expect(await space({ endpointUrl: 'sfo2.digitaloceanspaces.com' })).toBe(
      'https://sfo2.digitaloceanspaces.com/bkt/a.txt',
    )
    await expect(space({})).rejects.toMatchObject({ code: 'improperly_configured' })
  })

  test('that leaves the location is denied', async () => {
    await expect(storage({ location: 'loc' }).url('../x')).rejects.toMatchObject({
      code: 'suspicious_name',
      message: "Attempted access to '../x' denied.",
    })
  })
})
