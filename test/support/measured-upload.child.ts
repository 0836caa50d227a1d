/**
 * Uploads a stream with the storage of a `BoundedGround` and prints how many bytes of buffers were alive at most, and afterwards:
 * `node --expose-gc measured-upload.child.ts MODULE URL SIZE CHUNK PART CONCURRENCY`; the module exports its `ground`.
 */
import { Readable } from 'node:stream'
import type { BoundedGround } from './bounded-uploads.ts'

/** Bytes that are sent between two looks at the memory. */
const EVERY = 2 * 1024 * 1024

const [module = '', url = '', ...numbers] = process.argv.slice(2)
const [size = 0, chunk = 0, part = 0, concurrency = 0] = numbers.map(Number)

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

const { ground } = (await import(module)) as { ground: BoundedGround }
const files = ground.storage({ url, part, concurrency })
// Loads everything that is loaded at first use.
await files.save('first', new Uint8Array(2 * part), { overwrite: true })
const before = alive()
await files.save('large', Readable.from(source(), { objectMode: false }), { overwrite: true })
await files.close()
console.log(JSON.stringify({ peak: peak - before, after: alive() - before }))
