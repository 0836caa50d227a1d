// Uploads a stream of so many bytes in such chunks; prints how many bytes of buffers were alive at most, and afterwards.
import { Readable } from 'node:stream'
import type { Storage } from '../../src/storage/storage.ts'

const { module, className, options, size, chunk, part } = JSON.parse(process.env['UPLOAD']!)
const EVERY = 2 * 1024 * 1024

/** Bytes of buffers that are still reachable. */
function alive(): number {
  // Twice, because what the first collection found is freed in the background.
  gc!()
  gc!()
  return process.memoryUsage().arrayBuffers
}

let peak = 0
async function* source(): AsyncGenerator<Buffer> {
  for (let sent = 0, looked = 0; sent < size; sent += chunk) {
    if (sent - looked >= EVERY) {
      looked = sent
      peak = Math.max(peak, alive())
    }
    yield Buffer.allocUnsafeSlow(Math.min(chunk, size - sent)).fill(sent)
  }
}

const Class: new (...args: unknown[]) => Storage = (await import(module))[className]
const files = new Class(options, { settings: {}, env: {} })
// Loads everything that is loaded at first use.
await files.save('first', new Uint8Array(2 * part), { overwrite: true })
const before = alive()
await files.save('large', Readable.from(source(), { objectMode: false }), { overwrite: true })
await files.close()
console.log(JSON.stringify({ peak: peak - before, after: alive() - before }))
