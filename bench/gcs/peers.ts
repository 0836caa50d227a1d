import { pipeline } from 'node:stream/promises'
import { type Contender, count, PART_SIZE } from '../remote/contender.ts'
import { ofDisk, ofFiles } from '../remote/peers.ts'

const DAY_MS = 86_400_000

/** The official client with a token that does not end. */
async function clientOf(apiEndpoint: string) {
  const { Storage } = await import('@google-cloud/storage')
  const { OAuth2Client } = await import('google-auth-library')
  const authClient = new OAuth2Client()
  authClient.setCredentials({ access_token: 'bench', expiry_date: Date.now() + DAY_MS })
  const retryOptions = { autoRetry: false }
  return new Storage({ apiEndpoint, projectId: 'bench', authClient, retryOptions, useAuthWithCustomEndpoint: true })
}

/** The peers by name, each with its defaults but for endpoint, token and part size; imported when made. */
export const PEERS: Readonly<Record<string, (endpoint: string) => Promise<Contender>>> = {
  async 'gcs-sdk'(endpoint) {
    const bucket = (await clientOf(endpoint)).bucket('bucket')
    return {
      put: (key, bytes) =>
        bucket.file(key).save(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), { resumable: false }),
      get: async key => (await bucket.file(key).download())[0].byteLength,
      head: async key => Number((await bucket.file(key).getMetadata())[0].size),
      upload: (key, source) => pipeline(source, bucket.file(key).createWriteStream({ chunkSize: PART_SIZE })),
      download: async key => count(bucket.file(key).createReadStream()),
      list: async () => (await bucket.getFiles())[0].length,
    }
  },
  async flydrive(endpoint) {
    const { Disk } = await import('flydrive')
    const { GCSDriver } = await import('flydrive/drivers/gcs')
    const storage = await clientOf(endpoint)
    return ofDisk(new Disk(new GCSDriver({ storage, bucket: 'bucket', visibility: 'private', usingUniformAcl: true })))
  },
  /** It cannot be told an endpoint, but the client within takes it for an emulator, which asks for no token. */
  async 'files-sdk'(endpoint) {
    process.env['STORAGE_EMULATOR_HOST'] = endpoint
    const { Files } = await import('files-sdk')
    const { gcs } = await import('files-sdk/gcs')
    return ofFiles(new Files({ adapter: gcs({ bucket: 'bucket', projectId: 'bench' }) }))
  },
}
