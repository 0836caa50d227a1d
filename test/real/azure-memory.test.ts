/** 2 GiB of unknown length, and what a process holds of them. */
import { test } from 'vitest'
import { ground } from '../backends/azure/bounded.ts'
import { expectBounded } from '../support/bounded-uploads.ts'

const MIB = 1024 * 1024

test('a stream of 2 GiB goes up in the memory of a few blocks', async () => {
  const upload = { size: 2048 * MIB, chunk: 256 * 1024, part: 8 * MIB, concurrency: 2 }
  await expectBounded({ ...ground, slack: 2 * MIB }, upload)
}, 300_000)
