import { afterAll, describe, it } from 'vitest'
import { driverConformance, registerConformance, storageConformance } from '../../../src/testing/index.ts'
import { NINEFOLD_PATH, startStrictAtmos, startStrictNinefold } from '../../servers/strict-atmos.ts'
import { storageLocations } from '../../support/sampled.ts'
import { at, driverFor, emptied, storageWith } from './support.ts'

const expects = {
  features: { ranges: true, exclusiveCreate: false, ifMatch: false, metadata: true, listRange: true },
  methods: ['move', 'signUrl', 'address', 'createContainer'],
} as const
const kept = { keeps: ['modifiedAt', 'createdAt', 'accessedAt', 'etag'], tree: true, limits: true } as const
const largeSize = 300_007

/** Pages are short, so that every listing has several. */
const server = await startStrictAtmos({ pageSize: 3, etags: false })
const ninefold = await startStrictNinefold({
  pageSize: 2,
  namesAsTokens: true,
  namespacedErrors: true,
  etags: true,
  shortChecksums: true,
})
afterAll(() => Promise.all([server.close(), ninefold.close()]))

registerConformance(
  { describe, it },
  driverConformance({
    create: () => driverFor(server),
    destroy: emptied(server),
    locations: [''],
    ...kept,
    largeSize,
    expects,
  }),
  'AtmosDriver and a strict server',
)

registerConformance(
  { describe, it },
  driverConformance({
    create: () => driverFor(ninefold, { path: NINEFOLD_PATH, container: '', checksums: false }),
    destroy: emptied(ninefold),
    locations: ['below/'],
    ...kept,
    largeSize,
    expects,
  }),
  'AtmosDriver, the path of Ninefold and a strict server',
)

registerConformance(
  { describe, it },
  storageConformance({
    ...storageLocations,
    create: options => storageWith({ ...at(server), ...options }),
    destroy: async storage => {
      await storage.close()
      server.tree.clear()
    },
  }),
  'AtmosStorage and a strict server',
)
