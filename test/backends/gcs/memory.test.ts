import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { startGcsSink } from '../../servers/gcs-sink.ts'
import { startStrictGcs } from '../../servers/strict-gcs.ts'
import { runNode } from '../../support/child.ts'
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
const LARGE = Number(process.env['HOLDALL_BOUNDED_BYTES'] ?? 128 * MIB)

it.each([
  ['of unknown length', LARGE, 256 * 1024, 0],
  ['to a slow server', 32 * MIB, 256 * 1024, 2],
  ['in chunks of 700 kB', 32 * MIB, 700_000, 0],
  ['in chunks of 128 bytes', 11 * MIB, 128, 0],
])(
  'a stream %s takes two parts of memory and a little',
  async (_title, size, chunk, pauseMs) => {
    const sink = await startGcsSink({ pauseMs })
    const program = fileURLToPath(new URL('./bounded-upload.ts', import.meta.url))
    const words = ['--expose-gc', program, sink.url, ...[size, chunk, PART].map(String)]
    const { stdout } = await runNode(words, { timeoutMs: 50_000 + size / 20_000 })
    const { peak, after } = JSON.parse(stdout)
    // Two parts are of the upload that the program makes beforehand.
    expect([sink.received, sink.completed]).toEqual([size + 2 * PART, 2])
    expect(peak).toBeLessThan(2 * PART + SLACK)
    // It does use what it may, so that the measure is one.
    expect(peak).toBeGreaterThan(PART / 2)
    expect(after).toBeLessThan(MIB)
    await sink.close()
  },
  60_000 + LARGE / 10_000,
)
