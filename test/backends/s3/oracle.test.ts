import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { afterAll, describe, expect, test } from 'vitest'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'

const MIB = 1024 * 1024
const server = await startStrictS3({ awsChunked: true })
const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
const official = new S3Client({
  endpoint: server.url,
  region: server.region,
  forcePathStyle: true,
  credentials: server.credentials,
})
const place = { endpointUrl: server.url, regionName: server.region, bucketName: 'media', accessKey, secretKey }
const files = new S3Storage(place, { settings: {}, env: {} })
afterAll(async () => {
  official.destroy()
  await files.close()
  await server.close()
})

const NAMES = ['plain.txt', 'dir/ü + %41?#&=~!*()\'"<>.txt', '🙂/a b']
const large = Buffer.from(Array.from({ length: 11 * MIB }, (_, at) => (at * 7) % 253))

describe('the official client', () => {
  test.each(NAMES)('reads what we wrote: %s', async name => {
    await files.save(name, name, { cacheControl: 'no-store', contentType: 'text/odd', metadata: { plain: 'text' } })
    const got = await official.send(new GetObjectCommand({ Bucket: 'media', Key: name }))
    expect(await got.Body!.transformToString()).toBe(name)
    expect(got).toMatchObject({ CacheControl: 'no-store', ContentType: 'text/odd', Metadata: { plain: 'text' } })
  })

  test.each(NAMES)('writes what we read: %s', async Key => {
    await official.send(new PutObjectCommand({ Bucket: 'media', Key, Body: `theirs ${Key}`, Metadata: { a: 'b c' } }))
    expect(await (await files.open(Key, 'r')).read()).toBe(`theirs ${Key}`)
    expect((await files.stat(Key)).metadata).toEqual({ a: 'b c' })
  })

  test('and we agree on large files', async () => {
    await files.save('ours.bin', large)
    const got = await official.send(new GetObjectCommand({ Bucket: 'media', Key: 'ours.bin' }))
    expect(Buffer.from(await got.Body!.transformToByteArray()).equals(large)).toBe(true)
    await new Upload({ client: official, params: { Bucket: 'media', Key: 'theirs.bin', Body: large } }).done()
    expect((await (await files.open('theirs.bin')).read()).equals(large)).toBe(true)
  })

  test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA256'] as const)('verifies our %s', async checksumAlgorithm => {
    const checked = new S3Storage({ ...place, checksums: 'always', checksumAlgorithm }, { settings: {}, env: {} })
    await checked.save('checked', 'bytes')
    const head = new HeadObjectCommand({ Bucket: 'media', Key: 'checked', ChecksumMode: 'ENABLED' })
    expect((await official.send(head))[`Checksum${checksumAlgorithm}`]).toBeTruthy()
    await checked.save('checked large', large)
    const got = await official.send(new GetObjectCommand({ Bucket: 'media', Key: 'checked large' }))
    expect((await got.Body!.transformToByteArray()).length).toBe(large.length)
  })
})
