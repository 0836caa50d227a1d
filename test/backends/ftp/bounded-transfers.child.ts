/**
 * Uploads a stream and downloads it again; prints how many bytes of buffers were alive at most in each direction:
 * `node --expose-gc bounded-transfers.child.ts LOCATION SIZE CHUNK`.
 */
import { createHash } from 'node:crypto'
import { FtpStorage } from '../../../src/backends/ftp/index.ts'

const [location = '', ...numbers] = process.argv.slice(2)
const [size = 0, chunkSize = 0] = numbers.map(Number)
const EVERY = 4 * 1024 * 1024

/** Bytes of buffers that are still reachable. */
function alive(): number {
  // Twice, because what the first collection found is freed in the background.
  gc!()
  gc!()
  return process.memoryUsage().arrayBuffers
}

/** The most that was alive, looked for now and then. */
class Peak {
  bytes = 0
  #next = EVERY

  at(position: number): void {
    if (position < this.#next) return
    this.#next += EVERY
    this.bytes = Math.max(this.bytes, alive())
  }
}

const sent = createHash('sha256')
const received = createHash('sha256')
const up = new Peak()
const down = new Peak()

async function* source(): AsyncGenerator<Buffer> {
  for (let at = 0; at < size; at += chunkSize) {
    up.at(at)
    const chunk = Buffer.allocUnsafeSlow(Math.min(chunkSize, size - at)).fill(at / chunkSize)
    sent.update(chunk)
    yield chunk
  }
}

const files = new FtpStorage({ location, verify: false, maxAttempts: 1 }, { settings: {}, env: {} })
// Loads everything that is loaded at first use.
await files.save('first', 'small', { overwrite: true })
await files.readBytes('first')
for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
const before = alive()
await files.save('large', source(), { overwrite: true })
let position = 0
for await (const chunk of files.createReadStream('large')) {
  position += chunk.length
  received.update(chunk)
  down.at(position)
  // A reader that is slower than the server.
  if (position % 5 === 0) await new Promise(resolve => setTimeout(resolve, 1))
}
await files.close()
const isSame = sent.digest('hex') === received.digest('hex')
console.log(JSON.stringify({ up: up.bytes - before, down: down.bytes - before, after: alive() - before, isSame }))
