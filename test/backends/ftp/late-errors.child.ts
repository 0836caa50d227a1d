/**
 * Works with a server over TLS that breaks connections while nobody waits for them; tells what came of each call. A line of standard input
 * begins a round, `abort` ends its upload, `end` is the last.
 */
import { createInterface } from 'node:readline'
import { FtpStorage } from '../../../src/backends/ftp/index.ts'

const [location = ''] = process.argv.slice(2)
const files = new FtpStorage({ location, verify: false, maxAttempts: 1, poolSize: 1 }, { settings: {}, env: {} })
let controller = new AbortController()

async function* large(): AsyncGenerator<Buffer> {
  for (let piece = 0; piece < 40; piece++) yield Buffer.alloc(50_000, piece)
}

const outcome = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'done',
    error => error.code ?? String(error),
  )

async function round(name: string): Promise<void> {
  controller = new AbortController()
  const saved = files.save(name, large(), { overwrite: true, signal: controller.signal })
  console.log(`${name}: ${await outcome(saved)}, ${await outcome(files.exists('kept'))}`)
}

const lines = createInterface({ input: process.stdin })
lines.on('line', line => {
  if (line === 'abort') {
    controller.abort()
    console.log('aborted')
  }
  // It is not closed: what rests must not keep the process.
  else if (line === 'end') process.stdin.destroy()
  else void round(line)
})
