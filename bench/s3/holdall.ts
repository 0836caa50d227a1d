import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Contender, count, length, PARALLEL, PART_SIZE } from './contender.ts'

// As it is installed: sources would cost memory, and with it time, that only their compilation takes.
const BUILT = pathToFileURL(join(import.meta.dirname, '../../dist/backends/s3/index.js')).href
const { S3Storage }: typeof import('../../src/backends/s3/index.ts') = await import(BUILT)

/** Holdall as it is for Amazon, but for TLS; or `lean`, with neither checksums nor hashes of bodies, as for others over TLS. */
export function holdall(endpoint: string, lean: boolean): Contender {
  const storage = new S3Storage(
    {
      endpointUrl: endpoint,
      bucketName: 'bucket',
      regionName: 'us-east-1',
      addressingStyle: 'path',
      accessKey: 'key',
      secretKey: 'secret',
      fileOverwrite: true,
      partSize: PART_SIZE,
      uploadConcurrency: PARALLEL,
      checksums: lean ? 'off' : 'always',
      payloadSigning: lean ? 'never' : 'auto',
    },
    { env: {} },
  )
  const read = (key: string): Promise<number> => count(storage.createReadStream(key))
  return {
    put: (key, bytes) => storage.save(key, bytes),
    get: async key => (await storage.readBytes(key)).byteLength,
    head: key => storage.size(key),
    upload: (key, source) => storage.save(key, source),
    download: read,
    list: () => length(storage.entries('', { recursive: true })),
  }
}
