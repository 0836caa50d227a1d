import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import type { AzureOptions, AzureStorage } from '../../../src/backends/azure/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import { groundOf, PART, type StepName } from '../../backends/azure/fault-steps.ts'
import { storageWith } from '../../backends/azure/support.ts'
import type { Ground } from '../../faults/ground.ts'
import { type Azurite, azuriteToken } from '../../servers/azurite.ts'

/** What a user of the emulator sets: its connection string and a container. */
export function azuriteOptions({ connectionString }: Azurite, azureContainer = 'media'): Input<AzureOptions> {
  return { connectionString, azureContainer }
}

/** A storage in a container of the emulator. */
export function azuriteStorage(server: Azurite, options: Input<AzureOptions> = {}, container = 'media'): AzureStorage {
  return storageWith({ ...azuriteOptions(server, container), ...options })
}

/** What reaches the emulator over https by a token that it takes. */
export function tokenOptions({ endpoint, account, certPath = '' }: Azurite): Input<AzureOptions> {
  const getToken = async () => ({ token: azuriteToken(), expiresOnTimestamp: Date.now() + 3_600_000 })
  const place = { endpointUrl: endpoint, accountName: account, verify: certPath, azureContainer: 'media' }
  return { ...place, tokenCredential: { getToken } }
}

/** The official client for a container of the emulator. */
export function officialClient({ endpoint, account, accountKey }: Azurite, container = 'media'): ContainerClient {
  return new ContainerClient(`${endpoint}/${container}`, new StorageSharedKeyCredential(account, accountKey))
}

/** A container of the emulator as a ground for faults; what is left is seen by the official client. */
export function azuriteGround(server: Azurite, container: string): Ground<StepName> {
  const client = officialClient(server, container)
  const sizes = { multipartThreshold: PART, partSize: PART, uploadConcurrency: 3, azureContainer: container }
  return groundOf(server, sizes, {
    put: async (key, bytes) => {
      await client.getBlockBlobClient(key).uploadData(bytes)
    },
    stored: async key => {
      const blob = client.getBlockBlobClient(key)
      return (await blob.exists()) ? blob.downloadToBuffer() : undefined
    },
  })
}
