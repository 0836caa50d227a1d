import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { startGcsSink } from '../../servers/gcs-sink.ts'
import { startStrictGcs } from '../../servers/strict-gcs.ts'
import { describeBoundedUploads } from '../../support/bounded-upload.ts'
import { at, KIB_256, storageWith } from './support.ts'

const server = await startStrictGcs()
afterAll(() => server.close())

it('a service that does not answer holds a source of unknown length back after two parts', async () => {
  const part = 4 * KIB_256
  const held = Promise.withResolvers<void>()
  const controller = new AbortController()
  server.faults.add({ operation: 'objects.insert.part', fault: { do: 'hold', onHold: () => held.resolve() } })
  const files = storageWith({ ...at(server), multipartThreshold: 0, blobChunkSize: part })
  let given = 0
  async function* source(): AsyncGenerator<Buffer> {
    for (; given < 12 * part; given += 65_536) yield Buffer.alloc(65_536, 1)
  }
  const saved = files.save('large', source(), { signal: controller.signal })
  await held.promise
  // Turns enough to read all of the source, were it not held back.
  for (let turn = 0; turn < 1000; turn++) await new Promise(setImmediate)
  expect(given).toBeGreaterThanOrEqual(part)
  expect(given).toBeLessThanOrEqual(2 * part + 65_536)
  controller.abort()
  await expect(saved).rejects.toMatchObject({ code: 'aborted' })
  // Closing waits until the session is cancelled.
  await files.close()
  expect(server.sessions.open).toEqual([])
})

const MIB = 1024 * 1024
const PART = 5 * MIB
/** Besides the parts: the chunks on their way into one, and what the sockets hold. */
const SLACK = 1.5 * MIB
/** Set to 2147483648 for the sentence about 2 GiB; the same program, for half a minute. */
const LARGE = Number(process.env['HOLDALL_BOUNDED_BYTES'] ?? (process.env['HOLDALL_TESTS'] === 'full' ? 128 : 64) * MIB)

describeBoundedUploads({
  module: join(import.meta.dirname, '../../../src/backends/gcs/index.ts'),
  className: 'GcsStorage',
  options: endpointUrl => ({
    endpointUrl,
    bucketName: 'media',
    credentials: 'anonymous',
    blobChunkSize: PART,
    multipartThreshold: PART,
  }),
  part: PART,
  startSink: startGcsSink,
  takes: 'two parts of memory',
  least: PART / 2,
  most: 2 * PART + SLACK,
  streams: {
    'unknown length': { size: LARGE, chunk: 256 * 1024 },
    '32 MiB to a slow server': { size: 32 * MIB, chunk: 256 * 1024, pauseMs: 2 },
    '32 MiB in chunks of 700 kB': { size: 32 * MIB, chunk: 700_000 },
    '11 MiB in chunks of 128 bytes': { size: 11 * MIB, chunk: 128 },
  },
})
