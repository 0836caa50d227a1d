import { afterAll, describe, it } from 'vitest'
import type { Driver } from '../../../src/core/driver.ts'
import {
  type DriverConformanceOptions,
  driverConformance,
  registerConformance,
  storageConformance,
} from '../../../src/testing/index.ts'
import type { Habits } from '../../servers/sftp/habits.ts'
import { startSftpServer } from '../../servers/sftp.ts'
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
  afterAll(() => server.close())
  const destroy = async (place: { close?(): Promise<void> }): Promise<void> => {
    await place.close?.()
    const open = await openAt(server)
    const left = server.files.names().filter(name => name.includes('.tmp'))
    server.files.clear()
    if (open.length > 0 || left.length > 0) throw new Error(`left behind: ${open} open, ${left} temporary`)
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
      ...(options.locations === undefined ? {} : { locations: options.locations }),
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
