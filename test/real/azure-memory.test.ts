/** 2 GiB of unknown length, and what a process holds of them. */
import { expect, test } from 'vitest'
import { boundedAzure } from '../backends/azure/bounded.ts'
import { startAzureSink } from '../servers/azure-sink.ts'
import { boundedUpload } from '../support/bounded-upload.ts'

const MIB = 1024 * 1024

test('a stream of 2 GiB goes up in the memory of a few blocks', async () => {
  const sink = await startAzureSink()
  const [size, part, concurrency] = [2048 * MIB, 8 * MIB, 2]
  const { peak, after } = await boundedUpload(boundedAzure(part, concurrency), sink, { size, chunk: 256 * 1024 })
  expect([sink.received, sink.completed]).toEqual([size + 2 * part, 2])
  expect(peak).toBeLessThan(part * (concurrency + 1) + 2 * MIB)
  expect(after).toBeLessThan(MIB)
  await sink.close()
}, 300_000)
