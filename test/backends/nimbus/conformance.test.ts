import { afterAll, describe, it } from 'vitest'
import {
  containerConformance,
  driverConformance,
  registerConformance,
  storageConformance,
} from '../../../src/testing/index.ts'
import { startStrictNimbus } from '../../servers/strict-nimbus.ts'
import { storageLocations } from '../../support/sampled.ts'
import { at, driverFor, emptied, storageWith } from './support.ts'

const features = {
  ranges: true,
  exclusiveCreate: false,
  ifMatch: false,
  metadata: true,
  versions: true,
  listRange: false,
}

const server = await startStrictNimbus({ collections: ['media', 'other', 'third'] })
/** As the source of the service is: pages in no order of bytes, with places that deleted files take, values decoded twice, ranges that are not cut. */
const versioned = await startStrictNimbus({
  collections: [{ name: 'media', versioning: true, accessControl: { version: '1.0', allow_unauth_read: true } }],
  collation: 'en',
  decodesTwice: true,
  countsDeleted: true,
  longRanges: true,
})
afterAll(() => Promise.all([server.close(), versioned.close()]))

registerConformance(
  { describe, it },
  driverConformance({
    create: () => driverFor(server),
    destroy: emptied(server),
    locations: [''],
    limits: true,
    keeps: ['modifiedAt'],
    refusesEmpty: true,
    largeSize: 1_000_007,
    expects: { features, methods: ['address', 'createContainer'] },
  }),
  'NimbusDriver and a strict server',
)

registerConformance(
  { describe, it },
  driverConformance({
    create: () => driverFor(versioned, { publicRead: true }),
    destroy: emptied(versioned),
    locations: ['a folder/below/'],
    keeps: ['modifiedAt'],
    refusesEmpty: true,
    largeSize: 300_007,
    expects: { features, methods: ['publicUrl', 'address', 'createContainer'] },
  }),
  'NimbusDriver, a collection with versions and a strict server',
)

registerConformance(
  { describe, it },
  storageConformance({
    create: options => storageWith({ ...at(server, 'third'), listSizes: true, ...options }),
    destroy: async storage => emptied(server, 'third')(storage.calls.driver),
    refusesEmpty: true,
    ...storageLocations,
  }),
  'NimbusStorage and a strict server',
)

registerConformance(
  { describe, it },
  containerConformance({
    create: (collection = 'other') => driverFor(server, { collection }),
    keeps: ['createdAt'],
  }),
  'The collections of Nimbus.io and a strict server',
)
