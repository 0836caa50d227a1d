import { request as httpRequest } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { type StrictS3, type StrictS3Options, startStrictS3 } from './strict-s3.ts'

// Key pair, requests and signatures are the published examples of the Amazon S3 user guide and API reference.
const credentials = [
  { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
]
let server: StrictS3

async function start(now: string, more: StrictS3Options = {}): Promise<void> {
  const domains = ['s3.amazonaws.com']
  server = await startStrictS3({
    credentials,
    domains,
    buckets: ['johnsmith', 'examplebucket'],
    now: () => Date.parse(now),
    ...more,
  })
}
afterEach(() => server.close())

function send(method: string, path: string, headers: Record<string, string>, body = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(new URL('/', server.url), { method, path, headers }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve(`${response.statusCode} ${/<Code>(.*?)<\/Code>/.exec(text)?.[1] ?? ''}`.trim()))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

test.each([
  ['GET', '/photos/puppy.jpg', 'Tue, 27 Mar 2007 19:36:42 +0000', 'bWq2s1WEIj+Ydj0vQ697zp+IXMU=', '404 NoSuchKey'],
  [
    'GET',
    '/?prefix=photos&max-keys=50&marker=puppy',
    'Tue, 27 Mar 2007 19:42:41 +0000',
    'htDYFYduRNen8P9ZfE/s9SuKy0U=',
    '200',
  ],
  ['GET', '/?acl', 'Tue, 27 Mar 2007 19:44:46 +0000', 'c2WLPFtWHVgbEmeEG93a4cG37dM=', '200'],
])('SigV2 header: %s %s', async (method, path, date, signature, outcome) => {
  await start(date)
  const headers = {
    host: 'johnsmith.s3.amazonaws.com',
    date,
    authorization: `AWS ${credentials[0]?.accessKeyId}:${signature}`,
  }
  expect(await send(method, path, headers)).toBe(outcome)
  expect(await send(method, path, { ...headers, 'x-amz-meta-a': 'b' })).toBe('403 SignatureDoesNotMatch')
})

test('SigV2 query, its end, and a server that takes only version 4', async () => {
  const path = (expires: string): string =>
    `/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=${expires}&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D`
  const host = { host: 'johnsmith.s3.amazonaws.com' }
  await start('2007-03-29T03:00:00Z')
  expect(await send('GET', path('1175139620'), host)).toBe('404 NoSuchKey')
  expect(await send('GET', path('1175139621'), host)).toBe('403 SignatureDoesNotMatch')
  await server.close()
  await start('2007-03-29T03:40:21Z')
  expect(await send('GET', path('1175139620'), host)).toBe('403 AccessDenied')
  await server.close()
  await start('2007-03-29T03:00:00Z', { signatures: ['v4'] })
  expect(await send('GET', path('1175139620'), host)).toBe('400 InvalidRequest')
})

const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

function v4(signedHeaders: string, signature: string): string {
  const credential = 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request'
  return `AWS4-HMAC-SHA256 Credential=${credential},SignedHeaders=${signedHeaders},Signature=${signature}`
}

test('SigV4 header: GET with a range, PUT with a body, listing', async () => {
  await start('2013-05-24T00:00:00Z')
  const host = { host: 'examplebucket.s3.amazonaws.com', 'x-amz-date': '20130524T000000Z' }
  const get = {
    ...host,
    range: 'bytes=0-9',
    'x-amz-content-sha256': emptyHash,
    authorization: v4(
      'host;range;x-amz-content-sha256;x-amz-date',
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ),
  }
  expect(await send('GET', '/test.txt', get)).toBe('404 NoSuchKey')
  expect(await send('GET', '/test.txt', { ...get, range: 'bytes=0-8' })).toBe('403 SignatureDoesNotMatch')
  expect(await send('GET', '/test.txt', { ...get, 'x-amz-meta-more': '1' })).toBe('403 AccessDenied')
  const put = {
    ...host,
    date: 'Fri, 24 May 2013 00:00:00 GMT',
    'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
    authorization: v4(
      'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    ),
  }
  expect(await send('PUT', '/test%24file.text', put, 'Welcome to Amazon S3.')).toBe('200')
  expect(server.bucket('examplebucket').current('test$file.text')?.body.toString()).toBe('Welcome to Amazon S3.')
  expect(await send('PUT', '/test%24file.text', put, 'Welcome to Amazon S4.')).toBe('400 XAmzContentSHA256Mismatch')
  const list = {
    ...host,
    'x-amz-content-sha256': emptyHash,
    authorization: v4(
      'host;x-amz-content-sha256;x-amz-date',
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    ),
  }
  expect(await send('GET', '/?max-keys=2&prefix=J', list)).toBe('200')
  expect(await send('GET', '/?prefix=J&max-keys=2', list)).toBe('200')
  expect(await send('GET', '/?max-keys=3&prefix=J', list)).toBe('403 SignatureDoesNotMatch')
})

test('SigV4 query: the published presigned URL, until it expires', async () => {
  const path =
    '/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request' +
    '&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
    '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404'
  const host = { host: 'examplebucket.s3.amazonaws.com' }
  await start('2013-05-24T23:59:59Z')
  expect(await send('GET', path, host)).toBe('404 NoSuchKey')
  expect(await send('HEAD', path, host)).toBe('403')
  expect(await send('GET', path.replace('86400', '604801'), host)).toBe('400 AuthorizationQueryParametersError')
  await server.close()
  await start('2013-05-25T00:00:01Z')
  expect(await send('GET', path, host)).toBe('403 AccessDenied')
})
