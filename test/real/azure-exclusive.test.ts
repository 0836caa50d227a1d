import { join } from 'node:path'
import { afterAll, afterEach } from 'vitest'
import { startAzurite } from '../servers/azurite.ts'
import { describeExclusiveSaves, emptyAndClose } from './backend.ts'
import { azuriteOptions, azuriteStorage } from './places/azurite.ts'

const server = await startAzurite()
afterAll(() => server.close(), 60_000)
afterEach(() => emptyAndClose(azuriteStorage(server)))

const MIB = 1024 * 1024

describeExclusiveSaves({
  module: join(import.meta.dirname, '../../src/backends/azure/index.ts'),
  className: 'AzureStorage',
  // So that a file of more than 1 MiB goes in blocks.
  options: { ...azuriteOptions(server), multipartThreshold: MIB, partSize: MIB },
  sizes: { 'in one request': 5000, 'in blocks': 2 * MIB + 5000 },
  storage: () => azuriteStorage(server),
})
