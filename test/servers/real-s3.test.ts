import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { realServers } from './debian.ts'
import { startR2 } from './r2.ts'
import { startRgw } from './rgw.ts'
import { startStrictS3 } from './strict-s3.ts'

interface Started {
  readonly url: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  close(): Promise<void>
}

const servers: [string, () => Promise<Started>][] = [
  ['strict S3', () => startStrictS3()],
  ['local R2', () => startR2()],
]
if (realServers) servers.push(['Ceph RADOS Gateway', startRgw])

const Bucket = 'media'

describe.each(servers)('the official client round-trips on %s', (name, start) => {
  let server: Started
  let s3: S3Client
  beforeAll(async () => {
    server = await start()
    s3 = new S3Client({
      endpoint: server.url,
      region: server.region,
      credentials: server.credentials,
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    })
    if (name.startsWith('Ceph')) await s3.send(new CreateBucketCommand({ Bucket }))
  }, 700_000)
  afterAll(async () => {
    s3?.destroy()
    await server?.close()
  }, 60_000)

  test('put, head, get, range, list, delete', async () => {
    const Key = 'ü b/one+two.txt'
    await s3.send(
      new PutObjectCommand({
        Bucket,
        Key,
        Body: 'hello',
        ContentType: 'text/plain',
        CacheControl: 'no-cache',
        Metadata: { a: 'b' },
      }),
    )
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }))
    expect(head).toMatchObject({
      ContentLength: 5,
      ContentType: 'text/plain',
      CacheControl: 'no-cache',
      Metadata: { a: 'b' },
    })
    const got = await s3.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=1-2' }))
    expect([await got.Body?.transformToString(), got.ContentRange]).toEqual(['el', 'bytes 1-2/5'])
    const listed = await s3.send(new ListObjectsV2Command({ Bucket, Delimiter: '/' }))
    expect(listed.CommonPrefixes).toEqual([{ Prefix: 'ü b/' }])
    await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }] } }))
    await expect(s3.send(new GetObjectCommand({ Bucket, Key }))).rejects.toMatchObject({ name: 'NoSuchKey' })
    await s3.send(new DeleteObjectCommand({ Bucket, Key }))
  })

  test('If-None-Match: * has one winner among eight', async () => {
    const put = (Body: string): Promise<unknown> =>
      s3.send(new PutObjectCommand({ Bucket, Key: 'race', Body, IfNoneMatch: '*' }))
    const outcomes = await Promise.allSettled([...'12345678'].map(put))
    expect(outcomes.filter(one => one.status === 'fulfilled').length).toBe(1)
  })

  test('multipart and abort', async () => {
    const Key = 'parts'
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }))
    const bodies = [Buffer.alloc(5 * 1024 * 1024, 1), Buffer.from('end')]
    const Parts: { ETag: string | undefined; PartNumber: number }[] = []
    for (const [index, Body] of bodies.entries()) {
      const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: index + 1, Body }))
      Parts.push({ ETag, PartNumber: index + 1 })
    }
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }))
    const got = await s3.send(new GetObjectCommand({ Bucket, Key }))
    expect(Buffer.concat(bodies).equals((await got.Body?.transformToByteArray()) as Uint8Array)).toBe(true)
    const second = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'gone' }))
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key: 'gone', UploadId: second.UploadId }))
    await expect(s3.send(new HeadObjectCommand({ Bucket, Key: 'gone' }))).rejects.toMatchObject({ name: 'NotFound' })
  })

  test('presigned URL, tampered URL and wrong secret', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'signed', Body: 'x' }))
    const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'signed' }))
    expect(await (await fetch(url)).text()).toBe('x')
    expect((await fetch(url.replace('/signed?', '/race?'))).status).toBe(403)
    const wrong = new S3Client({
      endpoint: server.url,
      region: server.region,
      credentials: { accessKeyId: server.credentials.accessKeyId, secretAccessKey: 'wrong' },
      forcePathStyle: true,
    })
    await expect(wrong.send(new ListObjectsV2Command({ Bucket }))).rejects.toMatchObject({
      name: 'SignatureDoesNotMatch',
    })
    wrong.destroy()
  })
})
