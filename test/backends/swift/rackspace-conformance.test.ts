import { afterAll, describe, expect, it } from 'vitest'
import { driverConformance, registerConformance } from '../../../src/testing/index.ts'
import { RACKSPACE, startStrictSwift } from '../../servers/strict-swift.ts'
import { rackspaceAt } from './rackspace-support.ts'
import { clear, PART, SMALL_PARTS } from './support.ts'

const server = await startStrictSwift({ tempUrlKey: 'secret' })
afterAll(async () => {
  expect(server.complaints).toEqual([])
  await server.close()
})

registerConformance(
  { describe, it },
  driverConformance({
    create: () => rackspaceAt(server, { ...SMALL_PARTS, servicenet: true }).calls.driver,
    destroy: async driver => {
      await driver.close?.()
      clear(server, RACKSPACE.account)
    },
    locations: [''],
    largeSize: 4 * PART + 7,
    keeps: ['modifiedAt', 'etag'],
    expects: {
      features: {
        ranges: true,
        exclusiveCreate: false,
        checkedCopy: true,
        ifMatch: false,
        metadata: true,
        listRange: true,
      },
      methods: ['signUrl', 'uploadTarget', 'address', 'deleteMany', 'copy', 'createContainer'],
    },
  }),
  'RackspaceDriver and a strict server, over ServiceNet',
)
