import { afterAll, describe, expect, it, test } from 'vitest'
import { driverConformance, registerConformance, storageConformance } from '../../../src/testing/index.ts'
import { startStrictSwift } from '../../servers/strict-swift.ts'
import { storageLocations } from '../../support/sampled.ts'
import { at, clear, driverFor, emptied, hastyStorage, keystone, PART, SMALL_PARTS } from './support.ts'

const features = {
  ranges: true,
  exclusiveCreate: false,
  checkedCopy: true,
  ifMatch: false,
  metadata: true,
  listRange: true,
}
const methods = ['signUrl', 'uploadTarget', 'address', 'deleteMany', 'copy', 'createContainer'] as const
const keeps = ['modifiedAt', 'etag'] as const

const largeSize = 4 * PART + 7

const server = await startStrictSwift({ tempUrlKey: 'secret' })
const old = await startStrictSwift({
  tempUrlKey: 'secret',
  features: { slo: false, bulk: false },
  allowedDigests: ['sha1'],
})
afterAll(() => Promise.all([server.close(), old.close()]))

registerConformance(
  { describe, it },
  driverConformance({
    create: () => driverFor(server),
    destroy: emptied(server),
    largeSize: 15 * PART + 7,
    limits: true,
    keeps,
    expects: { features, methods },
  }),
  'SwiftDriver and a strict server',
)

registerConformance(
  { describe, it },
  driverConformance({
    create: () => driverFor(old, keystone(old, 2)),
    destroy: async driver => {
      await driver.close?.()
      clear(old, old.requests.findLast(({ account }) => account !== '')?.account)
    },
    largeSize,
    locations: [''],
    keeps,
    expects: { features, methods },
  }),
  'SwiftDriver, Keystone version 2 and a server without static large objects and bulk deletion',
)

registerConformance(
  { describe, it },
  storageConformance({
    create: options => hastyStorage({ ...at(server), ...SMALL_PARTS, ...options }),
    ...storageLocations,
  }),
  'SwiftStorage and a strict server',
)

registerConformance(
  { describe, it },
  storageConformance({
    create: options => hastyStorage({ ...keystone(server, 3), ...SMALL_PARTS, largeObjects: 'dlo', ...options }),
    locations: [''],
  }),
  'SwiftStorage, Keystone version 3, dynamic large objects and a strict server',
)

test('no request is one that a real server would not take', () => {
  expect([...server.complaints, ...old.complaints]).toEqual([])
})
