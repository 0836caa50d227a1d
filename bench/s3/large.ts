/**
 * 256 MiB up from a stream of unknown size (in parts of 8 MiB, 4 at a time; `node:http` in one request) and down as a stream,
 * with the client's peak memory. Up from memory, always the same 256 KiB, and from a file, by Node's 64 KiB. Each measurement has
 * its own process.
 *
 *     node scripts/build.ts                  # before
 *     node bench/s3/large.ts [name]          # over plain HTTP, where bodies are hashed for the signature
 *     node bench/s3/large.ts --tls [name]    # over TLS, where those above 1 MiB are not
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { machine } from '../harness.ts'
import { once } from './once.ts'
import { startSink } from './team.ts'

const times = 256 * 1024 ** 2
console.log(`${machine()}\n`)
const folder = mkdtempSync(join(tmpdir(), 'holdall-bench-'))
try {
  const file = join(folder, 'large.bin')
  writeFileSync(file, Buffer.alloc(times, 'holdall '))
  await once(await (process.argv.includes('--tls') ? startSink('--tls') : startSink()), [
    { title: '256 MiB up', operation: 'up', times },
    { title: '256 MiB up from a file', operation: 'up', times, file },
    { title: '256 MiB down', operation: 'down', times },
  ])
} finally {
  rmSync(folder, { recursive: true, force: true })
}
