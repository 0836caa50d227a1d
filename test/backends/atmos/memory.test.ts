import { join } from 'node:path'
import { startAtmosSink } from '../../servers/atmos-sink.ts'
import { describeBoundedUploads } from '../../support/bounded-upload.ts'

const MIB = 1024 * 1024
const PART = 2 * MIB
/** Besides the parts: the chunks on their way into one, and what the sockets hold. */
const SLACK = 1.5 * MIB
/** Set to 2147483648 for the sentence about any size; the same program, for half a minute. */
const LARGE = Number(process.env['HOLDALL_BOUNDED_BYTES'] ?? 24 * MIB)

describeBoundedUploads({
  module: join(import.meta.dirname, '../../../src/backends/atmos/index.ts'),
  className: 'AtmosStorage',
  options: host => ({ host, user: 'uid', key: 'c2VjcmV0', container: 'media', partSize: PART, fileOverwrite: true }),
  part: PART,
  startSink: startAtmosSink,
  takes: 'two parts of memory',
  least: PART / 2,
  most: 2 * PART + SLACK,
  streams: {
    'unknown length': { size: LARGE, chunk: 256 * 1024 },
    '8 MiB to a slow server': { size: 8 * MIB, chunk: 200_000, pauseMs: 2 },
  },
})
