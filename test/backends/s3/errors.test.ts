import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import { type ErrorCode, StorageError } from '../../../src/core/errors.ts'
import type { Input } from '../../../src/core/settings.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'

const SECRET_KEY = 'secret-key-1'
const TOKEN = 'session-token-1'
const CUSTOMER_KEY = 'c'.repeat(32)
const SECRETS = [SECRET_KEY, TOKEN, CUSTOMER_KEY, Buffer.from(CUSTOMER_KEY).toString('base64')]

/** What the server answers to the next requests, and what it was asked. */
let answer: { status: number; code?: string; text?: string; more?: string; headers?: Record<string, string> }
let asked: string[] = []

/** An error document that repeats the signed headers, as S3's does. */
function refusal(request: IncomingMessage): string {
  const { code, text = 'As it says.', more = '' } = answer
  if (code === undefined) return ''
  const signed = Object.entries(request.headers).map(([name, value]) => `${name}:${value}`)
  return `<Error><Code>${code}</Code><Message>${text}</Message>${more}<CanonicalRequest>${signed.join('\n')}</CanonicalRequest><RequestId>BODY1</RequestId></Error>`
}

const server: Server = createServer((request, response) => {
  asked.push(request.method!)
  request.resume()
  response.writeHead(answer.status, { 'x-amz-request-id': 'HEAD1', ...answer.headers })
  response.end(request.method === 'HEAD' ? undefined : refusal(request))
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const endpointUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const strict = await startStrictS3()
afterAll(async () => {
  server.close()
  server.closeAllConnections()
  await strict.close()
})
beforeEach(() => {
  asked = []
})

function storage(options: Input<S3Options> = {}) {
  const keys = { accessKey: 'AK', secretKey: SECRET_KEY, securityToken: TOKEN }
  const objectParameters = { SSECustomerKey: CUSTOMER_KEY }
  const base = { ...keys, endpointUrl, bucketName: 'bkt', maxAttempts: 1, conditionalWrites: 'on', objectParameters }
  return new S3Storage({ ...(base as Input<S3Options>), ...options }, { settings: {}, env: {} })
}

async function failure(work: (files: S3Storage) => Promise<unknown>, options: Input<S3Options> = {}) {
  await using files = storage(options)
  const error = await work(files).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(StorageError)
  return error as StorageError
}

const REGION = { 'x-amz-bucket-region': 'eu-west-1' }
const BEHIND = `<ServerTime>${new Date(Date.now() + 3_600_000).toISOString()}</ServerTime>`

describe('a refused request', () => {
  test.each<[string, number, ErrorCode, RegExp, { more?: string; headers?: Record<string, string> }?]>([
    ['SignatureDoesNotMatch', 403, 'permission_denied', /secret key is wrong/],
    ['InvalidAccessKeyId', 403, 'permission_denied', /access key is not known/],
    ['AccessDenied', 403, 'permission_denied', /AccessDenied/],
    [
      'RequestTimeTooSkewed',
      403,
      'permission_denied',
      /clock is 3[56]\d\d seconds behind the server's/,
      { more: BEHIND },
    ],
    ['RequestTimeTooSkewed', 403, 'permission_denied', /This machine's clock and the server's differ too much/],
    ['ExpiredToken', 400, 'permission_denied', /must be renewed/],
    ['InvalidToken', 400, 'permission_denied', /check AWS_SESSION_TOKEN/],
    [
      'AuthorizationHeaderMalformed',
      400,
      'improperly_configured',
      /in the region 'eu-west-1': set AWS_S3_REGION_NAME/,
      { more: '<Region>eu-west-1</Region>' },
    ],
    ['PermanentRedirect', 301, 'improperly_configured', /in the region 'eu-west-1'/, { headers: REGION }],
    [
      'PermanentRedirect',
      301,
      'improperly_configured',
      /reached at 'bkt.s3-eu-west-1.amazonaws.com': check AWS_S3_REGION_NAME/,
      { more: '<Endpoint>bkt.s3-eu-west-1.amazonaws.com</Endpoint>' },
    ],
    ['TemporaryRedirect', 307, 'improperly_configured', /in the region 'eu-west-1'/, { headers: REGION }],
    ['IllegalLocationConstraintException', 400, 'improperly_configured', /check AWS_S3_REGION_NAME/],
    ['NoSuchBucket', 404, 'improperly_configured', /AWS_STORAGE_BUCKET_NAME is not a bucket/],
    ['AccessControlListNotSupported', 400, 'improperly_configured', /set AWS_DEFAULT_ACL to null/],
    ['InvalidBucketAclWithObjectOwnership', 400, 'improperly_configured', /set AWS_BUCKET_ACL to null/],
    ['SlowDown', 503, 'throttled', /SlowDown/],
    ['InternalError', 500, 'unavailable', /InternalError/],
    ['BadDigest', 400, 'checksum_mismatch', /BadDigest/],
    ['EntityTooLarge', 400, 'too_large', /EntityTooLarge/],
    ['InvalidObjectState', 403, 'unsupported', /InvalidObjectState/],
    ['QuotaExceeded', 403, 'no_space', /QuotaExceeded/],
    ['KeyTooLongError', 400, 'suspicious_name', /KeyTooLongError/],
    ['InvalidObjectName', 400, 'suspicious_name', /InvalidObjectName/],
    ['MetadataTooLarge', 400, 'invalid_argument', /MetadataTooLarge/],
  ])('with %s (%d) is %s, tells the likely cause and no secret', async (code, status, wanted, message, more = {}) => {
    answer = { status, code, ...more }
    for (const work of [(files: S3Storage) => files.save('a', 'x'), (files: S3Storage) => files.delete('a')]) {
      const error = await failure(work)
      expect(error).toMatchObject({ code: wanted, status, requestId: 'BODY1', message: expect.stringMatching(message) })
      expect(error.message).toContain('(request BODY1)')
      const shown = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify([error, error.cause]) + error.stack
      for (const secret of SECRETS) expect(shown).not.toContain(secret)
    }
  })

  test('by HEAD is explained by a GET, since the answer to a HEAD has no body', async () => {
    answer = { status: 403, code: 'SignatureDoesNotMatch' }
    const error = await failure(files => files.stat('a'))
    expect(error).toMatchObject({ code: 'permission_denied', requestId: 'BODY1' })
    expect(error.message).toContain('The secret key is wrong')
    expect(asked).toEqual(['HEAD', 'GET'])
  })

  test('by HEAD and then by GET without a document keeps what the HEAD told', async () => {
    answer = { status: 400, headers: REGION }
    const error = await failure(files => files.stat('a'))
    expect(error).toMatchObject({ status: 400, requestId: 'HEAD1' })
    expect(error.message).toContain("The bucket is in the region 'eu-west-1'")
  })

  test('by HEAD with a broken server is not asked again', async () => {
    answer = { status: 503, code: 'SlowDown' }
    expect(await failure(files => files.stat('a'))).toMatchObject({ code: 'unavailable', retryable: true })
    expect(asked).toEqual(['HEAD'])
  })

  test('for lack of permission tells which one', async () => {
    answer = { status: 403, code: 'AccessDenied' }
    const [stat, list, write] = await Promise.all([
      failure(files => files.stat('a')),
      failure(files => files.listdir()),
      failure(files => files.save('a', 'x')),
    ])
    expect(stat.message).toContain('For a missing file S3 answers 403, not 404, unless')
    expect(list.message).toContain('Listing needs the permission s3:ListBucket')
    expect(write.message).not.toContain('ListBucket')
  })

  test('by a server whose clock is far off tells the difference, also of a HEAD', async () => {
    answer = { status: 403, headers: { date: new Date(Date.now() - 900_000).toUTCString() } }
    const error = await failure(files => files.exists('a'))
    expect(error.message).toMatch(/This machine's clock is (899|90\d) seconds ahead of the server's/)
  })

  test('with a page of a proxy instead of a document has the status', async () => {
    answer = { status: 502, headers: { 'content-type': 'text/html' } }
    expect(await failure(files => files.save('a', 'x'))).toMatchObject({ code: 'unavailable', status: 502 })
  })
})

describe('404', () => {
  const place: Input<S3Options> = {
    endpointUrl: strict.url,
    accessKey: strict.credentials.accessKeyId,
    secretKey: strict.credentials.secretAccessKey,
    securityToken: null,
    objectParameters: {},
  }

  test.each<[string, (files: S3Storage) => Promise<unknown>]>([
    ['exists', files => files.exists('a')],
    ['stat', files => files.stat('a')],
    ['open', files => files.open('a')],
    ['listdir', files => files.listdir()],
    ['delete', files => files.delete('a')],
    ['deleteMany', files => files.deleteMany(['a', 'b'])],
    ['save', files => files.save('a', 'x')],
    ['copy', files => files.copy('a', 'b')],
  ])('of the bucket is no missing file for %s', async (_operation, work) => {
    const error = await failure(work, { ...place, bucketName: 'nowhere' })
    expect(error.code).toBe('improperly_configured')
    expect(error.message).toContain('AWS_STORAGE_BUCKET_NAME is not a bucket of this service')
  })

  test('of a file is asked for once more, then no more', async () => {
    await using files = storage({ ...place, bucketName: 'media' })
    strict.requests.length = 0
    for (const name of ['a', 'b', 'c']) expect(await files.exists(name)).toBe(false)
    await expect(files.open('a')).rejects.toMatchObject({ code: 'not_found' })
    expect(strict.requests.map(({ method }) => method)).toEqual(['HEAD', 'GET', 'HEAD', 'HEAD', 'GET'])
  })
})

test('a storage is printed without keys, tokens, customer keys and the passwords of proxies', () => {
  const files = storage({
    proxies: { http: 'user:proxy-password@proxy:3128', 'https://s3.example': 'http://user:proxy-password@proxy' },
    proxyHost: 'user:proxy-password@proxy',
    endpointUrl: 'https://user:proxy-password@s3.example',
    headers: { 'x-amz-server-side-encryption-customer-key': CUSTOMER_KEY },
  })
  const configured = storage({ clientConfig: { proxies: { http: 'user:proxy-password@proxy' } } })
  const shown = inspect([files, configured], { depth: 9 }) + JSON.stringify([files, configured])
  for (const secret of [...SECRETS, 'proxy-password']) expect(shown).not.toContain(secret)
  expect(files.toJSON()['options']).toMatchObject({
    proxies: { http: '***@proxy:3128', 'https://s3.example': 'http://***@proxy' },
    objectParameters: { SSECustomerKey: '***' },
  })
  const bad = () => new S3Storage({}, { settings: {}, env: { AWS_S3_PROXIES: 'http://user:proxy-password@proxy' } })
  expect(bad).toThrow('proxies (AWS_S3_PROXIES): expected an object')
  expect(bad).not.toThrow('proxy-password')
})
