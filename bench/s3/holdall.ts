import type { Contender } from '../remote/contender.ts'
import { PARALLEL, PART_SIZE } from '../remote/contender.ts'
import { built, ofStorage } from '../remote/holdall.ts'

const { S3Storage }: typeof import('../../src/backends/s3/index.ts') = await import(built('backends/s3/index.js'))

/** Holdall as it is for Amazon, but for TLS; or `lean`, with neither checksums nor hashes of bodies, as for others over TLS. */
export function holdall(endpoint: string, lean: boolean): Contender {
  return ofStorage(
    new S3Storage(
      {
        endpointUrl: endpoint,
        bucketName: 'bucket',
        regionName: 'us-east-1',
        addressingStyle: 'path',
        accessKey: 'key',
        secretKey: 'secret',
        fileOverwrite: true,
        partSize: PART_SIZE,
        uploadConcurrency: PARALLEL,
        checksums: lean ? 'off' : 'always',
        payloadSigning: lean ? 'never' : 'auto',
      },
      { env: {} },
    ),
  )
}
