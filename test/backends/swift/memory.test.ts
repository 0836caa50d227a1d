import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { startStrictSwift } from '../../servers/strict-swift.ts'
import { startSwiftSink } from '../../servers/swift-sink.ts'
import { describeBoundedUploads } from '../../support/bounded-upload.ts'
import { at, storageWith } from './support.ts'

const MIB = 1024 * 1024
const PART = MIB

const server = await startStrictSwift({ containers: ['media', 'media_segments'] })
afterAll(() => server.close())

it('a service that does not answer holds a source of unknown length back after as many segments as go at once', async () => {
  const held = Promise.withResolvers<void>()
  const controller = new AbortController()
  server.faults.add({ operation: 'object.put', times: 2, fault: { do: 'hold', onHold: () => held.resolve() } })
  await using files = storageWith({ ...at(server), multipartThreshold: PART, partSize: PART, uploadConcurrency: 2 })
  let given = 0
  async function* source(): AsyncGenerator<Buffer> {
    for (; given < 16 * PART; given += 65_536) yield Buffer.alloc(65_536, 1)
  }
  const saved = files.save('large', source(), { signal: controller.signal })
  await held.promise
  // Turns enough to read all of the source, were it not held back.
  for (let turn = 0; turn < 1000; turn++) await new Promise(setImmediate)
  expect(given).toBeGreaterThanOrEqual(2 * PART - 65_536)
  expect(given).toBeLessThanOrEqual(4 * PART + 65_536)
  controller.abort()
  await expect(saved).rejects.toMatchObject({ code: 'aborted' })
})

/** Besides the segments: the chunks on their way into one, and what the sockets hold. */
const SLACK = 1.5 * MIB
/** Set to 6442450944 for the sentence about more than 5 GiB; the same program, for a minute. */
const LARGE = Number(process.env['HOLDALL_BOUNDED_BYTES'] ?? 12 * MIB)

describeBoundedUploads({
  module: join(import.meta.dirname, '../../../src/backends/swift/index.ts'),
  className: 'SwiftStorage',
  options: url => ({
    token: 'token',
    storageUrl: `${url}/v1/AUTH_test`,
    containerName: 'media',
    largeObjects: 'dlo',
    partSize: PART,
    multipartThreshold: PART,
    uploadConcurrency: 2,
  }),
  part: PART,
  startSink: startSwiftSink,
  takes: 'three segments of memory',
  least: PART / 2,
  most: 4 * PART + SLACK,
  streams: { 'unknown length': { size: LARGE, chunk: 256 * 1024 } },
})
