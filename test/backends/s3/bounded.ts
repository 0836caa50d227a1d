import { S3Storage } from '../../../src/backends/s3/index.ts'
import { s3Sink } from '../../servers/s3-sink.ts'
import type { BoundedGround } from '../../support/bounded-uploads.ts'

const KEYS = { accessKey: 'key', secretKey: 'secret', bucketName: 'media' }

export const ground: BoundedGround = {
  service: s3Sink,
  module: import.meta.filename,
  concurrency: 3,
  storage({ url, part, concurrency }) {
    const options = { ...KEYS, endpointUrl: url, partSize: part, uploadConcurrency: concurrency }
    return new S3Storage(options, { settings: {}, env: {} })
  },
}
