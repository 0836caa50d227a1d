import { Readable } from 'node:stream'
import { type Contender, count, PARALLEL, PART_SIZE } from '../remote/contender.ts'
import { ofDisk, ofFileStorage, ofFiles } from '../remote/peers.ts'

const CREDENTIALS = { accessKeyId: 'key', secretAccessKey: 'secret' }
const Bucket = 'bucket'

function configuration(endpoint: string) {
  return { endpoint, region: 'us-east-1', forcePathStyle: true, credentials: CREDENTIALS, maxAttempts: 1 }
}

/** The peers by name, each with its defaults but for endpoint, keys, part size and parallel parts; imported when made. */
export const PEERS: Readonly<Record<string, (endpoint: string) => Promise<Contender>>> = {
  async 'aws-sdk'(endpoint) {
    const { S3Client, GetObjectCommand, HeadObjectCommand, PutObjectCommand, paginateListObjectsV2 } = await import(
      '@aws-sdk/client-s3'
    )
    const client = new S3Client(configuration(endpoint))
    return {
      put: (Key, Body) => client.send(new PutObjectCommand({ Bucket, Key, Body })),
      async get(Key) {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
        return (await Body!.transformToByteArray()).byteLength
      },
      head: async Key => (await client.send(new HeadObjectCommand({ Bucket, Key }))).ContentLength!,
      async upload(Key, Body) {
        const { Upload } = await import('@aws-sdk/lib-storage')
        await new Upload({ client, params: { Bucket, Key, Body }, partSize: PART_SIZE, queueSize: PARALLEL }).done()
      },
      download: async Key => count((await client.send(new GetObjectCommand({ Bucket, Key }))).Body as Readable),
      async list() {
        let keys = 0
        for await (const page of paginateListObjectsV2({ client }, { Bucket })) keys += page.Contents?.length ?? 0
        return keys
      },
    }
  },
  async flydrive(endpoint) {
    const { Disk } = await import('flydrive')
    const { S3Driver } = await import('flydrive/drivers/s3')
    const options = { bucket: Bucket, visibility: 'private', supportsACL: false } as const
    return ofDisk(new Disk(new S3Driver({ ...configuration(endpoint), ...options })))
  },
  async flystorage(endpoint) {
    const { S3Client } = await import('@aws-sdk/client-s3')
    const { FileStorage } = await import('@flystorage/file-storage')
    const { AwsS3StorageAdapter } = await import('@flystorage/aws-s3')
    const uploadConfiguration = { partSize: PART_SIZE, queueSize: PARALLEL }
    const client = new S3Client(configuration(endpoint))
    return ofFileStorage(new FileStorage(new AwsS3StorageAdapter(client, { bucket: Bucket, uploadConfiguration })))
  },
  async 'files-sdk'(endpoint) {
    const { Files } = await import('files-sdk')
    const { s3 } = await import('files-sdk/s3')
    const options = { bucket: Bucket, region: 'us-east-1', endpoint, forcePathStyle: true, credentials: CREDENTIALS }
    return ofFiles(new Files({ adapter: s3(options) }))
  },
  async s3mini(endpoint) {
    const { S3mini } = await import('s3mini')
    const client = new S3mini({
      ...CREDENTIALS,
      endpoint: `${endpoint}/${Bucket}`,
      region: 'us-east-1',
      minPartSize: PART_SIZE,
    })
    return {
      put: async (key, bytes) => (await client.putObject(key, bytes)).arrayBuffer(),
      get: async key => (await client.getObjectArrayBuffer(key))!.byteLength,
      head: key => client.getContentLength(key),
      upload: (key, source, size) =>
        client.putAnyObject(
          key,
          Readable.toWeb(source) as ReadableStream<Uint8Array>,
          'application/octet-stream',
          undefined,
          undefined,
          size,
        ),
      download: async key => count((await client.getObjectResponse(key))!.body as unknown as Readable),
      list: async () => (await client.listObjects())!.length,
    }
  },
}
