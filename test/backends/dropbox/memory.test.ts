import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { startDropboxSink } from '../../servers/dropbox-sink.ts'
import { startStrictDropbox } from '../../servers/strict-dropbox.ts'
import { describeBoundedUploads } from '../../support/bounded-upload.ts'
import { at, hostsAt, MIB_4, storageWith } from './support.ts'

const server = await startStrictDropbox()
afterAll(() => server.close())

it('a service that does not answer holds a source of unknown length back after two parts', async () => {
  const held = Promise.withResolvers<void>()
  const controller = new AbortController()
  server.faults.add({
    operation: 'files/upload_session/append_v2',
    fault: { do: 'hold', onHold: () => held.resolve() },
  })
  await using files = storageWith({ ...at(server), multipartThreshold: MIB_4, partSize: MIB_4 })
  let given = 0
  async function* source(): AsyncGenerator<Buffer> {
    for (; given < 12 * MIB_4; given += 65_536) yield Buffer.alloc(65_536, 1)
  }
  const saved = files.save('large', source(), { overwrite: true, signal: controller.signal })
  await held.promise
  // Turns enough to read all of the source, were it not held back.
  for (let turn = 0; turn < 1000; turn++) await new Promise(setImmediate)
  expect(given).toBeGreaterThanOrEqual(2 * MIB_4)
  expect(given).toBeLessThanOrEqual(3 * MIB_4 + 65_536)
  controller.abort()
  await expect(saved).rejects.toMatchObject({ code: 'aborted' })
})

const MIB = 1024 * 1024
const PART = MIB_4
/** Besides the parts: the chunks on their way into one, and what the sockets hold. */
const SLACK = 1.5 * MIB
/** Set to 2147483648 for the sentence about any size; the same program, for half a minute. */
const LARGE = Number(process.env['HOLDALL_BOUNDED_BYTES'] ?? 40 * MIB)

describeBoundedUploads({
  module: join(import.meta.dirname, '../../../src/backends/dropbox/index.ts'),
  className: 'DropboxStorage',
  options: url => ({
    ...hostsAt(url),
    oauth2AccessToken: 'x'.repeat(40),
    partSize: PART,
    multipartThreshold: PART,
  }),
  part: PART,
  startSink: startDropboxSink,
  takes: 'two parts of memory',
  least: PART / 2,
  most: 2 * PART + SLACK,
  streams: {
    'unknown length': { size: LARGE, chunk: 256 * 1024 },
    '12 MiB to a slow server': { size: 12 * MIB, chunk: 256 * 1024, pauseMs: 2 },
    '12 MiB in chunks of 700 kB': { size: 12 * MIB, chunk: 700_000 },
  },
})
