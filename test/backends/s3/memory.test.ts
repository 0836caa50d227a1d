import { describeBoundedUploads } from '../../support/bounded-uploads.ts'
import { ground } from './bounded.ts'

const MIB = 1024 * 1024

describeBoundedUploads(ground, {
  '200 MiB': { size: 200 * MIB, chunk: 256 * 1024 },
  '64 MiB to a slow server': { size: 64 * MIB, chunk: 256 * 1024, pauseMs: 2 },
  '64 MiB in chunks of 64 KiB': { size: 64 * MIB, chunk: 64 * 1024 },
  '64 MiB in chunks of 700 kB to a slow server': { size: 64 * MIB, chunk: 700_000, pauseMs: 2 },
  '11 MiB in chunks of 128 bytes': { size: 11 * MIB, chunk: 128 },
})
