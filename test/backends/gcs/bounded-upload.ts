/**
 * A program that uploads a stream and prints how many bytes of buffers were alive at most:
 * `node --expose-gc bounded-upload.ts URL SIZE CHUNK PART`.
 */
import { Readable } from 'node:stream'
import { GcsStorage } from '../../../src/backends/gcs/index.ts'

const [endpointUrl = '', ...numbers] = process.argv.slice(2)
const [size = 0, chunkSize = 0, blobChunkSize = 0] = numbers.map(Number)
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
  for (let sent = 0, looked = 0; sent < size; sent += chunkSize) {
    if (sent - looked >= EVERY) {
      looked = sent
      peak = Math.max(peak, alive())
    }
    yield Buffer.allocUnsafeSlow(Math.min(chunkSize, size - sent)).fill(sent)
  }
}

const files = new GcsStorage(
  { endpointUrl, bucketName: 'media', credentials: 'anonymous', blobChunkSize, multipartThreshold: blobChunkSize },
  { settings: {}, env: {} },
)
// Loads everything that is loaded at first use.
await files.save('first', new Uint8Array(2 * blobChunkSize), { overwrite: true })
const before = alive()
await files.save('large', Readable.from(source(), { objectMode: false }), { overwrite: true })
await files.close()
const maxRss = process.resourceUsage().maxRSS * 1024
console.log(JSON.stringify({ peak: peak - before, after: alive() - before, maxRss }))
