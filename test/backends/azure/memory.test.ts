import { expect, test } from 'vitest'
import { startAzureSink } from '../../servers/azure-sink.ts'
import { describeBoundedUploads } from '../../support/bounded-upload.ts'
import { boundedAzure } from './bounded.ts'
import { storageFor } from './strict-storage.ts'

const MIB = 1024 * 1024
const PART = 5 * MIB
const CONCURRENCY = 3
/** Besides the parts: the chunks on their way into one, and what the sockets hold. */
const SLACK = MIB
/** HOLDALL_BOUNDED_BYTES: another size; CI takes a larger one. */
const LARGE = Number(process.env['HOLDALL_BOUNDED_BYTES'] ?? (process.env['HOLDALL_TESTS'] === 'full' ? 128 : 64) * MIB)

describeBoundedUploads({
  ...boundedAzure(PART, CONCURRENCY),
  startSink: startAzureSink,
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
  const sink = await startAzureSink({
    onPart: () => {
      if (++arrived === CONCURRENCY) all.resolve()
      return release.promise
    },
  })
  let given = 0
  async function* source(): AsyncGenerator<Buffer> {
    for (; given < 12 * PART; given += MIB) yield Buffer.alloc(MIB, 1)
  }
  const account = { endpoint: `${sink.url}/sink`, account: 'sink', accountKey: 'c2VjcmV0' }
  const files = storageFor(account, { partSize: PART, multipartThreshold: PART, uploadConcurrency: CONCURRENCY })
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
