import { afterAll, describe, it } from 'vitest'
import type { Driver } from '../../../src/core/driver.ts'
import {
  type DriverConformanceOptions,
  driverConformance,
  registerConformance,
  storageConformance,
} from '../../../src/testing/index.ts'
import type { Habits } from '../../servers/sftp/habits.ts'
import { type SftpServer, startSftpServer } from '../../servers/sftp.ts'
import { storageAt } from './support.ts'

/** What every server has; whole seconds and no etags are all that the protocol knows. */
const features = { ranges: true, exclusiveCreate: true, ifMatch: false, metadata: false, listRange: true }

/** Both suites at a server with these habits; each case is to leave neither open files nor temporary ones. */
async function suitesAt(
  title: string,
  habits: Partial<Habits>,
  options: Partial<DriverConformanceOptions>,
): Promise<void> {
  const server = await startSftpServer({ habits })
  afterAll(() => server.close())
  const destroy = async (place: { close?(): Promise<void> }): Promise<void> => {
    await place.close?.()
    checkClean(server)
    server.files.clear()
  }
  registerConformance(
    { describe, it },
    driverConformance({
      create: (): Driver => storageAt(server, { baseUrl: '/media/' }).driver,
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
      create: wanted => storageAt(server, { ...wanted, location: `media/${wanted.location}`, baseUrl: '/media/' }),
      destroy,
    }),
    `SftpStorage, ${title}`,
  )
}

function checkClean(server: SftpServer): void {
  const left = server.files.names().filter(name => name.includes('.tmp') || name.includes('/.'))
  if (server.openPaths.length > 0 || left.length > 0) {
    throw new Error(`left behind: ${server.openPaths} open, ${left} temporary`)
  }
}

await suitesAt('as OpenSSH', {}, { expects: { features } })
await suitesAt('without extensions, short answers', { extensions: [], mostRead: 10_000 }, { expects: { features } })
