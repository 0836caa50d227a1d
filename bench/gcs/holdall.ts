import { type Contender, PART_SIZE } from '../remote/contender.ts'
import { built, ofStorage } from '../remote/holdall.ts'

const { GcsStorage }: typeof import('../../src/backends/gcs/index.ts') = await import(built('backends/gcs/index.js'))

/** Holdall as it is for Google, but for TLS, with a token that does not end. */
export function holdall(endpoint: string): Contender {
  return ofStorage(
    new GcsStorage(
      {
        endpointUrl: endpoint,
        bucketName: 'bucket',
        credentials: { getAccessToken: async () => ({ token: 'bench' }) },
        blobChunkSize: PART_SIZE,
      },
      { env: {} },
    ),
  )
}
