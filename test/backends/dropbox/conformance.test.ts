import { afterAll, describe, it } from 'vitest'
import { driverConformance, registerConformance, storageConformance } from '../../../src/testing/index.ts'
import { startStrictDropbox } from '../../servers/strict-dropbox.ts'
import { storageLocations } from '../../support/sampled.ts'
import { at, driverFor, emptied, KIB_64, storageWith } from './support.ts'

const features = {
  ranges: true,
  exclusiveCreate: true,
  ifMatch: true,
  metadata: false,
  versions: true,
  listRange: false,
}
const methods = ['deleteMany', 'copy', 'move', 'uploadTarget', 'address', 'createContainer'] as const

const kept = {
  keeps: ['modifiedAt', 'etag', 'versionId'],
  tree: true,
  refusedNames: [' leading and trailing ', 'e\u0301'],
} as const

/** Pages are short, some of them empty, and a listing is in no order. */
const server = await startStrictDropbox({ pageSize: 7, emptyPages: 1, jobPolls: 0 })
const team = await startStrictDropbox({
  account: 'team_space',
  pageSize: 3,
  extraEntries: 1,
  batches: 'at once',
  jobPolls: 0,
  afterFinish: 'not_found',
})
afterAll(() => Promise.all([server.close(), team.close()]))

registerConformance(
  { describe, it },
  driverConformance({
    create: () => driverFor(server),
    destroy: emptied(server),
    largeSize: 15 * KIB_64 + 7,
    limits: true,
    ...kept,
    expects: { features, methods },
  }),
  'DropboxDriver and a strict server',
)

registerConformance(
  { describe, it },
  driverConformance({
    create: () => driverFor(team, { teamRoot: true }),
    destroy: async driver => {
      await driver.close?.()
      const { root } = team.space
      for (const node of root.children.values()) if (node !== team.account.home) team.space.remove(node)
    },
    locations: ['Team Folder/below/'],
    largeSize: 4 * KIB_64 + 7,
    ...kept,
    expects: { features, methods },
  }),
  'DropboxDriver, the root of a team and a strict server',
)

registerConformance(
  { describe, it },
  storageConformance({
    ...storageLocations,
    create: ({ location, ...options }) => storageWith({ ...at(server), ...options, rootPath: `/${location}` }),
    destroy: async storage => {
      await storage.close()
      server.clear()
    },
    opaqueUrls: true,
  }),
  'DropboxStorage and a strict server',
)
