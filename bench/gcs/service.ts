import { built } from '../remote/holdall.ts'
import type { BenchService } from '../remote/service.ts'
import { bare } from './bare.ts'
import { PEERS } from './peers.ts'

/** Google Cloud Storage. */
export const service: BenchService = {
  name: 'gcs',
  contenders: {
    'node:http': bare,
    holdall: async endpoint => (await import('./holdall.ts')).holdall(endpoint),
    ...PEERS,
  },
  first: {
    holdall: endpoint => `
      const { GcsStorage } = await import('${built('backends/gcs/index.js')}')
      const credentials = { getAccessToken: async () => ({ token: 'bench' }) }
      const storage = new GcsStorage({ endpointUrl: '${endpoint}', bucketName: 'bucket', credentials }, { env: {} })
      await storage.size('a-4096')
      await storage.close()`,
    'gcs-sdk': endpoint => `
      const { Storage } = await import('@google-cloud/storage')
      const { OAuth2Client } = await import('google-auth-library')
      const authClient = new OAuth2Client()
      authClient.setCredentials({ access_token: 'bench', expiry_date: Date.now() + 3600000 })
      const options = { apiEndpoint: '${endpoint}', projectId: 'bench', authClient, useAuthWithCustomEndpoint: true }
      await new Storage(options).bucket('bucket').file('a-4096').getMetadata()
      process.exit()`,
  },
  installed: [
    { name: 'gcs-sdk', imports: ['@google-cloud/storage'] },
    { name: 'flydrive', imports: ['flydrive', 'flydrive/drivers/gcs'], more: ['@google-cloud/storage'] },
    { name: 'files-sdk', imports: ['files-sdk', 'files-sdk/gcs'], more: ['@google-cloud/storage'] },
  ],
  targets: { put: 2, get: 1.7, head: 1.5, up: 0.7, down: 0.8, peakMib: 60, importMs: 25 },
  hasTls: true,
}
