import { type Contender, PARALLEL, PART_SIZE } from '../remote/contender.ts'
import { built, ofStorage } from '../remote/holdall.ts'
import { ACCOUNT, ACCOUNT_KEY, accountUrl, CONTAINER } from './place.ts'

const { AzureStorage }: typeof import('../../src/backends/azure/index.ts') = await import(
  built('backends/azure/index.js')
)

/** Holdall as it is for Azure (uploads with a CRC-64, downloads compared with the stored MD5), but for TLS; or without checksums. */
export function holdall(endpoint: string, checksums: 'crc64' | 'off'): Contender {
  return ofStorage(
    new AzureStorage(
      {
        endpointUrl: accountUrl(endpoint),
        accountName: ACCOUNT,
        accountKey: ACCOUNT_KEY,
        azureContainer: CONTAINER,
        fileOverwrite: true,
        partSize: PART_SIZE,
        uploadConcurrency: PARALLEL,
        checksums,
      },
      { env: {} },
    ),
  )
}
