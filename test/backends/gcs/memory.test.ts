import { afterAll, expect, it } from 'vitest'
import { startStrictGcs } from '../../servers/strict-gcs.ts'
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
