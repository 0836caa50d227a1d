import { AzureDriver, type AzureDriverOptions } from '../../../src/backends/azure/driver.ts'
import { type AzureOptions, AzureStorage, azureAccount, azureSettings } from '../../../src/backends/azure/index.ts'
import type { Driver } from '../../../src/core/driver.ts'
import { type Input, resolveSettings } from '../../../src/core/settings.ts'
import { NodeClient } from '../../../src/http/node-client.ts'
import type { Services } from '../../../src/storage/types.ts'
import type { StrictAzure } from '../../servers/strict-azure.ts'

const MIB = 1024 * 1024

/** A storage that reads no settings and no environment but those that are given. */
export function storageWith(options: Input<AzureOptions>, services: Services = {}): AzureStorage {
  return new AzureStorage(options, { settings: {}, env: {}, ...services })
}

/** A driver for the container of these options, with small blocks. */
export function driverFor(options: Input<AzureOptions>, more: Partial<AzureDriverOptions> = {}): AzureDriver {
  const sources = { defaults: [], settings: {}, env: {} }
  const { options: all } = resolveSettings<AzureOptions>(
    'AzureStorage',
    azureSettings,
    { azureContainer: 'media', ...options },
    sources,
  )
  return new AzureDriver({
    account: azureAccount(all),
    apiVersion: all.apiVersion,
    httpClient: new NodeClient(),
    checksum: 'crc64',
    deleteSnapshots: false,
    multipartThreshold: MIB,
    partSize: MIB,
    uploadConcurrency: 3,
    ...more,
  })
}

/** Closes a driver and empties the container. */
export function emptied(server: StrictAzure): (driver: Driver) => Promise<void> {
  return async driver => {
    await driver.close?.()
    const { blobs, snapshots, versions, uncommitted, leases } = server.container()
    for (const kept of [blobs, snapshots, versions, uncommitted, leases]) kept.clear()
  }
}
