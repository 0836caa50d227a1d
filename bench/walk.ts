/** Files of `src` whose functions a warm `save` of bytes to S3 calls, from the sources: `node bench/walk.ts`. */
import { Session } from 'node:inspector/promises'
import { join } from 'node:path'

const SRC = join(import.meta.dirname, '../src/')
const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })

const { startStrictS3 } = await import('../test/servers/strict-s3.ts')
const { S3Storage } = await import('../src/backends/s3/index.ts')
const server = await startStrictS3()
const { url: endpointUrl, region: regionName, credentials } = server
const place = { endpointUrl, regionName, bucketName: 'media', accessKey: credentials.accessKeyId }
const storage = new S3Storage(
  { ...place, secretKey: credentials.secretAccessKey, conditionalWrites: 'on' },
  { env: {} },
)
for (let n = 0; n < 3; n++) await storage.save('warm.txt', 'x')

await session.post('Profiler.takePreciseCoverage')
await storage.save('walk.txt', Buffer.from('bytes'))
const { result } = await session.post('Profiler.takePreciseCoverage')
await storage.close()
await server.close()

const files = result
  .filter(({ url, functions }) => url.includes(SRC) && functions.some(({ ranges }) => ranges.some(r => r.count > 0)))
  .map(({ url }) => url.slice(url.indexOf(SRC) + SRC.length))
  .sort()
console.log(files.join('\n'))
console.log(`${files.length} files`)
process.exit(0)
