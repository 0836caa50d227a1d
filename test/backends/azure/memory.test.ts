import { describeBoundedUploads } from '../../support/bounded-uploads.ts'
import { ground } from './bounded.ts'

const MIB = 1024 * 1024

describeBoundedUploads(ground, {
  '128 MiB': { size: 128 * MIB, chunk: 256 * 1024 },
  '32 MiB to a slow server': { size: 32 * MIB, chunk: 256 * 1024, pauseMs: 2 },
  '32 MiB in chunks of 64 KiB': { size: 32 * MIB, chunk: 64 * 1024 },
  '32 MiB in chunks of 700 kB to a slow server': { size: 32 * MIB, chunk: 700_000, pauseMs: 2 },
  '11 MiB in chunks of 128 bytes': { size: 11 * MIB, chunk: 128 },
})
