import { randomUUID } from 'node:crypto'
import { afterAll, describe, it } from 'vitest'
import type { SftpStorage } from '../../../src/backends/sftp/index.ts'
import type { Driver } from '../../../src/core/driver.ts'
import {
  type DriverConformanceOptions,
  driverConformance,
  registerConformance,
  storageConformance,
} from '../../../src/testing/index.ts'
import type { Habits } from '../../servers/sftp/habits.ts'
import { startSftpServer } from '../../servers/sftp.ts'
import { storageLocations } from '../../support/sampled.ts'
import { openAt, storageAt } from './support.ts'

/** What every server has; whole seconds and no etags are all that the protocol knows. */
const features = { ranges: true, exclusiveCreate: true, ifMatch: false, metadata: false, listRange: true }

/** Both suites at a server with these habits; each case is to leave neither open files nor temporary ones. */
async function suitesAt(
  title: string,
  habits: Partial<Habits>,
  options: Partial<DriverConformanceOptions>,
): Promise<void> {
  const server = await startSftpServer({ habits })
  // Cases with the same options share a storage, and so its login.
  const storages = new Map<string, SftpStorage>()
  const shared = (options: Parameters<typeof storageAt>[1]): SftpStorage => {
    const key = JSON.stringify(options, (_, value) => (typeof value === 'function' ? randomUUID() : value))
    const storage = storages.get(key) ?? storageAt(server, options)
    storages.set(key, storage)
    return storage
  }
  afterAll(async () => {
    await Promise.all(Array.from(storages.values(), storage => storage.close()))
    await server.close()
  })
  const destroy = async (): Promise<void> => {
    const open = await openAt(server)
    const left = server.files.names().filter(name => name.includes('.tmp'))
    server.files.clear()
    if (open.length > 0 || left.length > 0) throw new Error(`left behind: ${open} open, ${left} temporary`)
  }
  registerConformance(
    { describe, it },
    driverConformance({
      create: (): Driver => shared({ baseUrl: '/media/' }).calls.driver,
      destroy,
      tree: true,
      limits: true,
      keeps: ['modifiedAt'],
      largeSize: 1_500_007,
      ...options,
    }),
    `SftpDriver, ${title}`,
  )
  registerConformance(
    { describe, it },
    storageConformance({
      create: wanted => shared({ ...wanted, location: `media/${wanted.location}`, baseUrl: '/media/' }),
      destroy,
      ...(options.locations === undefined ? storageLocations : { locations: options.locations }),
    }),
    `SftpStorage, ${title}`,
  )
}

await suitesAt('as OpenSSH', {}, { expects: { features } })
await suitesAt(
  'without extensions, short answers',
  { extensions: [], mostRead: 10_000 },
  { expects: { features }, locations: [''], largeSize: 300_007 },
)
