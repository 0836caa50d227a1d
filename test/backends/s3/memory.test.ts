import { join } from 'node:path'
import { expect, test } from 'vitest'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import { startS3Sink } from '../../servers/s3-sink.ts'
import { describeBoundedUploads } from '../../support/bounded-upload.ts'
import { driverFor } from './support.ts'

const MIB = 1024 * 1024
const PART = 5 * MIB
const CONCURRENCY = 3
/** Besides the parts: the chunks on their way into one, and what the sockets hold. */
const SLACK = MIB
/** HOLDALL_BOUNDED_BYTES: another size; CI takes a larger one. */
const LARGE = Number(process.env['HOLDALL_BOUNDED_BYTES'] ?? (process.env['HOLDALL_TESTS'] === 'full' ? 200 : 64) * MIB)

describeBoundedUploads({
  module: join(import.meta.dirname, '../../../src/backends/s3/index.ts'),
  className: 'S3Storage',
  options: endpointUrl => ({
    endpointUrl,
    accessKey: 'key',
    secretKey: 'secret',
    bucketName: 'media',
    partSize: PART,
    uploadConcurrency: CONCURRENCY,
  }),
  part: PART,
  startSink: startS3Sink,
  takes: 'part size x (concurrency + 1)',
  least: PART,
  most: PART * (CONCURRENCY + 1) + SLACK,
  streams: {
    'unknown length': { size: LARGE, chunk: 256 * 1024 },
    '32 MiB to a slow server': { size: 32 * MIB, chunk: 256 * 1024, pauseMs: 2 },
    '32 MiB in chunks of 64 KiB': { size: 32 * MIB, chunk: 64 * 1024 },
    '32 MiB in chunks of 700 kB to a slow server': { size: 32 * MIB, chunk: 700_000, pauseMs: 2 },
    '11 MiB in chunks of 128 bytes': { size: 11 * MIB, chunk: 128 },
  },
})

test('a server that does not answer holds the source back', async () => {
  let arrived = 0
  const all = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const sink = await startS3Sink({
    onPart: () => {
      if (++arrived === CONCURRENCY) all.resolve()
      return release.promise
    },
  })
  let given = 0
  async function* source(): AsyncGenerator<Buffer> {
    for (; given < 12 * PART; given += MIB) yield Buffer.alloc(MIB, 1)
  }
  const server = { url: sink.url, region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } }
  const sizes = { partSize: PART, uploadConcurrency: CONCURRENCY }
  const options = { accessKey: 'a', secretKey: 'b', bucketName: 'media' }
  const files = new S3Storage(options, { settings: {}, env: {}, driver: driverFor(server, sizes) })
  const saved = files.save('large', source(), { overwrite: true })
  await all.promise
  // Turns enough to read all of the source, were it not held back.
  for (let turn = 0; turn < 1000; turn++) await new Promise(setImmediate)
  expect(given).toBeLessThanOrEqual(PART * (CONCURRENCY + 1) + SLACK)
  release.resolve()
  await saved
  expect(sink.received).toBe(12 * PART)
  await files.close()
  await sink.close()
})
