import { type Contender, PARALLEL, PART_SIZE } from '../remote/contender.ts'
import { built, ofStorage } from '../remote/holdall.ts'
import { ACCOUNT, ACCOUNT_KEY, accountUrl, CONTAINER } from './place.ts'

const { AzureStorage }: typeof import('../../src/backends/azure/index.ts') = await import(
  built('backends/azure/index.js')
)

/** Holdall as it is for Azure (`auto`: MD5 of whole files, CRC-64 of blocks), but for TLS; or with one checksum for all, or none. */
export function holdall(endpoint: string, checksums: 'auto' | 'crc64' | 'off'): Contender {
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
