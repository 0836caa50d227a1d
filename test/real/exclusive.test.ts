import { join } from 'node:path'
import { afterAll, afterEach } from 'vitest'
import { startRgw } from '../servers/rgw.ts'
import { describeExclusiveSaves, emptyAndClose } from './backend.ts'
import { rgwOptions, rgwStorage } from './places/rgw.ts'

const server = await startRgw()
afterAll(() => server.close(), 60_000)
afterEach(() => emptyAndClose(rgwStorage(server)))

const MIB = 1024 * 1024

describeExclusiveSaves({
  module: join(import.meta.dirname, '../../src/backends/s3/index.ts'),
  className: 'S3Storage',
  // So that a file of more than 5 MiB goes in parts.
  options: { ...rgwOptions(server), multipartThreshold: 5 * MIB, partSize: 5 * MIB },
  sizes: { 'in one request': 5000, 'in parts': 5 * MIB + 5000 },
  storage: () => rgwStorage(server),
})
