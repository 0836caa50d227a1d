import { createHash } from 'node:crypto'
import { Agent, type AgentOptions, request as httpRequest } from 'node:http'
import type { LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type StrictS3, type StrictS3Options, startStrictS3 } from './strict-s3.ts'

function clientOf(server: StrictS3, more: S3ClientConfig = {}): S3Client {
  const config: S3ClientConfig = {
    endpoint: server.url,
    region: server.region,
    credentials: server.credentials,
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  }
  return new S3Client(Object.assign(config, more))
}

interface ClientError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly headers: Record<string, string> }
}

/** Resolves every `*.localhost` to the loopback address, which not every system's resolver does. */
function loopbackAgent(): Agent {
  const lookup: LookupFunction = (_host, options, done) =>
    options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)
  return new Agent({ lookup } as AgentOptions)
}

async function failure(promise: Promise<unknown>): Promise<{ name: string; status: number; error: ClientError }> {
  const error = await promise.then(
    () => {
      throw new Error('must fail')
    },
    (reason: unknown) => reason as ClientError,
  )
  if (error.$metadata === undefined) throw error
  return { name: error.name, status: error.$metadata.httpStatusCode ?? 0, error }
}

async function withServer<T>(
  options: StrictS3Options,
  use: (server: StrictS3, s3: S3Client) => Promise<T>,
): Promise<T> {
  const server = await startStrictS3(options)
  const s3 = clientOf(server)
  try {
    return await use(server, s3)
  } finally {
    s3.destroy()
    await server.close()
  }
}

const Bucket = 'media'
const oddKeys = [
  'a b+c',
  'ü/ñ/日本.txt',
  "q?a=1&b='*!()~",
  'p%20q%2Fr',
  '//double//',
  'semi;colon,comma:@$#',
  'dot/./../x',
  ' lead',
  'back\\slash',
]

describe('strict S3 server, driven by the official client', () => {
  let server: StrictS3
  let s3: S3Client
  beforeAll(async () => {
    server = await startStrictS3({ minPartSize: 1024 })
    s3 = clientOf(server)
  })
  afterAll(async () => {
    s3.destroy()
    await server.close()
  })

  test('keeps the bytes, the headers and the metadata of an object', async () => {
    const Expires = new Date('2030-01-02T03:04:05Z')
    const put = await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: 'one.txt',
        Body: 'hello',
        ContentType: 'text/plain',
        CacheControl: 'max-age=60',
        ContentDisposition: 'attachment',
        ContentEncoding: 'gzip',
        ContentLanguage: 'de',
        ...{ Metadata: { who: 'me' }, StorageClass: 'STANDARD_IA', Tagging: 'a=1&b=x%20y', Expires },
        ChecksumAlgorithm: 'CRC32C',
      }),
    )
    expect(put.ETag).toBe(`"${createHash('md5').update('hello').digest('hex')}"`)
    expect(put.ChecksumCRC32C).toBe('mnG7TA==')
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'one.txt', ChecksumMode: 'ENABLED' }))
    expect(head).toMatchObject({
      ContentLength: 5,
      ContentType: 'text/plain',
      CacheControl: 'max-age=60',
      ContentDisposition: 'attachment',
      ContentEncoding: 'gzip',
      ContentLanguage: 'de',
      Metadata: { who: 'me' },
      StorageClass: 'STANDARD_IA',
      ChecksumCRC32C: 'mnG7TA==',
      TagCount: 2,
    })
    expect(new Date(String(head.ExpiresString)).getTime()).toBe(Expires.getTime())
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'one.txt', Range: 'bytes=1-3' }))
    expect([await got.Body?.transformToString(), got.ContentRange, got.$metadata.httpStatusCode]).toEqual([
      'ell',
      'bytes 1-3/5',
      206,
    ])
    const tags = await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'one.txt' }))
    expect(tags.TagSet).toEqual([
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: 'x y' },
    ])
    expect(await failure(s3.send(new GetObjectCommand({ Bucket, Key: 'one.txt', Range: 'bytes=5-' })))).toMatchObject({
      name: 'InvalidRange',
      status: 416,
    })
    expect(await failure(s3.send(new GetObjectCommand({ Bucket, Key: 'none' })))).toMatchObject({
      name: 'NoSuchKey',
      status: 404,
    })
    expect((await failure(s3.send(new HeadObjectCommand({ Bucket, Key: 'none' })))).status).toBe(404)
  })

  test('every official checksum is verified', async () => {
    for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const) {
      const put = await s3.send(
        new PutObjectCommand({ Bucket, Key: 'sum', Body: 'The quick brown fox', ChecksumAlgorithm }),
      )
      expect(put[`Checksum${ChecksumAlgorithm}`]).toMatch(/=$/)
    }
    // Check value of CRC-64/NVME for "123456789": 0xAE8B14860A799888.
    const good = Buffer.from('ae8b14860a799888', 'hex').toString('base64')
    const nvme = { Bucket, Key: 'sum', Body: '123456789' }
    expect((await s3.send(new PutObjectCommand({ ...nvme, ChecksumCRC64NVME: good }))).ChecksumCRC64NVME).toBe(good)
    const bad = Buffer.from('ae8b14860a799889', 'hex').toString('base64')
    expect((await failure(s3.send(new PutObjectCommand({ ...nvme, ChecksumCRC64NVME: bad })))).name).toBe('BadDigest')
    expect((await failure(s3.send(new PutObjectCommand({ ...nvme, ChecksumSHA256: 'xx' })))).name).toBe(
      'InvalidRequest',
    )
    const ContentMD5 = createHash('md5').update('other').digest('base64')
    expect((await failure(s3.send(new PutObjectCommand({ ...nvme, ContentMD5 })))).name).toBe('BadDigest')
    expect((await failure(s3.send(new PutObjectCommand({ ...nvme, ContentMD5: 'no' })))).name).toBe('InvalidDigest')
  })

  test('odd keys survive put, list with encoding, get, copy, delete, and virtual style', async () => {
    const virtual = clientOf(server, {
      endpoint: `http://localhost:${server.port}`,
      forcePathStyle: false,
      requestHandler: { httpAgent: loopbackAgent() },
    })
    for (const name of oddKeys) {
      const Key = `odd/${name}`
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: name }))
      const copied = await s3.send(
        new CopyObjectCommand({
          Bucket,
          Key: `copy/${name}`,
          CopySource: `${Bucket}/${Key.split('/').map(encodeURIComponent).join('/')}`,
        }),
      )
      expect(copied.CopyObjectResult?.ETag).toBe(`"${createHash('md5').update(name).digest('hex')}"`)
      const got = await s3.send(new GetObjectCommand({ Bucket, Key: `copy/${name}` }))
      expect(await got.Body?.transformToString()).toBe(name)
    }
    const listed = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'odd/' }))
    expect(listed.Contents?.map(one => one.Key)).toEqual(
      oddKeys.map(name => `odd/${name}`).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    )
    const encoded = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'odd/', EncodingType: 'url' }))
    expect(encoded.Contents?.map(one => decodeURIComponent((one.Key as string).replaceAll('+', ' ')))).toEqual(
      listed.Contents?.map(one => one.Key),
    )
    await virtual.send(new PutObjectCommand({ Bucket, Key: 'virtual/ü b', Body: 'v' }))
    expect(server.requests.at(-1)).toMatchObject({ bucket: Bucket, key: 'virtual/ü b' })
    expect(server.requests.at(-1)?.headers['host']).toBe(`media.localhost:${server.port}`)
    virtual.destroy()
    const Objects = oddKeys.map(name => ({ Key: `odd/${name}` }))
    const deleted = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    expect(deleted.Deleted?.length).toBe(oddKeys.length)
    expect((await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'odd/' }))).KeyCount).toBe(0)
  })

  test('lists in pages with a delimiter, in both versions', async () => {
    for (const Key of ['l/a', 'l/b/1', 'l/b/2', 'l/c', 'l/d/1'])
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
    const seen: string[] = []
    let ContinuationToken: string | undefined
    do {
      const page = await s3.send(
        new ListObjectsV2Command({ Bucket, Prefix: 'l/', Delimiter: '/', MaxKeys: 1, ContinuationToken }),
      )
      seen.push(
        ...(page.Contents ?? []).map(one => String(one.Key)),
        ...(page.CommonPrefixes ?? []).map(one => String(one.Prefix)),
      )
      expect(page.KeyCount).toBe(1)
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken !== undefined)
    expect(seen).toEqual(['l/a', 'l/b/', 'l/c', 'l/d/'])
    const first = await s3.send(new ListObjectsCommand({ Bucket, Prefix: 'l/', Delimiter: '/', MaxKeys: 2 }))
    expect([first.IsTruncated, first.NextMarker]).toEqual([true, 'l/b/'])
    const second = await s3.send(new ListObjectsCommand({ Bucket, Prefix: 'l/', Delimiter: '/', Marker: 'l/b/' }))
    expect(second.Contents?.map(one => one.Key)).toEqual(['l/c'])
    expect(await failure(s3.send(new ListObjectsV2Command({ Bucket, ContinuationToken: 'zzz' })))).toMatchObject({
      status: 400,
    })
  })

  test('conditions on reads and writes', async () => {
    const Key = 'cond'
    const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key, Body: '1', IfNoneMatch: '*' }))
    const refused = { name: 'PreconditionFailed', status: 412 }
    expect(await failure(s3.send(new PutObjectCommand({ Bucket, Key, Body: '2', IfNoneMatch: '*' })))).toMatchObject(
      refused,
    )
    expect(await failure(s3.send(new PutObjectCommand({ Bucket, Key, Body: '2', IfMatch: '"other"' })))).toMatchObject(
      refused,
    )
    expect((await failure(s3.send(new PutObjectCommand({ Bucket, Key: 'cond2', Body: '', IfMatch: ETag })))).name).toBe(
      'NoSuchKey',
    )
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: '1', IfMatch: ETag }))
    expect(await failure(s3.send(new GetObjectCommand({ Bucket, Key, IfMatch: '"other"' })))).toMatchObject(refused)
    expect((await failure(s3.send(new GetObjectCommand({ Bucket, Key, IfNoneMatch: ETag })))).status).toBe(304)
    expect(await failure(s3.send(new DeleteObjectCommand({ Bucket, Key, IfMatch: '"other"' })))).toMatchObject(refused)
    await s3.send(new DeleteObjectCommand({ Bucket, Key, IfMatch: ETag }))
  })

  test('multipart: order, sizes, ETags, conditions, copy of parts, listing, abort', async () => {
    const Key = 'multi'
    const { UploadId } = await s3.send(
      new CreateMultipartUploadCommand({ Bucket, Key, ContentType: 'x/y', Metadata: { a: 'b' } }),
    )
    const body = Buffer.alloc(1024, 'a')
    const one = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: body }))
    await s3.send(new PutObjectCommand({ Bucket, Key: 'source', Body: '0123456789' }))
    const two = await s3.send(
      new UploadPartCopyCommand({
        Bucket,
        Key,
        UploadId,
        PartNumber: 2,
        CopySource: `${Bucket}/source`,
        CopySourceRange: 'bytes=2-4',
      }),
    )
    const small = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 3, Body: 'end' }))
    const parts = [one.ETag, two.CopyPartResult?.ETag, small.ETag].map((ETag, index) => ({
      ETag,
      PartNumber: index + 1,
    }))
    const complete = (Parts: typeof parts, more = {}): Promise<unknown> =>
      s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }))
    expect((await failure(complete([parts[1]!, parts[0]!]))).name).toBe('InvalidPartOrder')
    expect((await failure(complete([{ ETag: '"bad"', PartNumber: 1 }]))).name).toBe('InvalidPart')
    expect((await failure(complete(parts))).name).toBe('EntityTooSmall')
    expect((await failure(complete([]))).name).toBe('MalformedXML')
    const uploads = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'mul' }))
    expect(uploads.Uploads?.map(upload => [upload.Key, upload.UploadId])).toEqual([[Key, UploadId]])
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'there' }))
    expect((await failure(complete(parts.slice(0, 2), { IfNoneMatch: '*' }))).name).toBe('PreconditionFailed')
    await s3.send(new DeleteObjectCommand({ Bucket, Key }))
    expect(await complete(parts.slice(0, 2), { IfNoneMatch: '*' })).toMatchObject({
      ETag: expect.stringMatching(/^"[0-9a-f]{32}-2"$/),
    })
    const got = await s3.send(new GetObjectCommand({ Bucket, Key }))
    expect(await got.Body?.transformToString()).toBe(`${body}234`)
    expect(got).toMatchObject({ ContentType: 'x/y', Metadata: { a: 'b' } })
    expect((await failure(complete(parts.slice(0, 2)))).name).toBe('NoSuchUpload')
    const second = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'gone' }))
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key: 'gone', UploadId: second.UploadId }))
    expect((await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads).toBeUndefined()
  })

  test('the official managed uploader sends 12 MiB in parts with checksums', async () => {
    const Body = Buffer.alloc(12 * 1024 * 1024, 'z')
    await new Upload({ client: s3, params: { Bucket, Key: 'big', Body, ChecksumAlgorithm: 'CRC32' } }).done()
    expect(server.bucket().current('big')?.body.equals(Body)).toBe(true)
    expect(server.bucket().current('big')?.checksums['crc32']).toMatch(/-3$/)
  })

  test('presigned URLs: good, expired, tampered, overrides; wrong secret, unknown key, skewed clock, wrong region', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'signed ü', Body: 'secret' }))
    const command = new GetObjectCommand({ Bucket, Key: 'signed ü', ResponseContentType: 'x/override' })
    const url = await getSignedUrl(s3, command, { expiresIn: 60 })
    const good = await fetch(url)
    expect([good.status, await good.text(), good.headers.get('content-type')]).toEqual([200, 'secret', 'x/override'])
    const tampered = await fetch(url.replace('x%2Foverride', 'x%2Fother'))
    expect([tampered.status, await tampered.text()]).toEqual([
      403,
      expect.stringContaining('<Code>SignatureDoesNotMatch</Code>'),
    ])
    const old = await getSignedUrl(s3, command, { expiresIn: 60, signingDate: new Date(Date.now() - 61_000) })
    expect(await (await fetch(old)).text()).toContain('Request has expired')
    const put = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'by-url' }))
    expect((await fetch(put, { method: 'PUT', body: 'via url' })).status).toBe(200)
    const list = (more: S3ClientConfig): Promise<unknown> =>
      clientOf(server, more).send(new ListObjectsV2Command({ Bucket }))
    const { accessKeyId } = server.credentials
    const wrong = await failure(list({ credentials: { accessKeyId, secretAccessKey: 'wrong' } }))
    expect(wrong).toMatchObject({ name: 'SignatureDoesNotMatch', status: 403 })
    const unknown = await failure(list({ credentials: { accessKeyId: 'NOBODY', secretAccessKey: 'x' } }))
    expect(unknown).toMatchObject({ name: 'InvalidAccessKeyId', status: 403 })
    const skewed = await failure(list({ systemClockOffset: -16 * 60_000 }))
    expect(skewed).toMatchObject({
      name: 'RequestTimeTooSkewed',
      status: 403,
      error: { ServerTime: expect.stringMatching(/^20.*Z$/) },
    })
    const region = await failure(list({ region: 'eu-west-1' }))
    expect(region).toMatchObject({ name: 'AuthorizationHeaderMalformed', status: 400, error: { Region: 'us-east-1' } })
  })

  test('POST policy: accepted, changed and too large', async () => {
    const { url, fields } = await createPresignedPost(s3, {
      Bucket,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: S3's own placeholder
      Key: 'posted/${filename}',
      Conditions: [
        ['content-length-range', 1, 10],
        ['starts-with', '$Content-Type', 'text/'],
      ],
      Fields: { success_action_status: '201' },
    })
    const post = (content: string, more: Record<string, string> = {}): Promise<Response> => {
      const form = new FormData()
      for (const [name, value] of Object.entries({ ...fields, 'Content-Type': 'text/plain', ...more }))
        form.append(name, value)
      form.append('file', new Blob([content]), 'f.txt')
      return fetch(url, { method: 'POST', body: form })
    }
    const done = await post('content')
    expect([done.status, await done.text()]).toEqual([201, expect.stringContaining('<Key>posted/f.txt</Key>')])
    expect(server.bucket().current('posted/f.txt')?.system['content-type']).toBe('text/plain')
    expect(await (await post('far too much content')).text()).toContain('EntityTooLarge')
    expect((await post('x', { 'Content-Type': 'image/png' })).status).toBe(403)
    expect(await (await post('x', { acl: 'public-read' })).text()).toContain('Extra input fields: acl')
    expect(await (await post('x', { Policy: Buffer.from('{}').toString('base64') })).text()).toContain(
      'SignatureDoesNotMatch',
    )
  })

  test('canned ACLs are shown and honoured for anonymous readers', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'public', Body: 'p', ACL: 'public-read' }))
    await s3.send(new PutObjectCommand({ Bucket, Key: 'private', Body: 'p' }))
    expect((await server.anonymous('/media/public')).status).toBe(200)
    expect((await server.anonymous('/media/private')).status).toBe(403)
    expect((await server.anonymous('/media/missing')).status).toBe(403)
    expect((await server.anonymous('/media?list-type=2')).status).toBe(403)
    expect((await server.anonymous('/media/new', { method: 'PUT', body: 'x' })).status).toBe(403)
    const acl = await s3.send(new GetObjectAclCommand({ Bucket, Key: 'public' }))
    expect(acl.Grants?.map(grant => [grant.Grantee?.URI, grant.Permission])).toContainEqual([
      'http://acs.amazonaws.com/groups/global/AllUsers',
      'READ',
    ])
  })

  test('server-side encryption is echoed and an SSE-C key is needed again', async () => {
    const key = Buffer.alloc(32, 7)
    const customer = {
      SSECustomerAlgorithm: 'AES256',
      SSECustomerKey: key.toString('base64'),
      SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
    }
    await s3.send(new PutObjectCommand({ Bucket, Key: 'sse', Body: 'x', ...customer }))
    expect((await failure(s3.send(new GetObjectCommand({ Bucket, Key: 'sse' })))).status).toBe(400)
    expect(
      await (await s3.send(new GetObjectCommand({ Bucket, Key: 'sse', ...customer }))).Body?.transformToString(),
    ).toBe('x')
    const kms = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'k1' } as const
    expect(await s3.send(new PutObjectCommand({ Bucket, Key: 'kms', Body: 'x', ...kms }))).toMatchObject(kms)
    expect(await s3.send(new HeadObjectCommand({ Bucket, Key: 'kms' }))).toMatchObject(kms)
  })

  test('a PUT that expects 100-continue is refused before its body is sent', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'early', Body: 'x' }))
    const url = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'early' }))
    const bad = `${url.slice(0, -1)}${url.endsWith('0') ? '1' : '0'}`
    const outcome = await new Promise<string>((resolve, reject) => {
      const headers = { expect: '100-continue', 'content-length': '3' }
      const sent = httpRequest(bad, { method: 'PUT', headers })
      sent.on('continue', () => resolve('continue'))
      sent.on('response', response => {
        response.resume()
        resolve(String(response.statusCode))
        sent.destroy()
      })
      sent.on('error', reject)
      sent.flushHeaders()
    })
    expect(outcome).toBe('403')
  })
})

describe('strict S3 server, options', () => {
  test('aws-chunked is refused unless switched on', async () => {
    const send = (server: StrictS3): Promise<unknown> =>
      clientOf(server, { requestChecksumCalculation: 'WHEN_SUPPORTED' }).send(
        new PutObjectCommand({
          Bucket,
          Key: 'chunked',
          Body: Readable.from([Buffer.from('streamed')]),
          ContentLength: 8,
        }),
      )
    await withServer({}, async server => {
      expect((await failure(send(server))).status).toBe(501)
    })
    await withServer({ awsChunked: true }, async server => {
      await send(server)
      expect(server.bucket().current('chunked')?.body.toString()).toBe('streamed')
      expect(server.bucket().current('chunked')?.system['content-encoding']).toBeUndefined()
    })
  })

  test('conditions ignored or refused', async () => {
    const put = new PutObjectCommand({ Bucket, Key: 'k', Body: '2', IfNoneMatch: '*' })
    await withServer({ ignoreConditions: true }, async (server, s3) => {
      await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '1' }))
      await s3.send(put)
      expect(server.bucket().current('k')?.body.toString()).toBe('2')
    })
    await withServer({ refuseConditions: true }, async (_, s3) => {
      expect(await failure(s3.send(put))).toMatchObject({ name: 'NotImplemented', status: 501 })
    })
  })

  test('ownership enforced, public access blocked, versions, other regions, new buckets', async () => {
    const buckets = [
      { name: 'owned', ownershipEnforced: true },
      { name: 'blocked', blockPublicAcls: true },
      { name: 'versioned', versioning: true },
      { name: 'far', region: 'eu-central-1' },
    ]
    await withServer({ buckets }, async (server, s3) => {
      const put = (name: string): Promise<unknown> =>
        s3.send(new PutObjectCommand({ Bucket: name, Key: 'k', Body: 'x', ACL: 'public-read' }))
      expect(await failure(put('owned'))).toMatchObject({ name: 'AccessControlListNotSupported', status: 400 })
      expect(await failure(put('blocked'))).toMatchObject({ name: 'AccessDenied', status: 403 })
      const first = await s3.send(new PutObjectCommand({ Bucket: 'versioned', Key: 'k', Body: '1' }))
      await s3.send(new PutObjectCommand({ Bucket: 'versioned', Key: 'k', Body: '2' }))
      await s3.send(new DeleteObjectCommand({ Bucket: 'versioned', Key: 'k' }))
      expect((await failure(s3.send(new GetObjectCommand({ Bucket: 'versioned', Key: 'k' })))).status).toBe(404)
      const old = await s3.send(new GetObjectCommand({ Bucket: 'versioned', Key: 'k', VersionId: first.VersionId }))
      expect(await old.Body?.transformToString()).toBe('1')
      const versions = await s3.send(new ListObjectVersionsCommand({ Bucket: 'versioned' }))
      expect([versions.Versions?.length, versions.DeleteMarkers?.length]).toEqual([2, 1])
      const moved = await failure(s3.send(new HeadBucketCommand({ Bucket: 'far' })))
      expect(moved.status).toBe(301)
      expect(moved.error.$response?.headers ?? {}).toMatchObject({ 'x-amz-bucket-region': 'eu-central-1' })
      const near = clientOf(server, { region: 'eu-central-1' })
      expect((await near.send(new HeadBucketCommand({ Bucket: 'far' }))).BucketRegion).toBe('eu-central-1')
      near.destroy()
      await s3.send(new CreateBucketCommand({ Bucket: 'fresh' }))
      expect((await failure(s3.send(new CreateBucketCommand({ Bucket: 'fresh' })))).name).toBe(
        'BucketAlreadyOwnedByYou',
      )
      expect((await failure(s3.send(new GetObjectCommand({ Bucket: 'nope', Key: 'k' })))).name).toBe('NoSuchBucket')
    })
    await withServer({ region: 'eu-west-3', buckets: [] }, async (_, s3) => {
      const CreateBucketConfiguration = { LocationConstraint: 'eu-west-3' } as const
      await s3.send(new CreateBucketCommand({ Bucket: 'fresh', CreateBucketConfiguration }))
      const wrong = { LocationConstraint: 'eu-west-1' } as const
      const failed = await failure(
        s3.send(new CreateBucketCommand({ Bucket: 'fresh2', CreateBucketConfiguration: wrong })),
      )
      expect(failed.name).toBe('IllegalLocationConstraintException')
    })
  })

  test('session tokens', async () => {
    const credentials = { accessKeyId: 'ASIA', secretAccessKey: 's', sessionToken: 'token+/=' }
    await withServer({ credentials: [credentials] }, async (server, s3) => {
      await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
      expect((await fetch(await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'k' })))).status).toBe(200)
      const wrong = clientOf(server, { credentials: { ...credentials, sessionToken: 'other' } })
      expect((await failure(wrong.send(new ListObjectsV2Command({ Bucket })))).name).toBe('InvalidToken')
      wrong.destroy()
    })
  })

  test('faults: error, error in a 200, reset after the work, truncated body', async () => {
    await withServer({}, async (server, s3) => {
      server.faults.add({
        operation: 'PutObject',
        fault: { do: 'refuse', status: 503, code: 'SlowDown', headers: { 'retry-after': '1' } },
      })
      const put = new PutObjectCommand({ Bucket, Key: 'k', Body: '0123456789' })
      expect(await failure(s3.send(put))).toMatchObject({ name: 'SlowDown', status: 503 })
      expect(server.bucket().current('k')).toBeUndefined()
      server.faults.add({ operation: 'PutObject', fault: { do: 'drop', at: 'after' } })
      await expect(s3.send(put)).rejects.toThrow()
      expect(server.bucket().current('k')?.body.toString()).toBe('0123456789')
      server.faults.add({ operation: 'GetObject', fault: { do: 'cut', bytes: 4 } })
      const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'k' }))
      await expect(got.Body?.transformToString()).rejects.toThrow()
      server.faults.add({
        operation: 'CopyObject',
        fault: { do: 'refuse', at: 'after', status: 200, code: 'InternalError' },
      })
      const failed = await failure(s3.send(new CopyObjectCommand({ Bucket, Key: 'k2', CopySource: 'media/k' })))
      expect(failed.name).toBe('InternalError')
      expect(server.faults.size).toBe(0)
    })
  })
})
