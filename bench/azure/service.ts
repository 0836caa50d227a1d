import { built } from '../remote/holdall.ts'
import type { BenchService } from '../remote/service.ts'
import { bare } from './bare.ts'
import { PEERS } from './peers.ts'
import { ACCOUNT, ACCOUNT_KEY, accountUrl, CONTAINER } from './place.ts'

/** Azure Blob Storage. */
export const service: BenchService = {
  name: 'azure',
  contenders: {
    'node:http': bare,
    holdall: async endpoint => (await import('./holdall.ts')).holdall(endpoint, 'crc64'),
    'holdall, no hashes': async endpoint => (await import('./holdall.ts')).holdall(endpoint, 'off'),
    ...PEERS,
  },
  first: {
    holdall: endpoint => `
      const { AzureStorage } = await import('${built('backends/azure/index.js')}')
      const account = { accountName: '${ACCOUNT}', accountKey: '${ACCOUNT_KEY}', endpointUrl: '${accountUrl(endpoint)}' }
      const storage = new AzureStorage({ ...account, azureContainer: '${CONTAINER}' }, { env: {} })
      await storage.size('a-4096')
      await storage.close()`,
    'azure-sdk': endpoint => `
      const { BlobServiceClient, StorageSharedKeyCredential } = await import('@azure/storage-blob')
      const credential = new StorageSharedKeyCredential('${ACCOUNT}', '${ACCOUNT_KEY}')
      const client = new BlobServiceClient('${accountUrl(endpoint)}', credential)
      await client.getContainerClient('${CONTAINER}').getBlobClient('a-4096').getProperties()
      process.exit()`,
  },
  installed: [
    { name: 'azure-sdk', imports: ['@azure/storage-blob'] },
    { name: 'flystorage', imports: ['@flystorage/file-storage', '@flystorage/azure-storage-blob'] },
    { name: 'files-sdk', imports: ['files-sdk', 'files-sdk/azure'], more: ['@azure/storage-blob'] },
  ],
  targets: { put: 1.8, get: 1.6, head: 1.5, up: 0.7, down: 0.8, peakMib: 60, importMs: 25 },
  hasTls: true,
}
