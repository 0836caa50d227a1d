// Begins an upload in parts, prints its token, sends so many parts of the file and waits to be killed.
import { readFile } from 'node:fs/promises'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'

const [kind, options, path, partSize, parts] = process.argv.slice(2) as [string, string, string, string, string]
const own = { settings: {}, env: {} }
const storage = kind === 's3' ? new S3Storage(JSON.parse(options), own) : new LocalStorage(JSON.parse(options), own)
const upload = await storage.openUpload('dir/film.bin', { partSize: Number(partSize), contentType: 'video/x-odd' })
console.log(`token ${upload.token}`)
const bytes = await readFile(path)
// A byte of the next part is in memory only.
await upload.write(bytes.subarray(0, Number(parts) * Number(partSize) + 1))
console.log(`sent ${upload.offset}`)
setInterval(() => undefined, 1000)
