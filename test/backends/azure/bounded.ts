import { join } from 'node:path'
import type { BoundedStorage } from '../../support/bounded-upload.ts'

/** A storage whose uploads are measured, with parts of so many bytes, so many of them at once. */
export function boundedAzure(part: number, uploadConcurrency: number): BoundedStorage {
  return {
    module: join(import.meta.dirname, '../../../src/backends/azure/index.ts'),
    className: 'AzureStorage',
    options: url => ({
      endpointUrl: `${url}/sink`,
      accountName: 'sink',
      accountKey: 'c2VjcmV0',
      azureContainer: 'media',
      partSize: part,
      multipartThreshold: part,
      uploadConcurrency,
    }),
    part,
  }
}
