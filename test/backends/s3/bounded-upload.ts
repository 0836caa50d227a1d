/**
 * A program that uploads a stream and prints how many bytes of buffers were alive at most:
 * `node --expose-gc bounded-upload.ts URL SIZE CHUNK PART CONCURRENCY`.
 */
import { Readable } from 'node:stream'
import { S3Storage } from '../../../src/backends/s3/index.ts'

const [endpointUrl = '', ...numbers] = process.argv.slice(2)
const [size = 0, chunkSize = 0, partSize = 0, uploadConcurrency = 0] = numbers.map(Number)
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

const files = new S3Storage(
  { endpointUrl, accessKey: 'key', secretKey: 'secret', bucketName: 'media', partSize, uploadConcurrency },
  { settings: {}, env: {} },
)
// Loads everything that is loaded at first use.
await files.save('first', new Uint8Array(2 * partSize), { overwrite: true })
const before = alive()
await files.save('large', Readable.from(source(), { objectMode: false }), { overwrite: true })
await files.close()
console.log(JSON.stringify({ peak: peak - before, after: alive() - before }))
