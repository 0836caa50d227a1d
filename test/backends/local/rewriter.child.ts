// Writes versions of one file until it is killed; each version is one letter all through, a capital where attributes go with it.
import { LocalStorage } from '../../../src/backends/local/index.ts'

const [location, mode] = process.argv.slice(2) as [string, string]
const keepMetadata = mode === 'metadata'
const options = { location, keepMetadata, fsync: false, fileOverwrite: true }
const storage = new LocalStorage(options, { settings: {}, env: {} })
for (let version = 0; mode !== 'warm-up'; version++) {
  const letter = String.fromCharCode((keepMetadata ? 65 : 97) + (version % 26))
  const bytes = Buffer.alloc(200_000 + (version % 26), letter)
  const pieces = [bytes.subarray(0, 70_000), bytes.subarray(70_000)]
  const metadata = { letter }
  if (version % 3 === 0) await storage.save('folder/file.bin', bytes, { metadata })
  else if (version % 3 === 1) await storage.save('folder/file.bin', pieces, { metadata })
  else await storage.edit('folder/file.bin', 'wb', file => file.writeLines(pieces), { metadata })
  // Where nobody waits for the first version, a fast machine kills the writer before it has begun.
  if (version === 0) process.stdout.write('ready\n')
}
