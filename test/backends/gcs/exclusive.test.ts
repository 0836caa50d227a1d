import { join } from 'node:path'
import { afterAll, afterEach } from 'vitest'
import { describeExclusiveSaves, emptyAndClose } from '../../real/backend.ts'
import { startStrictGcs } from '../../servers/strict-gcs.ts'
import { at, KIB_256, storageWith } from './support.ts'

const server = await startStrictGcs()
const options = {
  ...at(server),
  bucketName: 'media',
  maxAttempts: 4,
  multipartThreshold: KIB_256,
  blobChunkSize: KIB_256,
}
afterAll(() => server.close())
afterEach(() => emptyAndClose(storageWith(options)))

describeExclusiveSaves({
  module: join(import.meta.dirname, '../../../src/backends/gcs/index.ts'),
  className: 'GcsStorage',
  options,
  sizes: { 'in one request': 5000, 'in parts': KIB_256 + 5000 },
  storage: () => storageWith(options),
})
