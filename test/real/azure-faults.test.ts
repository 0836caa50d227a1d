/** The steps of an upload in blocks to azurite, each with the faults of the proxy; what is left is seen by the official client. */
import { afterAll } from 'vitest'
import { FAULTS, PART } from '../backends/azure/fault-steps.ts'
import { distinctBytes } from '../faults/ground.ts'
import { startAzurite } from '../servers/azurite.ts'
import { describeFaults } from './backend.ts'
import { azuriteGround, azuriteStorage } from './places/azurite.ts'

const container = 'faults'
// The official client looks at what is left, and its version is newer than the emulator's.
const server = await startAzurite({ anyVersion: true })
afterAll(() => server.close(), 60_000)
await using made = azuriteStorage(server, {}, container)
await made.createContainer()

const titles = ['drop before', 'drop after', '500', '500 after', 'ServerBusy', 'repeat']
const looked = ['PutBlockList'] as const

describeFaults(
  azuriteGround(server, container),
  [
    {
      title: 'a stream over an old file',
      steps: ['PutBlock 1', 'PutBlock 2', 'PutBlock 3', 'PutBlockList'],
      overwrite: true,
      looked,
    },
  ],
  FAULTS.filter(({ title }) => titles.includes(title)),
  distinctBytes(2 * PART + 40_000),
)
