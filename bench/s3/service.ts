import { built } from '../remote/holdall.ts'
import type { BenchService } from '../remote/service.ts'
import { bare } from './bare.ts'
import { PEERS } from './peers.ts'

/** Amazon S3 and every compatible. */
export const service: BenchService = {
  name: 's3',
  contenders: {
    'node:http': bare,
    holdall: async endpoint => (await import('./holdall.ts')).holdall(endpoint, false),
    'holdall, no hashes': async endpoint => (await import('./holdall.ts')).holdall(endpoint, true),
    ...PEERS,
  },
  first: {
    holdall: endpoint => `
      const { S3Storage } = await import('${built('backends/s3/index.js')}')
      const options = { endpointUrl: '${endpoint}', bucketName: 'bucket', regionName: 'us-east-1', accessKey: 'key', secretKey: 'secret' }
      const storage = new S3Storage(options, { env: {} })
      await storage.size('a')
      await storage.close()`,
    'aws-sdk': endpoint => `
      const { S3Client, HeadObjectCommand } = await import('@aws-sdk/client-s3')
      const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
      const client = new S3Client({ endpoint: '${endpoint}', region: 'us-east-1', forcePathStyle: true, credentials })
      await client.send(new HeadObjectCommand({ Bucket: 'bucket', Key: 'a' }))
      client.destroy()`,
  },
  installed: [
    { name: 'aws-sdk', imports: ['@aws-sdk/client-s3', '@aws-sdk/lib-storage'] },
    {
      name: 'flydrive',
      imports: ['flydrive', 'flydrive/drivers/s3'],
      more: ['@aws-sdk/client-s3', '@aws-sdk/s3-request-presigner'],
    },
    { name: 'flystorage', imports: ['@flystorage/file-storage', '@flystorage/aws-s3'] },
    {
      name: 'files-sdk',
      imports: ['files-sdk', 'files-sdk/s3'],
      more: ['@aws-sdk/client-s3', '@aws-sdk/s3-presigned-post', '@aws-sdk/s3-request-presigner'],
    },
    { name: 's3mini', imports: ['s3mini'] },
  ],
  targets: { put: 1.7, get: 1.5, head: 1.4, up: 0.95, down: 0.8, importMs: 25, firstMs: 35 },
  hasTls: true,
}
