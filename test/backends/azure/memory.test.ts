import { expect, test } from 'vitest'
import { startAzureSink } from '../../servers/azure-sink.ts'
import { boundedUpload } from './bounded.ts'
import { storageFor } from './strict-storage.ts'

const MIB = 1024 * 1024
const PART = 5 * MIB
const CONCURRENCY = 3
/** Besides the parts: the chunks on their way into one, and what the sockets hold. */
const SLACK = MIB

test.each([
  ['128 MiB', 128 * MIB, 256 * 1024, 0],
  ['32 MiB to a slow server', 32 * MIB, 256 * 1024, 2],
  ['32 MiB in chunks of 64 KiB', 32 * MIB, 64 * 1024, 0],
  ['32 MiB in chunks of 700 kB to a slow server', 32 * MIB, 700_000, 2],
  ['11 MiB in chunks of 128 bytes', 11 * MIB, 128, 0],
])('a stream of %s takes part size x (concurrency + 1) and a little', async (_title, size, chunk, pauseMs) => {
  const sink = await startAzureSink({ pauseMs })
  const { peak, after } = await boundedUpload(sink, { size, chunk, part: PART, concurrency: CONCURRENCY })
  // Two blocks are of the upload that the program makes beforehand.
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
  const sink = await startAzureSink({
    onBlock: () => {
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
