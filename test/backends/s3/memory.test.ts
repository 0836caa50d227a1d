import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import { type S3Sink, startS3Sink } from '../../servers/s3-sink.ts'
import { runNode } from '../../support/child.ts'
import { driverFor } from './support.ts'

const MIB = 1024 * 1024
const PART = 5 * MIB
const CONCURRENCY = 3
/** Besides the parts: the chunks on their way into one, and what the sockets hold. */
const SLACK = MIB

async function upload(sink: S3Sink, size: number, chunk: number): Promise<{ peak: number; after: number }> {
  const program = fileURLToPath(new URL('./bounded-upload.ts', import.meta.url))
  const words = ['--expose-gc', program, sink.url, ...[size, chunk, PART, CONCURRENCY].map(String)]
  const { stdout } = await runNode(words)
  return JSON.parse(stdout)
}

test.each([
  ['200 MiB', 200 * MIB, 256 * 1024, 0],
  ['64 MiB to a slow server', 64 * MIB, 256 * 1024, 2],
  ['64 MiB in chunks of 64 KiB', 64 * MIB, 64 * 1024, 0],
  ['64 MiB in chunks of 700 kB to a slow server', 64 * MIB, 700_000, 2],
  ['11 MiB in chunks of 128 bytes', 11 * MIB, 128, 0],
])('a stream of %s takes part size x (concurrency + 1) and a little', async (_title, size, chunk, pauseMs) => {
  const sink = await startS3Sink({ pauseMs })
  const { peak, after } = await upload(sink, size, chunk)
  // Two parts are of the upload that the program makes beforehand.
  expect([sink.received, sink.completed]).toEqual([size + 2 * PART, 2])
  expect(peak).toBeLessThan(PART * (CONCURRENCY + 1) + SLACK)
  // It does use what it may, so that the measure is one.
  expect(peak).toBeGreaterThan(PART)
  expect(after).toBeLessThan(MIB)
  await sink.close()
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
