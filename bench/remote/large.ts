import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { machine } from '../harness.ts'
import { once } from './once.ts'
import type { BenchService } from './service.ts'
import { type Choice, startSink } from './team.ts'

/**
 * 256 MiB up from a stream of unknown size (in parts of 8 MiB, 4 at a time where the service takes them so) and down as a stream, with the
 * client's peak memory. Up from memory, always the same 256 KiB, and from a file, by Node's 64 KiB. Each measurement has its own process.
 */
export async function large(service: BenchService, choice: Choice): Promise<void> {
  const times = 256 * 1024 ** 2
  const { up, down } = service.targets
  console.log(`${machine()}\n`)
  const folder = mkdtempSync(join(tmpdir(), 'holdall-bench-'))
  try {
    const file = join(folder, 'large.bin')
    // By pieces: a process begins with the peak memory of its parent.
    const piece = Buffer.alloc(1024 ** 2, 'holdall ')
    for (let bytes = 0; bytes < times; bytes += piece.byteLength) appendFileSync(file, piece)
    const sink = await (choice.isTls ? startSink(service, '--tls') : startSink(service))
    await once(service, choice, sink, [
      { title: '256 MiB up', operation: 'up', times, leastSpeed: up },
      { title: '256 MiB up from a file', operation: 'up', times, file, leastSpeed: up },
      { title: '256 MiB down', operation: 'down', times, leastSpeed: down },
    ])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
