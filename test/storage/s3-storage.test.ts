import { afterAll, describe, it } from 'vitest'
import { type S3Options, S3Storage } from '../../src/backends/s3/index.ts'
import type { Input } from '../../src/core/settings.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { registerConformance, storageConformance } from '../../src/testing/index.ts'
import { startStrictS3 } from '../servers/strict-s3.ts'
import { storageLocations } from '../support/sampled.ts'

const strict = await startStrictS3()
const old = await startStrictS3({ ignoreConditions: true })
afterAll(() => Promise.all([strict.close(), old.close()]))

function storageOn(server: typeof strict, options: Input<S3Options>): Storage {
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
  const place = { endpointUrl: server.url, regionName: server.region, bucketName: 'media', addressingStyle: 'path' }
  return new S3Storage({ ...place, accessKey, secretKey, ...options } as Input<S3Options>, { settings: {}, env: {} })
}

registerConformance(
  { describe, it },
  storageConformance({ create: wanted => storageOn(strict, wanted), ...storageLocations }),
  'S3Storage and a strict server',
)
registerConformance(
  { describe, it },
  storageConformance({
    create: wanted => storageOn(strict, { ...wanted, gzip: true, gzipContentTypes: ['text/plain'] }),
    locations: [''],
  }),
  'S3Storage that compresses',
)
registerConformance(
  { describe, it },
  storageConformance({ create: wanted => storageOn(old, wanted), locations: [''] }),
  'S3Storage and a server that ignores conditions',
)
