/** A program that sends or reads a large file and prints how many bytes of buffers were alive at most: `node --expose-gc bounded.child.ts WAY SIZE`. */
import { Readable } from 'node:stream'
import { SftpStorage } from '../../../src/backends/sftp/index.ts'

const [way, size = 0] = [process.argv[2], Number(process.argv[3])]
const CHUNK = 256 * 1024
const EVERY = 4 * 1024 * 1024

/** Bytes of buffers that are still reachable. */
function alive(): number {
  // Twice, because what the first collection found is freed in the background.
  gc!()
  gc!()
  return process.memoryUsage().arrayBuffers
}

let peak = 0
let [moved, looked] = [0, 0]
function count(bytes: number): void {
  moved += bytes
  if (moved - looked < EVERY) return
  looked = moved
  peak = Math.max(peak, alive())
}

async function* source(): AsyncGenerator<Buffer> {
  for (let sent = 0; sent < size; sent += CHUNK) {
    count(CHUNK)
    yield Buffer.allocUnsafeSlow(Math.min(CHUNK, size - sent)).fill(sent)
  }
}

const files = new SftpStorage(JSON.parse(process.env['OPTIONS']!), { settings: {}, env: {} })
// Loads everything that is loaded at first use.
await files.save('first', new Uint8Array(2 * CHUNK), { overwrite: true })
await files.readBytes('first')
const before = alive()
if (way === 'up') await files.save('large', Readable.from(source(), { objectMode: false }), { overwrite: true })
else if (way === 'open') {
  await files.edit('large', 'wb', async file => {
    for await (const chunk of source()) await file.write(chunk)
  })
} else for await (const chunk of files.createReadStream('large')) count(chunk.length)
const after = alive() - before
await files.close()
console.log(JSON.stringify({ moved, peak: peak - before, after }))
